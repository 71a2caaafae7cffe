"""Read what pose estimators wrote: MMPose's JSON, and rtmlib's arrays as JSON.

MMPose's inferencer writes ``[{"frame_id": 0, "instances": [{"keypoints": [[x,
y], ...], "keypoint_scores": [...], ...}, ...]}, ...]`` of a video, its demos
the same under ``"instance_info"``. rtmlib returns keypoints
(N, V, 2) and scores (N, V) of each frame: a list of ``{"keypoints": ...,
"scores": ...}``, or of ``[keypoints, scores]``, is read.
"""
import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from .tracks import Frame, follow

# The first 17 of Halpe's 26 and of COCO-WholeBody's 133 are COCO's.
BEGIN_AS_COCO = {26, 133}
COCO = 17
FORM = ("a list of frames, each {'instances': [{'keypoints': [[x, y], ...], "
        "'keypoint_scores': [...]}, ...]} as MMPose writes it, or "
        "{'keypoints': (N, V, 2), 'scores': (N, V)} as rtmlib returns it")


def read_results(path: Path) -> Dict[str, np.ndarray]:
    """Read persons over time, each followed from frame to frame.

    Args:
        path (Path): ``.json``.

    Returns:
        dict: ``keypoint`` float32 (M, T, V, 2) in pixels and
        ``keypoint_score`` (M, T, V); where MMPose gave more joints than
        COCO's, V is 17.

    Raises:
        ValueError: Something else is in the file, or nobody is seen.
    """
    try:
        content = json.loads(Path(path).read_text('utf-8'))
    except UnicodeDecodeError as e:
        raise ValueError(f'is no text: {e}') from e
    if isinstance(content, dict):
        content = content.get('instance_info')
    if not isinstance(content, list) or not content:
        raise ValueError(f'is not {FORM}')
    frames = [_frame(i, entry) for i, entry in enumerate(_in_order(content))]
    keypoint, score = follow(frames)
    if not len(keypoint):
        raise ValueError(f'shows nobody in {len(frames)} frames')
    if keypoint.shape[2] in BEGIN_AS_COCO:
        keypoint, score = keypoint[:, :, :COCO], score[:, :, :COCO]
    return dict(keypoint=keypoint, keypoint_score=score)


def _in_order(content: List) -> List:
    """Put frames at their numbers; those left out, as they show nobody, are
    empty."""
    numbers = [entry.get('frame_id') if isinstance(entry, dict) else None
               for entry in content]
    if not all(isinstance(n, int) for n in numbers):
        return content
    first = min(numbers)
    if max(numbers) - first > 50 * len(numbers) or (
            len(set(numbers)) < len(numbers)):
        raise ValueError('has `frame_id` that are not those of one video')
    frames: List = [{'instances': []}] * (max(numbers) - first + 1)
    for number, entry in zip(numbers, content):
        frames[number - first] = entry
    return frames


def _frame(number: int, entry: Any) -> Frame:
    try:
        if isinstance(entry, dict) and 'instances' in entry:
            persons = entry['instances']
            return _arrays([p['keypoints'] for p in persons],
                           [p['keypoint_scores'] for p in persons])
        if isinstance(entry, dict):
            scores = entry.get('keypoint_scores', entry.get('scores'))
            return _arrays(entry['keypoints'], scores)
        keypoints, scores = entry
        return _arrays(keypoints, scores)
    except (KeyError, TypeError, ValueError, IndexError) as e:
        raise ValueError(f'has no persons in frame {number} ({e!r}): it '
                         f'should be {FORM}') from e


def _arrays(keypoints: Any, scores: Any) -> Tuple[np.ndarray, np.ndarray]:
    if not len(keypoints):
        return np.zeros((0, 0, 2)), np.zeros((0, 0))
    points = np.asarray(keypoints, float)
    score = np.asarray(scores, float)
    if points.ndim != 3 or points.shape[2] < 2 or (
            score.shape != points.shape[:2]):
        raise ValueError(f'keypoints of shape {points.shape}, scores of '
                         f'{score.shape}')
    return points[..., :2], np.nan_to_num(score)
