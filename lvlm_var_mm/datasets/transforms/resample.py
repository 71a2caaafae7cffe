"""Joints between the frames of a clip."""
from typing import Dict, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmaction.registry import TRANSFORMS
from .missing_joints import frames_with_somebody, seen_joints


def frames_at(results: Dict, at: np.ndarray,
              frames: Optional[np.ndarray] = None) -> Dict:
    """Interpolate a clip between its frames, linearly in time.

    Args:
        results (dict): With ``keypoint`` (M, T, V, C) and by option
            ``keypoint_score`` (M, T, V).
        at (np.ndarray): (T', ) between 0 and T - 1.
        frames (np.ndarray, optional): The frames that are read, in order;
            defaults to all. Before the first and after the last of them it
            stands still.

    Returns:
        dict: ``keypoint`` (M, T', V, C) and, where there is one,
        ``keypoint_score``, that of the nearest frame.
    """
    keypoint, there = seen_joints(results)
    if frames is None:
        frames = np.arange(keypoint.shape[1])
    place = np.maximum(np.searchsorted(frames, at, side='right') - 1, 0)
    before, after = frames[place], frames[np.minimum(place + 1,
                                                     len(frames) - 1)]
    weight = np.clip((at - before) / np.maximum(after - before, 1), 0, 1)
    nearest = np.where(weight < .5, before, after)
    weight = weight.astype(np.float32)[:, None, None]
    # Halfway between a joint and none there is none to see.
    both = there[:, before] & there[:, after]
    found = dict(keypoint=np.where(
        both, keypoint[:, before] * (1 - weight) + keypoint[:, after] * weight,
        keypoint[:, nearest]))
    score = results.get('keypoint_score')
    if score is not None:
        found['keypoint_score'] = score[:, nearest]
    return found


@TRANSFORMS.register_module()
class ResampleFrames(BaseTransform):
    """Resample a part of the performance to a fixed number of frames,
    linearly in time. Short clips are slowed down rather than repeated, which
    is what ``UniformSampleFrames`` does with them.

    Frames that show nobody are bridged from the one before to the one after,
    at the same pace, unless there are no others.

    Required Keys: keypoint. Modified Keys: keypoint, keypoint_score (that of
    the nearest frame), total_frames. Added Keys: clip_len, num_clips and,
    where there is an ``fps``, ``span``, the seconds of the performance where
    the part begins and ends.

    Args:
        clip_len (int): T of the result.
        part (tuple[float, float]): The smallest and the largest part of the
            performance that is taken, at a random place.
        test_mode (bool): Take the largest part, from the middle.
    """

    def __init__(self,
                 clip_len: int,
                 part: Tuple[float, float] = (0.5, 1.0),
                 test_mode: bool = False) -> None:
        self.clip_len = clip_len
        self.part = part
        self.test_mode = test_mode

    def transform(self, results: Dict) -> Dict:
        last = results['keypoint'].shape[1] - 1
        if self.test_mode:
            length = self.part[1] * last
            start = (last - length) / 2
        else:
            length = np.random.uniform(*self.part) * last
            start = np.random.uniform(0, last - length)
        if 'fps' in results:
            results['span'] = (start / results['fps'],
                               (start + length) / results['fps'])
        results.update(frames_at(
            results, np.linspace(start, start + length, self.clip_len),
            frames_with_somebody(seen_joints(results)[1])))
        results['total_frames'] = results['clip_len'] = self.clip_len
        results['num_clips'] = 1
        return results
