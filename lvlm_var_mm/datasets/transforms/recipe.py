"""The steps by which CTR-GCN's feeder makes skeletons ready (Chen et al.,
arXiv:2107.12213), for any joint layout and with joints that are missing:
centre, turn (``RandomViewpoint3D``), scale, draw frames, drop.

All keep the axes of ``keypoint``, (M, T, V, C), and the convention of
:mod:`.skeleton`: what is missing is zero and stays zero. They stand behind
:class:`BodyPartEvents`, which measures the joints as recorded.
"""
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS
from .missing_joints import (first_seen, frames_with_somebody, hide, masked,
                             seen_joints)

VIEWS = 255  # of random numbers for views of a test, as in MMAction2


def spine_of(layout: Union[str, Dict, Layout]) -> Tuple[int, ...]:
    """Return the joints of a layout whose middle is nearest to the spine.

    Args:
        layout (str | dict | Layout): See
            :func:`lvlm_var_mm.layouts.load_layout`.

    Returns:
        tuple[int]: The spine, else the pelvis, else both hips, else the
        chest; the centre of the graph where none of them is named.
    """
    layout = load_layout(layout)
    for names in (('spine', ), ('pelvis', ), ('left_hip', 'right_hip'),
                  ('chest', )):
        if set(names) <= set(layout.joints):
            return tuple(map(layout.index, names))
    return (layout.center, )


@TRANSFORMS.register_module()
class CenterSkeleton3D(BaseTransform):
    """Put the spine of the first person who is seen, as the clip begins, at
    the origin.

    The clip is moved as a whole, so walking stays visible. Where the spine is
    missing at first, the first frame that shows it counts; where none does,
    the mean of the joints in the first frame that shows any.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        layout (str | dict, optional): Names of the joints, among which
            :func:`spine_of` looks.
        center (int | tuple[int], optional): Joint at the origin, or joints
            whose middle is, in the place of ``layout``.

    Raises:
        ValueError: Neither or both are given.
    """

    def __init__(self,
                 layout: Union[str, Dict, None] = None,
                 center: Union[int, Sequence[int], None] = None) -> None:
        if (layout is None) == (center is None):
            raise ValueError('CenterSkeleton3D takes `layout`, whose spine it '
                             'finds, or `center`, the number of a joint')
        self.center = np.atleast_1d(
            spine_of(layout) if center is None else center)

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        who = first_seen(there)
        first, seen = keypoint[who], there[who, ..., 0]  # [T, V, C], [T, V]
        known = seen[:, self.center].all(1)
        if known.any():
            origin = first[known.argmax(), self.center].mean(0)
        elif seen.any():
            frame = seen.any(1).argmax()
            origin = first[frame, seen[frame]].mean(0)
        else:
            return dict(results, keypoint=keypoint)
        results['keypoint'] = masked(keypoint - origin, there)
        return results


@TRANSFORMS.register_module()
class MinMaxSkeleton(BaseTransform):
    """Scale each axis so that the clip fills -1 to 1: the least coordinate of
    any person, frame and joint becomes -1, the greatest 1.

    Behind the random rotation, not before it: then the scale, too, is another
    one each time. An axis without extent becomes zero.

    Required Keys: keypoint. Modified Keys: keypoint.
    """

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        points = keypoint[there[..., 0]]  # [P, C]
        if not len(points):
            return dict(results, keypoint=keypoint)
        low, high = points.min(0), points.max(0)
        size = high - low
        factor = np.where(size > 1e-6, 2 / np.maximum(size, 1e-6), 0)
        results['keypoint'] = masked(
            (keypoint - (low + high) / 2) * factor.astype(np.float32), there)
        return results


@TRANSFORMS.register_module()
class DrawFrames(BaseTransform):
    """Draw a fixed number of frames with replacement, in order of time; in
    testing, take them at equal distances.

    A short clip repeats frames, a long one leaves some out, and the pace
    differs from one epoch to the next. Frames in which nobody is seen are not
    drawn, unless there are no others. Tests of MMAction2's GCNs average the
    scores of ten views, which ``num_clips`` does here: the first at equal
    distances, the others as in training, the same at every test.

    Required Keys: keypoint. Modified Keys: keypoint, keypoint_score,
    total_frames. Added Keys: clip_len, num_clips, frame_inds and, where there
    is an ``fps``, ``span``, the seconds of the first and of the last frame.

    Args:
        clip_len (int): T of the result.
        test_mode (bool): Take the frames at equal distances.
        num_clips (int): Views, in testing; T is then that of all of them, one
            after the other.

    Raises:
        ValueError: Several views in training.
    """

    def __init__(self, clip_len: int, test_mode: bool = False,
                 num_clips: int = 1) -> None:
        if num_clips > 1 and not test_mode:
            raise ValueError('DrawFrames: several views (`num_clips`) are for '
                             'testing (`test_mode`)')
        self.clip_len, self.num_clips = clip_len, num_clips
        self.test_mode = test_mode

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        shown = frames_with_somebody(there)
        total = len(shown)
        if self.test_mode:
            drawn = np.linspace(0, total - 1, self.clip_len).round()
            more = np.random.RandomState(VIEWS).randint(
                total, size=(self.num_clips - 1, self.clip_len))
            drawn = np.concatenate([drawn[None], np.sort(more)]).astype(
                np.int64).ravel()
        else:
            drawn = np.sort(np.random.randint(total, size=self.clip_len))
        frames = shown[drawn]
        results['keypoint'] = keypoint[:, frames]
        if results.get('keypoint_score') is not None:
            results['keypoint_score'] = results['keypoint_score'][:, frames]
        if 'fps' in results:
            results['span'] = (float(frames[0] / results['fps']),
                               float(frames[self.clip_len - 1]
                                     / results['fps']))
        results['frame_inds'] = frames
        results['total_frames'] = len(frames)
        results['clip_len'], results['num_clips'] = (self.clip_len,
                                                     self.num_clips)
        return results


def draw_joints(joints: int, ratio: float,
                rng: Optional[np.random.Generator] = None) -> np.ndarray:
    """Draw joints to lose, each as likely as the others.

    Args:
        joints (int): V.
        ratio (float): Part of them; at least one is drawn, and one is left.
        rng (np.random.Generator, optional): Defaults to NumPy's global state.

    Returns:
        np.ndarray: Their numbers; with the same random numbers, a greater
        ratio adds to those of a smaller one.
    """
    number = min(max(round(ratio * joints), 1), joints - 1)
    return (rng or np.random).permutation(joints)[:number]


@TRANSFORMS.register_module()
class RandomDropJoints(BaseTransform):
    """Let some joints be missing, in the whole clip.

    Required Keys: keypoint. Modified Keys: keypoint, keypoint_score.

    Args:
        prob (float): Part of the clips that lose joints. 0 leaves all.
        ratio (float): Part of the joints that such a clip loses, at least
            one; each joint is as likely as the others.
    """

    def __init__(self, prob: float = 0.5, ratio: float = 0.2) -> None:
        self.prob, self.ratio = prob, ratio

    def transform(self, results: Dict) -> Dict:
        if self.prob and np.random.rand() < self.prob:
            hidden = np.zeros(results['keypoint'].shape[2], bool)
            hidden[draw_joints(len(hidden), self.ratio)] = True
            hide(results, hidden)
        return results


@TRANSFORMS.register_module()
class RandomDropAxis(BaseTransform):
    """Flatten the clip along one axis, drawn at random: behind
    :class:`MinMaxSkeleton`, zero is the middle.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        prob (float): Part of the clips that lose an axis. 0 leaves all.
        axes (sequence[int], optional): Axes to choose from. Defaults to all.
    """

    def __init__(self, prob: float = 0.5,
                 axes: Optional[Sequence[int]] = None) -> None:
        self.prob, self.axes = prob, axes

    def transform(self, results: Dict) -> Dict:
        if self.prob and np.random.rand() < self.prob:
            keypoint, there = seen_joints(results)
            axes = self.axes or range(keypoint.shape[-1])
            keypoint[..., np.random.choice(list(axes))] = 0
            results['keypoint'] = masked(keypoint, there)
        return results
