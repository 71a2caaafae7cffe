"""Hide joints: some for the whole clip, those that a smaller layout lacks, an
arm, or all joints of some frames. Their base class is in :mod:`.disturb`."""
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS
from .disturb import Disturbance, LayoutLike, checked_part
from .missing_joints import hide, seen_joints
from .recipe import draw_joints

# Joints that nearly every layout has, in two dimensions or three. The first of
# several names that a layout knows counts.
COMMON = (('head', 'nose', 'neck'), *((f'{side}_{part}', ) for side in (
    'left', 'right') for part in ('shoulder', 'elbow', 'wrist', 'hip', 'knee',
                                  'ankle')))
ARM = ('elbow', 'wrist', 'hand', 'hand_tip', 'thumb', 'pinky', 'index')


def common_joints(layout: LayoutLike) -> Tuple[int, ...]:
    """Return the 13 joints of a layout that COCO has as well: head, shoulders,
    elbows, wrists, hips, knees and ankles.

    Raises:
        ValueError: The layout does not name one of them.
    """
    layout, found = load_layout(layout), []
    for names in COMMON:
        known = [n for n in names if n in layout.joints]
        if not known:
            raise ValueError(f'joint layout {layout.name} names no {names[0]}:'
                             ' set `joints` of the layout')
        found.append(layout.index(known[0]))
    return tuple(found)


class PartLost(Disturbance):
    """Base class: lose a part of something.

    Args:
        ratio (float): The part; 0 loses nothing.
        seed (int, optional): See :class:`Disturbance`.
    """

    def __init__(self, ratio: float, seed: Optional[int] = 0) -> None:
        super().__init__(seed)
        self.ratio = checked_part('ratio', ratio)

    @property
    def is_off(self) -> bool:
        return not self.ratio


@TRANSFORMS.register_module()
class DropJoints(PartLost):
    """Lose joints for the whole clip, the same ones for all persons.

    ``RandomDropJoints`` draws them in the same way for training.

    Args:
        ratio (float): Part of the joints; at least one, unless it is 0, and
            never all.
        seed (int, optional): See :class:`Disturbance`.
    """

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        joints = results['keypoint'].shape[2]
        hidden = np.zeros(joints, bool)
        hidden[draw_joints(joints, self.ratio, rng)] = True
        hide(results, hidden)


@TRANSFORMS.register_module()
class KeepJoints(Disturbance):
    """Lose all joints that a smaller layout would not have.

    They stay in the array as zeros, so that a model of the larger layout can
    be tested. None of them is filled in from its neighbours.

    Args:
        layout (str | dict): See :func:`lvlm_var_mm.layouts.load_layout`.
        joints (sequence[str], optional): Names of those that stay. Defaults
            to :func:`common_joints`.
        seed (int, optional): Unused, as nothing is random here.

    Raises:
        ValueError: The layout does not name one of them.
    """

    def __init__(self, layout: LayoutLike,
                 joints: Optional[Sequence[str]] = None,
                 seed: Optional[int] = 0) -> None:
        super().__init__(seed)
        layout = load_layout(layout)
        self.kept = common_joints(layout) if joints is None else tuple(
            _named(layout, name) for name in joints)
        self.joints = layout.num_joints

    @property
    def is_off(self) -> bool:
        return len(set(self.kept)) == self.joints

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        hidden = np.ones(self.joints, bool)
        hidden[list(self.kept)] = False
        hide(results, hidden)


@TRANSFORMS.register_module()
class OccludeArm(Disturbance):
    """Hide one arm below the shoulder during a part of the clip.

    Args:
        layout (str | dict): See :func:`lvlm_var_mm.layouts.load_layout`.
        part (float): Of the clip, in one piece at a random time.
        side (str): ``'left'``, ``'right'``, or ``'random'`` to draw one for
            each clip.
        seed (int, optional): See :class:`Disturbance`.

    Raises:
        ValueError: The layout names no elbow or wrist, or no such side.
    """

    def __init__(self, layout: LayoutLike, part: float = 1.,
                 side: str = 'random', seed: Optional[int] = 0) -> None:
        super().__init__(seed)
        layout, self.part = load_layout(layout), checked_part('part', part)
        if side not in ('left', 'right', 'random'):
            raise ValueError(f"OccludeArm: `side` is {side!r}, must be 'left',"
                             " 'right' or 'random'")
        self.arms = []
        for one in ('left', 'right') if side == 'random' else (side, ):
            for needed in ('elbow', 'wrist'):
                _named(layout, f'{one}_{needed}')
            self.arms.append([
                i for i, name in enumerate(layout.joints)
                if name in {f'{one}_{below}' for below in ARM}])

    @property
    def is_off(self) -> bool:
        return not self.part

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        frames, joints = results['keypoint'].shape[1:3]
        arm = self.arms[int(rng.integers(len(self.arms)))]
        length = max(round(self.part * frames), 1)
        start = int(rng.random() * (frames - length))
        hidden = np.zeros((frames, joints), bool)
        hidden[start:start + length, arm] = True
        hide(results, hidden)


@TRANSFORMS.register_module()
class LoseFrames(PartLost):
    """Lose frames: all joints of all persons are missing there.

    They are drawn independently from the frames that show anybody, of which
    at least one stays.

    Args:
        ratio (float): Part of these frames.
        seed (int, optional): See :class:`Disturbance`.
    """

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        _, there = seen_joints(results)
        shown = rng.permutation(np.flatnonzero(there.any((0, 2, 3))))
        number = min(round(self.ratio * len(shown)), len(shown) - 1)
        hidden = np.zeros((there.shape[1], 1), bool)
        hidden[shown[:max(number, 0)]] = True
        hide(results, hidden)


def _named(layout: Layout, name: str) -> int:
    if name not in layout.joints:
        raise ValueError(f'joint layout {layout.name} names no {name}: set '
                         '`joints` of the layout')
    return layout.index(name)
