"""Joints that a sensor lost: all zeros, NaN or without a score."""
from typing import Dict, Tuple

import numpy as np


def seen_joints(results: Dict) -> Tuple[np.ndarray, np.ndarray]:
    """Tell joints from zeros.

    Args:
        results (dict): With ``keypoint`` (M, T, V, C) and by option
            ``keypoint_score`` (M, T, V).

    Returns:
        tuple: ``keypoint`` float32, zero where a joint is missing, and bool
        (M, T, V, 1), where one is not.
    """
    keypoint = np.asarray(results['keypoint'], np.float32)
    there = np.isfinite(keypoint).all(-1, keepdims=True) & keypoint.any(
        -1, keepdims=True)
    if results.get('keypoint_score') is not None:
        there &= (results['keypoint_score'] > 0)[..., None]
    return np.where(there, keypoint, np.float32(0)), there


def masked(keypoint: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Zeros where a joint is missing, and nowhere else: one that comes to lie
    at the very origin is put a millionth beside it."""
    keypoint = np.where(there, keypoint, np.float32(0))
    hidden = there & ~keypoint.any(-1, keepdims=True)
    return np.where(hidden, np.float32(1e-6), keypoint)


def hide(results: Dict, hidden: np.ndarray) -> None:
    """Make joints missing.

    Args:
        results (dict): With ``keypoint`` (M, T, V, C) and by option
            ``keypoint_score`` (M, T, V), which are replaced.
        hidden (np.ndarray): Bool, broadcast to (M, T, V).
    """
    keypoint, _ = seen_joints(results)
    results['keypoint'] = np.where(hidden[..., None], np.float32(0), keypoint)
    score = results.get('keypoint_score')
    if score is not None:
        results['keypoint_score'] = np.where(hidden, score.dtype.type(0),
                                             score)


def first_seen(there: np.ndarray) -> int:
    """Return the number of the first person who is seen in any frame, 0 where
    nobody is; ``there`` is bool (M, T, V, 1)."""
    return int(there.any((1, 2, 3)).argmax())


def frames_with_somebody(there: np.ndarray) -> np.ndarray:
    """Return the numbers of the frames that show a joint of anybody, in order,
    those of all frames where none does; ``there`` is bool (M, T, V, 1)."""
    shown = there.any((0, 2, 3))
    return np.flatnonzero(shown | ~shown.any())
