"""Follow persons from frame to frame: estimators number them anew in each.

Axis legend: T frames, N persons of a frame, M persons of a clip, V joints.
"""
from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

# Boxes that overlap less (intersection over union) are of two persons.
OVERLAP = .1
# A person that was lost for more frames comes back as a new one.
PATIENCE = 15
# Part of the frames of the most seen person that another one needs, or it is
# a false alarm.
RARE = .1
SEEN = .05  # score of a joint that counts for a box

Frame = Tuple[np.ndarray, np.ndarray]


class _Track(NamedTuple):
    """The person so far: frame -> row of that frame."""
    rows: dict
    box: np.ndarray
    last: int


def follow(frames: Sequence[Frame], overlap: float = OVERLAP,
           patience: int = PATIENCE) -> Tuple[np.ndarray, np.ndarray]:
    """Put the persons of frames together to clips.

    In each frame persons are assigned to the tracks so that the boxes overlap
    as much as they can in all (``scipy.optimize.linear_sum_assignment``).

    Args:
        frames (sequence): Of each frame ``(keypoint, score)``, (N, V, 2) and
            (N, V); N differs, and may be 0.
        overlap (float): The least intersection over union of a person with
            itself.
        patience (int): Frames that a person may be lost for.

    Returns:
        tuple[np.ndarray, np.ndarray]: ``keypoint`` float32 (M, T, V, 2) and
        ``score`` float32 (M, T, V), zero where a person is not seen; those
        seen longest first, the larger of two. M is 0 where nobody is.

    Raises:
        ValueError: Persons with different numbers of joints.
    """
    frames = [(np.asarray(k, np.float32), np.asarray(s, np.float32))
              for k, s in frames]
    joints = {k.shape[1] for k, _ in frames if len(k)}
    if len(joints) > 1:
        raise ValueError(f'persons of {sorted(joints)} joints are mixed')
    tracks: List[_Track] = []
    for t, (keypoint, score) in enumerate(frames):
        tracks = _extended(tracks, t, boxes_of(keypoint, score), overlap,
                           patience)
    joints = joints.pop() if joints else 0
    tracks = _kept(tracks, frames)
    keypoint = np.zeros((len(tracks), len(frames), joints, 2), np.float32)
    score = np.zeros(keypoint.shape[:3], np.float32)
    for m, track in enumerate(tracks):
        for t, row in track.rows.items():
            keypoint[m, t], score[m, t] = frames[t][0][row], frames[t][1][row]
    return keypoint, score


def boxes_of(keypoint: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return left, top, right and bottom (N, 4) of what is seen of each
    person; NaN where nothing is."""
    seen = (score > SEEN) & np.isfinite(keypoint).all(-1) & keypoint.any(-1)
    points = np.where(seen[..., None], keypoint, np.nan)
    return np.concatenate([np.fmin.reduce(points, 1, initial=np.nan),
                           np.fmax.reduce(points, 1, initial=np.nan)], -1)


def _extended(tracks: List[_Track], t: int, boxes: np.ndarray,
              overlap: float, patience: int) -> List[_Track]:
    tracks = list(tracks)
    alive = [i for i, track in enumerate(tracks) if t - track.last <= patience]
    there = np.flatnonzero(np.isfinite(boxes).all(1)).tolist()
    taken = set()
    if alive and there:
        shared = np.array([[_iou(tracks[i].box, boxes[row]) for row in there]
                           for i in alive])
        for a, b in zip(*linear_sum_assignment(-shared)):
            if shared[a, b] >= overlap:
                i, row = alive[a], there[b]
                tracks[i] = _Track({**tracks[i].rows, t: row}, boxes[row], t)
                taken.add(row)
    return tracks + [_Track({t: row}, boxes[row], t)
                     for row in there if row not in taken]


def _iou(one: np.ndarray, two: np.ndarray) -> float:
    low, high = np.maximum(one[:2], two[:2]), np.minimum(one[2:], two[2:])
    shared = np.prod(np.maximum(high - low, 0))
    areas = np.prod(one[2:] - one[:2]) + np.prod(two[2:] - two[:2])
    return float(shared / max(areas - shared, 1e-6))


def _kept(tracks: List[_Track], frames: Sequence[Frame]) -> List[_Track]:
    """Return who is seen often enough, in the order of their presence."""
    def presence(track: _Track) -> Tuple[int, float]:
        boxes = np.stack([boxes_of(*(x[row:row + 1] for x in frames[t]))[0]
                          for t, row in track.rows.items()])
        return len(track.rows), float(
            np.prod(boxes[:, 2:] - boxes[:, :2], 1).mean())

    ranked = sorted(((presence(t), i) for i, t in enumerate(tracks)),
                    key=lambda p: (-p[0][0], -p[0][1], p[1]))
    if not ranked:
        return []
    least = RARE * ranked[0][0][0]
    return [tracks[i] for (seen, _), i in ranked if seen >= least]
