"""The one or two real persons among the bodies that a Kinect tracked.

The steps are those of the denoising that has gone with NTU RGB+D since Zhang
et al., "View Adaptive Neural Networks", TPAMI 2019 (also in SGN and CTR-GCN):
by length, by spread, by motion; and a body that was lost and found again,
under a new id, is put together.
"""
from typing import Dict, List

import numpy as np

# A body seen in this many frames or fewer is noise if another one remains.
NOISE_FRAMES = 11
# A frame in which a body is wider than this part of its height is odd, and a
# body that is odd in this part of its frames is furniture or a reflection.
SPREAD, ODD_FRAMES = 0.8, 0.69754
# How far, in metres, a person may have moved while it was lost.
FOUND_AGAIN = 1.0


def real_persons(bodies: Dict, max_persons: int = 2,
                 pixels: bool = False) -> Dict:
    """Keep the persons, and the frames that show any of them.

    1. Bodies of :data:`NOISE_FRAMES` or fewer are dropped, then those of odd
       spread; never the last one.
    2. The others are ordered by motion, largest first: the variances over
       time of every joint's x, y and z, summed, over the frames that are not
       odd.
    3. In this order, a body that shares no frame with a person already
       chosen, and is within :data:`FOUND_AGAIN` of it at the nearest moment,
       goes on as that person; any other is a new one, up to ``max_persons``.

    Args:
        bodies (dict): What :func:`~.skeleton_io.read_skeleton` returns.
        max_persons (int): M at most, at least 1.
        pixels (bool): Whether to return ``pixels``.

    Returns:
        dict: ``keypoint`` float32 (M, T', 25, 3), metres in the camera's
        frame, 0 where a person is absent; ``video_frames`` int32 (T',), the
        frame of the recording that each is; ``boxes`` float32 (T', 4), left,
        top, right and bottom of the persons in pixels of the colour video,
        NaN where no joint has a pixel; ``total_frames``, T'; and by option
        ``pixels`` float32 (M, T', 25, 2), the joints in the colour video,
        NaN where there is none.

    Raises:
        ValueError: ``max_persons`` is below 1.
    """
    if max_persons < 1:
        raise ValueError(f'max_persons is {max_persons}, must be 1 or more')
    keypoint, present = bodies['keypoint'], bodies['present']
    persons = _persons(keypoint, present, max_persons)
    there = np.stack([present[p].any(axis=0) for p in persons])
    frames = np.flatnonzero(there.any(axis=0))

    def joined(array):
        # The fragments of a person share no frame, so their sum joins them.
        rows = np.stack([array[p].sum(0) if p[1:] else array[p[0]]
                         for p in persons])
        return rows if len(frames) == rows.shape[1] else rows[:, frames]

    color = joined(bodies['color'])
    color[~there[:, frames]] = np.nan
    result = dict(
        keypoint=joined(keypoint),
        video_frames=frames.astype(np.int32),
        boxes=joint_boxes(color),
        total_frames=len(frames))
    return dict(result, pixels=color) if pixels else result


def _persons(keypoint, present, max_persons) -> List[List[int]]:
    """Each person as the bodies that it consists of."""
    if len(present) == 1:
        return [[0]]
    kept = _unless_none(np.arange(len(present)),
                        present.sum(axis=1) > NOISE_FRAMES)
    # By far the quickest is to reduce the first axis of a compact array.
    points = np.ascontiguousarray(np.moveaxis(keypoint[..., :2], 2, 0))
    width, height = np.moveaxis(points.max(0) - points.min(0), -1, 0)
    odd = present & (width > SPREAD * height)
    odd_part = odd.sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    kept = _unless_none(kept, odd_part[kept] < ODD_FRAMES)

    def motion(body):
        frames = present[body] & ~odd[body]
        frames = frames if frames.any() else present[body]
        return keypoint[body, frames].var(axis=0, dtype=np.float64).sum()

    if len(kept) > 1:
        # A stable sort: equal motion keeps the order of appearance.
        kept = kept[np.argsort([-motion(b) for b in kept], kind='stable')]
    persons: List[List[int]] = []
    for body in kept.tolist():
        gaps = [_gap(keypoint, present, person, body) for person in persons]
        if gaps and min(gaps) <= FOUND_AGAIN:
            persons[int(np.argmin(gaps))].append(body)
        elif len(persons) < max_persons:
            persons.append([body])
    return persons


def _unless_none(bodies, keep):
    return bodies[keep] if keep.any() else bodies


def _gap(keypoint, present, person, body) -> float:
    """Metres between a person and a body, at the base of the spine, where
    they come nearest in time; infinite if they are seen together."""
    seen = present[person].any(axis=0)
    if (seen & present[body]).any():
        return np.inf
    a, b = np.flatnonzero(seen), np.flatnonzero(present[body])
    apart = np.abs(a[:, None] - b)
    i, j = np.unravel_index(apart.argmin(), apart.shape)
    pelvis = keypoint[person, a[i], 0].sum(axis=0)
    return float(np.linalg.norm(pelvis - keypoint[body, b[j], 0]))


def joint_boxes(color: np.ndarray) -> np.ndarray:
    """(M, T, V, 2) pixels, NaN where there is none -> (T, 4)."""
    points = np.moveaxis(color, 2, 1).reshape(-1, color.shape[1], 2)
    points = np.ascontiguousarray(points)
    low, high = np.fmin.reduce(points), np.fmax.reduce(points)
    return np.concatenate([low, high], axis=1).astype(np.float32)
