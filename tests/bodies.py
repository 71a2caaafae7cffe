"""Bodies as they stand, move and are seen, for tests of events."""
import numpy as np

from lvlm_var_mm.kinematics import mirrored
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic import body as sample_body
from lvlm_var_mm.synthetic.make import capture
from lvlm_var_mm.synthetic.motion import MOTIONS
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.synthetic.render import project

NTU = LAYOUTS['ntu25']
# y down, z up as a right-handed camera has them; and a mirror.
CHANGES = dict(
    good=lambda k: k,
    y_down=lambda k: k * [1, -1, -1],
    z_up=lambda k: np.stack([k[..., 0], -k[..., 2], k[..., 1]], -1),
    mirrored=lambda k: k * [-1, 1, 1],
    millimetres=lambda k: k * 1000,
    scrambled=lambda k: k[:, :, np.random.default_rng(3).permutation(
        k.shape[2])])
UP = dict(y_down=(0, -1, 0), z_up=(0, 0, 1))
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
    """Turned about the up axis, to the left."""
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


def made(layout='ntu25', performers=(1, ), actions=MOTIONS, noise=.01):
    """Clips (1, T, V, 3) of the first person, as a sensor measures them;
    metres, y up."""
    rng = np.random.default_rng(0)
    clips = []
    for action in actions:
        for performer in performers:
            performance = action, performer, 1
            people = perform(*performance)
            if layout == 'ntu25':
                _, joints, _ = capture(people[:1], 2, performance)
                clips.append(np.nan_to_num(joints[:1]))
            else:
                seen, _, _ = capture(people[:1], 2, performance)
                joints = in_layout(seen, layout)
                clips.append(joints + rng.normal(0, noise, joints.shape))
    return [clip.astype(np.float32) for clip in clips]


def pictures(layout, **kwargs):
    """The same in pixels of a picture of 120 x 160."""
    return [project(clip).astype(np.float32)
            for clip in made(layout, **kwargs)]


def in_layout(keypoint, name):
    """NTU's joints (M, T, 25, 3) in another layout; what NTU lacks is put
    where a body has it."""
    joints = {n: keypoint[:, :, i] for i, n in enumerate(NTU.joints)}
    right = joints['right_shoulder'] - joints['left_shoulder']
    right = right / np.linalg.norm(right, axis=-1, keepdims=True)
    up = np.array([0, 1, 0])
    ahead = np.cross(up, right)
    head = joints['head']
    joints['nose'] = head + .11 * ahead - .02 * up
    for side, sign in (('left', -1), ('right', 1)):
        out, hand = sign * right, joints[f'{side}_hand']
        joints[f'{side}_ear'] = head + .07 * out
        for eye, place in (('eye_inner', .02), ('eye', .03),
                           ('eye_outer', .04)):
            joints[f'{side}_{eye}'] = head + place * out + .09 * ahead
        joints[f'{side}_mouth'] = head + .02 * out + .1 * ahead - .06 * up
        joints[f'{side}_pinky'] = joints[f'{side}_index'] = hand
        joints[f'{side}_heel'] = joints[f'{side}_ankle'] - .05 * ahead
    return np.stack([joints[n] for n in LAYOUTS[name].joints], 2)
