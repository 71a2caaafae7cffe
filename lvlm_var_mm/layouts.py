"""Joint layouts: what each joint of a skeleton is, and what it hangs on.

``LAYOUTS`` holds the five in use: NTU RGB+D's 25 joints (Kinect v2), Kinect
v1's 20, COCO's 17, OpenPose's 18 and the 33 landmarks of MediaPipe's
BlazePose. Left and right are the person's own. ``docs/layouts.md`` shows their
order; ``tools/draw_layouts.py`` writes it.
"""
import re
from typing import Dict, NamedTuple, Optional, Sequence, Tuple, Union

from mmengine.config import Config

Bone = Tuple[int, int]


class Layout(NamedTuple):
    """One way to number the joints of a body.

    Attributes:
        name (str): Key in :data:`LAYOUTS`, or ``'custom'``.
        joints (tuple[str]): (V, ) a name for each joint, such as
            ``'left_wrist'``; a custom layout may leave them empty.
        inward (tuple[tuple[int, int]]): Bones, each from a joint to the one
            nearer to the centre.
        center (int): The joint that everything hangs on.
        stock (str | None): MMAction2's own name for it, where it has one.
        up (tuple[int]): The direction that usually points up in space.
        picture (bool): Whether it is one of pictures, where a third
            coordinate of a joint is its score.
    """
    name: str
    joints: Tuple[str, ...]
    inward: Tuple[Bone, ...]
    center: int
    stock: Optional[str] = None
    up: Tuple[int, ...] = (0, 1, 0)
    picture: bool = False

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joints)

    def index(self, joint: str) -> Optional[int]:
        """Number of a joint, None where the layout has no such joint."""
        return self.joints.index(joint) if joint in self.joints else None

    @property
    def has_trunk(self) -> bool:
        """Tell whether shoulders and hips are named: body-part events, and
        what checks a body, measure in lengths of the torso between them."""
        return {f'{side}_{part}' for side in ('left', 'right')
                for part in ('shoulder', 'hip')} <= set(self.joints)

    def graph_cfg(self) -> Union[str, Dict]:
        """``layout`` of a ``graph_cfg`` of MMAction2's GCNs."""
        return self.stock or dict(
            num_node=self.num_joints,
            inward=[tuple(bone) for bone in self.inward],
            center=self.center)


def _sides(*parts: str) -> Tuple[str, ...]:
    return tuple(f'{side}_{part}' for side in ('left', 'right')
                 for part in parts)


_ARM = 'shoulder', 'elbow', 'wrist', 'hand'
_LEG = 'hip', 'knee', 'ankle', 'foot'

LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            'ntu25',
            ('pelvis', 'spine', 'neck', 'head', *_sides(*_ARM),
             *_sides(*_LEG), 'chest', *_sides('hand_tip', 'thumb')),
            ((0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5),
             (7, 6), (8, 20), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12),
             (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18),
             (21, 7), (22, 7), (23, 11), (24, 11)), 20, 'nturgb+d'),
        Layout(
            'kinect20',
            ('pelvis', 'spine', 'chest', 'head', *_sides(*_ARM),
             *_sides(*_LEG)),
            ((0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
             (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13),
             (15, 14), (16, 0), (17, 16), (18, 17), (19, 18)), 1),
        Layout(
            'coco17',
            ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear',
             'left_shoulder', 'right_shoulder', 'left_elbow', 'right_elbow',
             'left_wrist', 'right_wrist', 'left_hip', 'right_hip',
             'left_knee', 'right_knee', 'left_ankle', 'right_ankle'),
            ((15, 13), (13, 11), (16, 14), (14, 12), (11, 5), (12, 6),
             (9, 7), (7, 5), (10, 8), (8, 6), (5, 0), (6, 0), (1, 0), (3, 1),
             (2, 0), (4, 2)), 0, 'coco', picture=True),
        Layout(
            'openpose18',
            ('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist',
             'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
             'right_knee', 'right_ankle', 'left_hip', 'left_knee',
             'left_ankle', 'right_eye', 'left_eye', 'right_ear',
             'left_ear'),
            ((4, 3), (3, 2), (7, 6), (6, 5), (13, 12), (12, 11), (10, 9),
             (9, 8), (11, 5), (8, 2), (5, 1), (2, 1), (0, 1), (15, 0),
             (14, 0), (17, 15), (16, 14)), 1, 'openpose', picture=True),
        Layout(
            'blazepose33',
            ('nose', 'left_eye_inner', 'left_eye', 'left_eye_outer',
             'right_eye_inner', 'right_eye', 'right_eye_outer', 'left_ear',
             'right_ear', 'left_mouth', 'right_mouth', 'left_shoulder',
             'right_shoulder', 'left_elbow', 'right_elbow', 'left_wrist',
             'right_wrist', 'left_pinky', 'right_pinky', 'left_index',
             'right_index', 'left_thumb', 'right_thumb', 'left_hip',
             'right_hip', 'left_knee', 'right_knee', 'left_ankle',
             'right_ankle', 'left_heel', 'right_heel', 'left_foot',
             'right_foot'),
            ((1, 0), (2, 1), (3, 2), (7, 3), (4, 0), (5, 4), (6, 5), (8, 6),
             (9, 0), (10, 0), (11, 0), (12, 0), (13, 11), (15, 13), (14, 12),
             (16, 14), (17, 15), (19, 15), (21, 15), (18, 16), (20, 16),
             (22, 16), (23, 11), (24, 12), (25, 23), (27, 25), (26, 24),
             (28, 26), (29, 27), (31, 27), (30, 28), (32, 28)), 0,
            # World landmarks are in the axes of a picture.
            up=(0, -1, 0)),
    )
}


def load_layout(source: Union[str, Dict, Layout]) -> Layout:
    """A layout by name, or one of your own.

    Args:
        source (str | dict | Layout): A key of :data:`LAYOUTS`; or
            ``num_node``, ``inward`` and ``center`` as in MMAction2's
            ``graph_cfg``, and by option ``joints``, the names of the joints
            in the terms of :data:`LAYOUTS`, see :func:`joint_name`. Bones may
            be given from the centre outwards.

    Returns:
        Layout: Checked.

    Raises:
        ValueError: Unknown name, joints that no edge reaches, or two joints of
            one name; says which.
    """
    if isinstance(source, Layout):
        return source
    if isinstance(source, str):
        if source not in LAYOUTS:
            raise ValueError(
                f'unknown joint layout {source!r}: known are '
                f'{", ".join(LAYOUTS)}; or give `num_node`, `inward` and '
                '`center`')
        return LAYOUTS[source]
    absent = {'num_node', 'inward', 'center'} - set(source)
    if absent:
        raise ValueError(f'joint layout lacks {sorted(absent)}')
    number = int(source['num_node'])
    joints = tuple(map(joint_name, source.get('joints') or ('', ) * number))
    if len(joints) != number:
        raise ValueError(f'joint layout: `joints` names {len(joints)}, but '
                         f'`num_node` is {number}')
    twice = sorted({j for j in joints if j and joints.count(j) > 1})
    if twice:
        raise ValueError(f'joint layout: `joints` has {twice[0]!r} more than '
                         'once')
    inward = tuple((int(a), int(b)) for a, b in source['inward'])
    center = int(source['center'])
    return Layout('custom', joints, _towards(center, inward, number), center)


# What other naming schemes call the joints of LAYOUTS.
_SAME = dict(
    mid_hip='pelvis', hip_center='pelvis', hip_centre='pelvis', root='pelvis',
    hips='pelvis', spine_base='pelvis', mid_spine='spine', spine_mid='spine',
    shoulder_center='chest', shoulder_centre='chest', mid_shoulder='chest',
    spine_shoulder='chest', thorax='chest', toe='foot', big_toe='foot',
    toes='foot', toe_base='foot', foot_index='foot')


def vertical_axis(up: Sequence[float]) -> int:
    """Return the number of the axis along which ``up`` points, up or down."""
    return max(range(len(up)), key=lambda axis: abs(up[axis]))


def joint_name(name: str) -> str:
    """Return a joint's name in the terms of :data:`LAYOUTS`.

    ``'RightWrist'``, ``'wrist_r'`` and ``'R Wrist'`` are ``'right_wrist'``;
    a name that is not known there stays, in lower case.
    """
    words = re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+', str(name or ''))
    words = [word.lower() for word in words]
    side = [{'l': 'left', 'r': 'right'}.get(w, w) for w in words
            if w in ('l', 'r', 'left', 'right')]
    part = '_'.join(w for w in words if w not in ('l', 'r', 'left', 'right'))
    return '_'.join([*side, _SAME.get(part, part)]).strip('_')


def _towards(center: int, bones: Sequence[Bone], number: int
             ) -> Tuple[Bone, ...]:
    """Check that bones reach all joints. Where a joint has more than one, turn
    each from its joint to the one nearer to the centre."""
    if not 0 <= center < number:
        raise ValueError(f'joint layout: `center` {center} is no joint of 0 '
                         f'to {number - 1}')
    for bone in bones:
        if not all(0 <= joint < number for joint in bone):
            raise ValueError(f'joint layout: bone {bone} names a joint '
                             f'outside 0 to {number - 1}')
    far, grown = {center: 0}, {center}  # bones between a joint and the centre
    while grown:
        grown = {j for bone in bones for j in bone
                 if grown & set(bone)} - far.keys()
        far.update(dict.fromkeys(grown, max(far.values()) + 1))
    if len(far) < number:
        raise ValueError(
            f'joint layout: joints {sorted(set(range(number)) - far.keys())} '
            f'hang on nothing: every joint needs a bone in `inward`')
    if len({outer for outer, _ in bones}) < len(bones):
        return tuple(max((a, b), (b, a), key=lambda bone: far[bone[0]])
                     for a, b in bones)
    return tuple(bones)


def check_bones(inward: Optional[Sequence[Bone]]) -> None:
    """Refuse what gives a joint no bone of its own.

    Raises:
        ValueError: There are no bones, or a joint has more than one.
    """
    if inward is None:
        raise ValueError('bones need `inward`, the edges of the layout, or '
                         '`layout`')
    outer = [bone[0] for bone in inward]
    twice = sorted({joint for joint in outer if outer.count(joint) > 1})
    if twice:
        raise ValueError(f'bones: joint {twice[0]} has more than one towards '
                         'the centre: `inward` must be a tree')


def layout_of(cfg: Config) -> Optional[Layout]:
    """The joint layout of a GCN, None for another backbone.

    Raises:
        ValueError: It is none.
    """
    graph = (cfg.model.get('backbone') or {}).get('graph_cfg')
    if not graph:
        return None
    source = graph.get('layout', 'coco')
    for layout in LAYOUTS.values():
        same = isinstance(source, dict) and len(
            layout.joints) == source.get('num_node') and set(
                layout.inward) == {tuple(b) for b in source.get('inward', ())}
        if same or source == layout.stock:
            return layout
    return load_layout(source)
