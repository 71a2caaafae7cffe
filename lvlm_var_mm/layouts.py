"""Joint layouts: what each joint of a skeleton is, and what it hangs on.

``LAYOUTS`` holds the four in use: NTU RGB+D's 25 joints (Kinect v2), Kinect
v1's 20, COCO's 17 and OpenPose's 18. Left and right are the person's own.
"""
from typing import Dict, NamedTuple, Optional, Sequence, Tuple, Union

from mmengine.config import Config


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
    """
    name: str
    joints: Tuple[str, ...]
    inward: Tuple[Tuple[int, int], ...]
    center: int
    stock: Optional[str] = None

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joints)

    def index(self, joint: str) -> Optional[int]:
        """Number of a joint, None where the layout has no such joint."""
        return self.joints.index(joint) if joint in self.joints else None

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
             (2, 0), (4, 2)), 0, 'coco'),
        Layout(
            'openpose18',
            ('nose', 'neck', 'right_shoulder', 'right_elbow', 'right_wrist',
             'left_shoulder', 'left_elbow', 'left_wrist', 'right_hip',
             'right_knee', 'right_ankle', 'left_hip', 'left_knee',
             'left_ankle', 'right_eye', 'left_eye', 'right_ear',
             'left_ear'),
            ((4, 3), (3, 2), (7, 6), (6, 5), (13, 12), (12, 11), (10, 9),
             (9, 8), (11, 5), (8, 2), (5, 1), (2, 1), (0, 1), (15, 0),
             (14, 0), (17, 15), (16, 14)), 1, 'openpose'),
    )
}


def load_layout(source: Union[str, Dict, Layout]) -> Layout:
    """A layout by name, or one of your own.

    Args:
        source (str | dict | Layout): A key of :data:`LAYOUTS`; or
            ``num_node``, ``inward`` and ``center`` as in MMAction2's
            ``graph_cfg``, and by option ``joints``, the names of the joints
            in the terms of :data:`LAYOUTS`.

    Returns:
        Layout: Checked.

    Raises:
        ValueError: Unknown name, or edges that are no tree over the joints;
            says which.
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
    joints = tuple(source.get('joints') or ('', ) * number)
    if len(joints) != number:
        raise ValueError(f'joint layout: `joints` names {len(joints)}, but '
                         f'`num_node` is {number}')
    inward = tuple((int(a), int(b)) for a, b in source['inward'])
    _check_tree(number, inward, int(source['center']))
    return Layout('custom', joints, inward, int(source['center']))


def _check_tree(number: int, inward: Sequence, center: int) -> None:
    if not 0 <= center < number:
        raise ValueError(f'joint layout: `center` {center} is no joint of 0 '
                         f'to {number - 1}')
    for bone in inward:
        if not all(0 <= joint < number for joint in bone):
            raise ValueError(f'joint layout: bone {bone} names a joint '
                             f'outside 0 to {number - 1}')
    reached, grown = {center}, True
    while grown:
        grown = {j for bone in inward for j in bone
                 if reached & set(bone)} - reached
        reached |= grown
    if len(reached) < number:
        raise ValueError(
            f'joint layout: joints {sorted(set(range(number)) - reached)} '
            f'hang on nothing: every joint needs a bone in `inward`')


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
