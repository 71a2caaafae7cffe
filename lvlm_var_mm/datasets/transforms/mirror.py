"""Clips as a mirror shows them: left and right changed over, in the joints and
in what they do."""
import re
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.kinematics import mirrored
from lvlm_var_mm.kinematics.rows import in_a_mirror
from lvlm_var_mm.kinematics.vocabulary import SIDES
from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS
from .missing_joints import masked, seen_joints


@TRANSFORMS.register_module()
class MirrorSkeleton3D(BaseTransform):
    """Reflect joints in space, and change left over to right.

    Body-part events change sides with them, so it may stand behind
    ``BodyPartEvents``, which then measures each clip once, or before it. For
    joints in pictures there is MMAction2's ``Flip``.

    In training, a model that names a side by habit of the class learns to
    look: the habit is wrong in every second clip. It is not for classes that
    differ by the side alone. A clip whose ``explanation`` names a side is left
    as it is.

    Required Keys: keypoint (M, T, V, 3). Optional Keys: keypoint_score,
    events, decidable, explanation. Modified Keys: keypoint, keypoint_score,
    events, decidable. Added Keys, where a clip is mirrored: disturbed.

    Args:
        layout (str | dict): Names of the joints, see
            :func:`lvlm_var_mm.layouts.load_layout`.
        prob (float): Share of the clips that are mirrored.
        up (sequence, optional): The axis that points up, as of
            ``BodyPartEvents``; a level one is reflected. Defaults to that of
            the layout.

    Raises:
        ValueError: The layout names no sides, or a joint of one side alone;
            or, with the name of the clip, joints in pictures.
    """

    def __init__(self,
                 layout: Union[str, Dict, Layout],
                 prob: float = 0.5,
                 up: Optional[Sequence[float]] = None) -> None:
        layout = load_layout(layout)
        self.swap, self.prob = other_sides(layout), prob
        self.level = int(np.argmin(np.abs(up or layout.up)))

    def transform(self, results: Dict) -> Dict:
        if np.random.rand() >= self.prob or names_a_side(
                results.get('explanation')):
            return results
        keypoint, there = seen_joints(results)
        if keypoint.shape[-1] != 3:
            raise ValueError(
                f'MirrorSkeleton3D: {results.get("frame_dir", "a clip")} has '
                f'{keypoint.shape[-1]} coordinates a joint, not 3: take '
                '`Flip` for joints in pictures')
        keypoint = masked(keypoint, there)[:, :, self.swap]
        keypoint[..., self.level] *= -1
        results['keypoint'] = keypoint
        if results.get('keypoint_score') is not None:
            results['keypoint_score'] = np.asarray(
                results['keypoint_score'])[:, :, self.swap]
        if 'events' in results:
            results['events'], results['decidable'] = in_a_mirror(
                results['events'], results['decidable'])
        # Events are not those that were kept under the name of the clip.
        results['disturbed'] = True
        return results


def other_sides(layout: Layout) -> List[int]:
    """Return, for each joint of a layout, the number of the one that a mirror
    shows in its place.

    Raises:
        ValueError: There are no sides, or a joint has no other one.
    """
    names = [mirrored(joint.replace('_', ' ')).replace(' ', '_')
             for joint in layout.joints]
    alone = [joint for joint, other in zip(layout.joints, names)
             if other not in layout.joints]
    if names == list(layout.joints) or alone:
        raise ValueError(
            'MirrorSkeleton3D: the layout names ' +
            (f'{alone[0]!r}, but not the joint of the other side' if alone else
             'no joint `left_...` and `right_...`') +
            '; name all joints of the layout (docs/layouts.md)')
    return [layout.joints.index(name) for name in names]


def names_a_side(text: Optional[str]) -> bool:
    """Return whether a text says left or right of anything."""
    return bool(text) and bool(
        re.search(rf'\b({"|".join(SIDES)})\b', text.lower()))
