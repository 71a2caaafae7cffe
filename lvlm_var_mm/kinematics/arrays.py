"""Arithmetic on the curves of many bodies at once.

Axis legend: V joints, C coordinates, T frames, R rows, K curves. Results are
the same to the last bit for a mirrored body, so nothing here depends on the
order of left and right.
"""
import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(C, ...) x (C, ...) -> (...)."""
    product = a[0] * b[0]
    for i in range(1, len(a)):
        product = product + a[i] * b[i]
    return product


def length(a: np.ndarray) -> np.ndarray:
    """(C, ...) -> (...)."""
    return np.sqrt(dot(a, a))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(3, ...) x (3, ...) -> (3, ...)."""
    return np.stack([a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2]
                     for i in range(3)])


def add_up(steps: np.ndarray) -> np.ndarray:
    """(T - 1, R) steps -> (T, R) the way gone, NaN where a step is."""
    way = np.zeros((len(steps) + 1, steps.shape[1]), np.float32)
    np.cumsum(np.nan_to_num(steps), axis=0, out=way[1:])
    way[1:][np.isnan(steps)] = np.nan
    return way


def quantile(values: np.ndarray, share: float) -> np.ndarray:
    """(T, R) -> (R, ) of what is not NaN; NaN where nothing is."""
    count = np.isfinite(values).sum(0)
    at = (share * np.maximum(count - 1, 0)).astype(int)
    return np.take_along_axis(np.sort(values, axis=0), at[None], 0)[0]


def median(values: np.ndarray) -> np.ndarray:
    """(T, R) -> (R, ) of what is not NaN, NaN where nothing is; changes its
    sign with the values."""
    return (quantile(values, .5) - quantile(-values, .5)) / 2


def bridge(points: np.ndarray, there: np.ndarray, longest: int) -> None:
    """Fill gaps of up to ``longest`` frames linearly, in place.

    Args:
        points (array): (V, C, T, R).
        there (array): bool (V, T, R), where a joint was seen.
        longest (int): Frames.
    """
    joint, row = np.nonzero(~there.all(1) & there.any(1))
    known = there[joint, :, row]  # [B, T]
    curve = points[joint, :, :, row]  # [B, C, T]
    frames = known.shape[1]
    at = np.arange(frames)
    last = np.maximum.accumulate(np.where(known, at, -1), axis=1)
    after = np.minimum.accumulate(
        np.where(known, at, frames)[:, ::-1], axis=1)[:, ::-1]
    gap = (~known & (last >= 0) & (after < frames)
           & (after - last <= longest + 1))
    which, when = np.nonzero(gap)
    start, end = last[which, when], after[which, when]
    weight = ((when - start) / (end - start)).astype(np.float32)[:, None]
    points[joint[which], :, when, row[which]] = (
        (1 - weight) * curve[which, :, start] + weight * curve[which, :, end])


def smooth(points: np.ndarray, glitch: float, times: float) -> None:
    """Put back single frames that jump away by more than ``glitch``, then
    average with weights 1, 2, 1, ``times`` times, in place; (V, C, T, R).
    Less than once is with less weight on the neighbours."""
    if points.shape[2] > 2:
        now = points[:, :, 1:-1]
        before, after = points[:, :, :-2], points[:, :, 2:]
        middle = np.clip(now, np.fmin(before, after), np.fmax(before, after))
        now[...] = np.where(np.abs(now - middle) > glitch, middle, now)
    weight = np.float32(min(times, 1) / 4)
    for _ in range(max(1, round(times))):
        padded = np.pad(points, ((0, 0), (0, 0), (1, 1), (0, 0)), 'edge')
        np.add(padded[:, :, :-2], padded[:, :, 2:], out=points)
        points *= weight
        points += (1 - 2 * weight) * padded[:, :, 1:-1]


def opening(curve: np.ndarray, size: int) -> np.ndarray:
    """A curve (T, R) without its bumps shorter than ``size`` frames (odd);
    before and after the clip it is taken to be as at its ends."""
    low = np.where(np.isnan(curve), np.inf, curve)
    low = np.pad(low, ((size, size), (0, 0)), 'edge')
    low = minimum_filter1d(low, size, axis=0)
    low = np.where(np.isinf(low), -np.inf, low)
    return maximum_filter1d(low, size, axis=0)[size:-size]


def lowest(curve: np.ndarray, reach: int) -> np.ndarray:
    """The least of a curve (T, R) from ``reach`` frames before to as many
    after; NaN where it is."""
    low = minimum_filter1d(np.where(np.isnan(curve), np.inf, curve),
                           2 * reach + 1, axis=0, mode='nearest')
    return np.where(np.isnan(curve), np.nan, low)
