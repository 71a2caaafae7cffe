"""Clips as a mirror shows them: left and right swapped, in the joints and in
what they do."""
import re
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.kinematics import mirrored
from lvlm_var_mm.kinematics.rows import in_a_mirror
from lvlm_var_mm.kinematics.vocabulary import SIDES
from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS
from .disturb import checked_part
from .missing_joints import seen_joints


@TRANSFORMS.register_module()
class MirrorSkeleton3D(BaseTransform):
    """Reflect joints in space, and swap left and right.

    Body-part events change sides with them, so it may stand behind
    ``BodyPartEvents``, which then measures each clip once, or before it. It is
    for skeletons by themselves: inside of ``PairedTransforms`` the video would
    not follow. For joints in pictures there is MMAction2's ``Flip``.

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
        ValueError: The layout is one of pictures, names no sides, or leaves
            a joint without a name or its other side; or, with the name of the
            clip, joints have not three coordinates.
    """

    def __init__(self,
                 layout: Union[str, Dict, Layout],
                 prob: float = 0.5,
                 up: Optional[Sequence[float]] = None) -> None:
        layout = load_layout(layout)
        self.swap = other_sides(layout)
        self.prob = checked_part('prob', prob)
        self.level = int(np.argmin(np.abs(up or layout.up)))

    def share(self, explanation: Optional[str]) -> float:
        """Return how often a clip of this ``explanation`` is mirrored."""
        return 0. if names_a_side(explanation) else self.prob

    def transform(self, results: Dict) -> Dict:
        if np.random.rand() >= self.share(results.get('explanation')):
            return results
        keypoint, _ = seen_joints(results)
        if keypoint.shape[-1] != 3:
            raise ValueError(
                f'MirrorSkeleton3D: {results.get("frame_dir", "a clip")} has '
                f'{keypoint.shape[-1]} values a joint, not three coordinates: '
                'let it stand before SkeletonFeatures, and take `Flip` for '
                'joints in pictures')
        keypoint = keypoint[:, :, self.swap]
        keypoint[..., self.level] *= -1
        results['keypoint'] = keypoint
        if results.get('keypoint_score') is not None:
            results['keypoint_score'] = np.asarray(
                results['keypoint_score'])[:, :, self.swap]
        if 'events_key' in results:  # BodyPartEvents comes later
            for key in ('events', 'decidable', 'events_key'):
                results.pop(key, None)
        elif 'events' in results:
            results['events'], results['decidable'] = in_a_mirror(
                results['events'], results.get('decidable'))
        # Events are not those that were kept under the name of the clip.
        results['disturbed'] = True
        return results


def other_sides(layout: Layout) -> List[int]:
    """Return, for each joint of a layout, the number of the one that a mirror
    shows in its place.

    Raises:
        ValueError: It is a layout of pictures, there are no sides, or a joint
            has no name or no other side.
    """
    if layout.picture:
        raise ValueError(f'MirrorSkeleton3D: the layout {layout.name!r} is '
                         'one of pictures: take `Flip` of MMAction2')
    names = [mirrored(joint.replace('_', ' ')).replace(' ', '_')
             for joint in layout.joints]
    alone = [joint for joint, other in zip(layout.joints, names)
             if not joint or other not in layout.joints]
    if names == list(layout.joints) or alone:
        raise ValueError(
            'MirrorSkeleton3D: the layout names ' +
            (f'{next(filter(None, alone))!r}, but not the joint of the other '
             'side' if any(alone) else 'no sides, or not all joints') +
            '; name all joints of the layout (docs/layouts.md)')
    return [layout.joints.index(name) for name in names]


def names_a_side(text: Optional[str]) -> bool:
    """Return whether a text says left or right of anything."""
    return bool(text) and bool(
        re.search(rf'\b({"|".join(SIDES)})\b', text.lower()))
