"""Bodies as they stand, move and are seen, for tests of events."""
import numpy as np

from lvlm_var_mm.kinematics import mirrored
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic import body as sample_body
from lvlm_var_mm.synthetic.make import capture
from lvlm_var_mm.synthetic.performance import perform

NTU = LAYOUTS['ntu25']
FRAMES = 60
S = np.linspace(-.2, 1.2, FRAMES).clip(0, 1)  # progress, at rest at both ends
SIDEWAYS = np.array([1., 0, 0])


def measured(action, performer=1, camera=2):
    """A clip of the made sample, as read from its file, nobody left out."""
    performance = action, performer, 1
    _, joints, _ = capture(perform(*performance), camera, performance)
    return np.nan_to_num(joints).astype(np.float32)


def body(change=None, tall=1.72):
    """(1, T, 25, 3) of somebody who stands, but for what ``change`` does to
    the pose; x right, y up, z away from a camera that is looked at."""
    pose = sample_body.Pose(sample_body.Body(tall), FRAMES)
    if change:
        change(pose)
    return sample_body.joints_of(pose)[None] * [1, 1, -1]


def turned(keypoint, degrees):
    """Turned about the vertical, to the left."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    zero = np.zeros_like(angle)
    matrix = np.moveaxis(np.array([[cos, zero, sin], [zero, zero + 1, zero],
                                   [-sin, zero, cos]]), (0, 1), (-2, -1))
    return np.einsum('...ij,...vj->...vi', matrix, keypoint)


def tilted(keypoint, degrees):
    """Seen by a camera that looks down."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    return keypoint @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])


def mirror(keypoint, layout=NTU):
    swap = [layout.index(mirrored(j.replace('_', ' ')).replace(' ', '_'))
            for j in layout.joints]
    return keypoint[:, :, swap] * np.array([-1, 1, 1])[:keypoint.shape[-1]]


def in_layout(keypoint, name):
    """NTU's joints (M, T, 25, 3) in another layout; eyes, ears and nose are
    put where a head has them."""
    joints = {n: keypoint[:, :, i] for i, n in enumerate(NTU.joints)}
    right = joints['right_shoulder'] - joints['left_shoulder']
    right = right / np.linalg.norm(right, axis=-1, keepdims=True)
    ahead = np.cross([0, 1, 0], right)
    head = joints['head']
    joints['nose'] = head + .11 * ahead - .02 * np.array([0, 1, 0])
    for side, sign in (('left', -1), ('right', 1)):
        joints[f'{side}_ear'] = head + sign * .07 * right
        joints[f'{side}_eye'] = head + sign * .03 * right + .09 * ahead
    if name == 'kinect20':
        joints['neck'] = None
    return np.stack([joints[n] for n in LAYOUTS[name].joints], 2)
