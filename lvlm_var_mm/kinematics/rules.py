"""Curves -> where they swing, beat and stay; all curves of a batch at once.

Axis legend: T frames, K curves, Q findings. A finding is (curve, start, end,
magnitude), arrays (Q, ); frames are inclusive.
"""
from typing import Iterator, NamedTuple, Optional, Tuple, Union

import numpy as np

ALIKE = 2.5  # times that one swing of a beat may be as large as the next
BLOCK = 512  # findings that are looked at together
MAX_SPEED = 25.  # torso lengths per second; a faster joint was lost and found


class Found(NamedTuple):
    """Q findings, sorted by curve, then by time."""
    curve: np.ndarray
    start: np.ndarray
    end: np.ndarray
    magnitude: np.ndarray  # signed: a swing down is negative


def swings(curves: np.ndarray, sizes: np.ndarray, fps: float) -> Found:
    """All swings of at least a size that do not turn back by that size.

    Args:
        curves (array): (T, K); NaN where not known.
        sizes (array): (K, ), the least swing of each.
        fps (float): Frames per second.

    Returns:
        Found: From a tenth to nine tenths of each swing; consecutive ones of
        a curve go to and fro.
    """
    which, start, end = _turns(curves, sizes)
    first = curves[start, which]
    size = curves[end, which] - first
    start, end = start.astype(np.int64), end.astype(np.int64)
    at = np.arange(len(curves))[:, None]
    for some in blocks(len(which)):
        share = (curves[:, which[some]] - first[some]) / size[some]  # [T, Q']
        within = (at >= start[some]) & (at <= end[some])
        start[some] = np.where(within & (share <= .1), at, -1).max(
            0, initial=-1)
        end[some] = np.where((at > start[some]) & (share >= .9), at,
                             len(curves)).min(0, initial=len(curves))
    real = np.abs(size) * fps <= MAX_SPEED * (end - start)
    return Found(which[real], start[real], end[real], size[real])


def blocks(findings: int) -> Iterator[slice]:
    """Take some findings after the other: a long recording has many frames
    and many findings, and not the memory for both at once."""
    return (slice(i, i + BLOCK) for i in range(0, findings, BLOCK))


def _turns(curves: np.ndarray, sizes: np.ndarray) -> Tuple[np.ndarray, ...]:
    """(Q, ) curves, first and last frames of the swings between the turning
    points of each curve: extremes that it leaves by ``sizes`` afterwards."""
    frames, number = curves.shape
    # 1 on the way up, -1 on the way down, 0 before the first of either.
    way = np.zeros(number, np.int8)
    high, low = np.full_like(curves[0], -np.inf), np.full_like(
        curves[0], np.inf)
    high_at, low_at = np.zeros((2, number), np.int32)
    starts, ends = np.full((2, frames + 1, number), -1, np.int32)
    for t, now in enumerate(curves):
        over = (way >= 0) & (high - now >= sizes)
        under = (way <= 0) & (now - low >= sizes)
        np.copyto(starts[t], low_at, where=over & (way > 0))
        np.copyto(ends[t], high_at, where=over)
        np.copyto(starts[t], high_at, where=under & (way < 0))
        np.copyto(ends[t], low_at, where=under)
        low[over], high[under] = np.inf, -np.inf
        way[over], way[under] = -1, 1
        higher = (way >= 0) & (now > high)
        lower = (way <= 0) & (now < low)
        np.copyto(high, now, where=higher)
        np.copyto(high_at, t, where=higher, casting='unsafe')
        np.copyto(low, now, where=lower)
        np.copyto(low_at, t, where=lower, casting='unsafe')
    # The last swing has begun, and ends where it came to.
    starts[-1] = np.where(way > 0, low_at, np.where(way < 0, high_at, -1))
    ends[-1] = np.where(way > 0, high_at, low_at)
    which, when = np.nonzero(starts.T >= 0)
    return which, starts[when, which], ends[when, which]


def beats(found: Found, longest: np.ndarray, fps: float,
          good: Optional[np.ndarray] = None,
          times: Union[int, np.ndarray] = 3) -> Found:
    """Runs of swings alike in quick succession.

    Swings to and fro follow each other; what a swing takes is counted from
    its start to that of the next.

    Args:
        found (Found): What :func:`swings` returns.
        longest (array): (K, ), seconds that a swing of each curve may take.
        fps (float): Frames per second.
        good (array, optional): bool (Q, ), the swings that may take part.
        times (int | array): (K, ), the least swings in a row.

    Returns:
        Found: With the mean size of the swings as magnitude.
    """
    times = np.broadcast_to(times, longest.shape)
    size, longest = np.abs(found.magnitude), longest[found.curve] * fps
    short = found.end - found.start <= longest
    if good is not None:
        short &= good
    joined = (short[1:] & short[:-1] & (np.diff(found.curve) == 0)
              & (np.diff(found.start) <= longest[1:])
              & (size[1:] <= ALIKE * size[:-1])
              & (size[:-1] <= ALIKE * size[1:]))
    first = np.flatnonzero(np.r_[True, ~joined][:len(short)])
    last = np.r_[first[1:], len(short)] - 1
    many = last - first + 1 >= times[found.curve[first]]
    first, last = first[many], last[many]
    # Not by differences of one sum: what comes before must not matter.
    total = np.add.reduceat(np.r_[size, 0],
                            np.ravel([first, last + 1], 'F'))[::2]
    return Found(found.curve[first], found.start[first], found.end[last],
                 total / (last - first + 1))


def stays(curves: np.ndarray, slack: float, shortest: np.ndarray) -> Found:
    """Runs of frames above 0 that reach ``slack``.

    Args:
        curves (array): (T, K).
        slack (float): What a run must exceed once.
        shortest (array): (K, ), frames that it must last.

    Returns:
        Found: With the highest value as magnitude.
    """
    frames, number = curves.shape
    padded = np.full((number, frames + 1), -np.inf, np.float32)
    padded[:, :-1] = curves.T
    flat = padded.ravel()
    edges = np.flatnonzero(np.diff(np.r_[False, flat > 0].astype(np.int8)))
    first, stop = edges[::2], edges[1::2]
    if not len(first):
        return Found(*np.zeros((3, 0), int), np.zeros(0, np.float32))
    highest = np.maximum.reduceat(flat, np.ravel([first, stop], 'F'))[::2]
    curve = first // (frames + 1)
    held = (highest > slack) & (stop - first >= shortest[curve])
    first, stop, curve = first[held], stop[held], curve[held]
    start = first - curve * (frames + 1)
    return Found(curve, start, start + stop - first - 1, highest[held])
