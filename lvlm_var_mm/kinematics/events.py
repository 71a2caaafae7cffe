"""Joints -> body-part events (person, part, motion, start, end, magnitude)."""
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from lvlm_var_mm.layouts import Layout, load_layout
from .axes import Axes, UpLike, resolve
from .body import Body
from .rules import Found, beats, blocks, stays, swings
from .signals import curves
from .vocabulary import ALONG, INDEX, KINDS, MOSTLY, MUCH, SLACK, TIMES, WHILE

CHUNK = 64  # clips measured together: more do not fit into the caches
# Frames per second below which beats and brief stays may pass unseen: that
# none is found proves nothing.
SLOW = 10


class Event(NamedTuple):
    """Something that a part of a body does.

    Attributes:
        person (int): Row of the keypoint array.
        part (str): Such as 'right hand'.
        motion (str): Such as 'rises'.
        start, end (float): Seconds since the clip's first frame.
        magnitude (float): The swing, the mean swing of a beat, or how far
            beyond the threshold a stay came; torso lengths, radians for what
            turns.
    """
    person: int
    part: str
    motion: str
    start: float
    end: float
    magnitude: float

    @property
    def name(self) -> str:
        """Its entry in the vocabulary."""
        return f'{self.part} {self.motion}'


class Observation(NamedTuple):
    """The observation of a clip.

    Attributes:
        events (tuple[Event]): By start, then by end.
        decidable (array): bool (M, E), whether a person's joints show if an
            entry of the vocabulary happened.
        frames (int): T.
        fps (float): Frames per second.
        axes (Axes, optional): Up and handedness, as declared or found, and
            how sure that is.
    """
    events: Tuple[Event, ...]
    decidable: np.ndarray
    frames: int
    fps: float
    axes: Optional[Axes] = None

    def activity(self, person: Optional[int] = None) -> np.ndarray:
        """bool (T, E): which entries of the vocabulary hold at each frame,
        for one person or for any."""
        active = np.zeros((self.frames, len(KINDS)), bool)
        for event in self.events:
            if person in (None, event.person):
                start, end = (round(at * self.fps)
                              for at in (event.start, event.end))
                active[start:end + 1, INDEX[event.name]] = True
        return active


def observe(keypoint: np.ndarray, layout: Union[str, dict, Layout] = 'ntu25',
            fps: float = 30., up: UpLike = None,
            mirrored: Optional[bool] = None) -> Observation:
    """The body-part events of one clip.

    Args:
        keypoint (array): (M, T, V, C) as in MMAction2; C = 3 in any unit, or
            C = 2 in pixels. A joint that is 0 or NaN is missing, a person
            whose joints all are is absent.
        layout (str | dict | Layout): Names of the V joints, see
            :func:`~lvlm_var_mm.layouts.load_layout`.
        fps (float): Frames per second.
        up (sequence | Axes, optional): (C, ), the direction that points up;
            it may be off by the tilt of a camera. By default it is found, see
            :mod:`.axes`; where bodies do not show it, that of the layout,
            mostly y, and -y in a picture. An ``Axes`` is taken as it is.
        mirrored (bool, optional): Whether coordinates are those of a mirror.
            Found by default.

    Returns:
        Observation: Events and what can be decided.

    Raises:
        ValueError: The array does not fit the layout, or all stand on their
            heads by ``up``.
    """
    return observe_all([keypoint], layout, fps, up, mirrored)[0]


def observe_all(keypoints: Sequence[np.ndarray],
                layout: Union[str, dict, Layout] = 'ntu25', fps: float = 30.,
                up: UpLike = None, mirrored: Optional[bool] = None
                ) -> List[Observation]:
    """:func:`observe` for many clips at once, which is much faster. Their
    axes, if not declared, are found for all together.

    Args:
        keypoints (sequence): N arrays (M, T, V, C) as above, or one array
            (N, M, T, V, C); M and T may differ, but clips of one shape are
            measured together.
        layout, fps, up, mirrored: As above.

    Returns:
        list[Observation]: One per clip.
    """
    layout = load_layout(layout)
    if not fps > 0:
        raise ValueError(f'`fps` is {fps}, must be above 0')
    for keypoint in keypoints:
        _check(keypoint, layout, up)
    if not len(keypoints):
        return []
    axes = resolve(keypoints, layout, up, mirrored)
    groups = {}
    for i, keypoint in enumerate(keypoints):
        groups.setdefault(np.shape(keypoint), []).append(i)
    seen = [None] * len(keypoints)
    for group in groups.values():
        for at in range(0, len(group), CHUNK):
            chunk = group[at:at + CHUNK]
            for i, observation in zip(chunk, _observe_chunk(
                    np.stack([keypoints[i] for i in chunk]), layout, fps,
                    axes)):
                seen[i] = observation
    return seen


def _check(keypoint: np.ndarray, layout: Layout, up) -> None:
    shape = np.shape(keypoint)
    if len(shape) != 4 or not all(shape) or shape[2] != layout.num_joints:
        raise ValueError(
            f'`keypoint` has shape {shape}, not (persons, frames, '
            f'{layout.num_joints} joints of {layout.name}, coordinates)')
    up = up.up if isinstance(up, Axes) else up
    if shape[3] not in (2, 3) or up is not None and len(up) != shape[3]:
        raise ValueError(
            f'`keypoint` has {shape[3]} coordinates a joint: 2 or 3 can be '
            'used, and `up` must have as many')


def _observe_chunk(batch: np.ndarray, layout: Layout, fps: float,
                   axes: Axes) -> List[Observation]:
    """(N, M, T, V, C) -> N observations."""
    persons, frames = batch.shape[1:3]
    with np.errstate(all='ignore'):  # NaN stands for what is not known
        body = Body(batch, layout, fps, axes.up, axes.mirrored)
        signals = curves(body, _SIGNALS)  # [K, T, R]
        found = [_swung(signals, fps), _stayed(signals, fps)]
    kind, row, start, end, size = (np.concatenate(c) for c in zip(*found))
    order = np.lexsort((kind, end, start, row))
    order = order[_measured(signals, kind, row, start, end)[order]]
    events = [[] for _ in batch]
    for k, r, a, b, m in zip(*(x[order].tolist() for x in (
            kind, row, start, end, size))):
        clip, person = divmod(r, persons)
        events[clip].append(Event(person, KINDS[k].part, KINDS[k].motion,
                                  a / fps, b / fps, m))
    known = 2 * np.isfinite(signals).sum(1) >= frames  # [K, R]
    decidable = known[_OF_KIND] & known[_WHILE]
    if fps < SLOW:
        decidable[_QUICK] = False
    if frames < 2:
        decidable[:] = False  # a picture shows no motion, and no rest
    decidable = decidable.T.reshape(len(batch), persons, -1)
    return [Observation(tuple(sorted(e, key=lambda x: x[3:5])), d, frames,
                        fps, axes) for e, d in zip(events, decidable)]


# What is computed once: each signal, and each signal's swings of one size.
_SIGNALS = list(dict.fromkeys([k.signal for k in KINDS] + [
    signal for signal, _ in WHILE.values()] + list(ALONG.values())))
_OF_KIND = np.array([_SIGNALS.index(k.signal) for k in KINDS])
_WHILE = np.array([_SIGNALS.index(WHILE.get(k.name, [k.signal])[0])
                   for k in KINDS])
_SWINGS = list(dict.fromkeys((k.signal, k.size) for k in KINDS
                             if k.rule in ('rises', 'falls', 'beats')))
_QUICK = [i for i, k in enumerate(KINDS) if k.rule == 'beats'
          or k.rule in ('above', 'below') and k.limit <= .1]
_ASKED = [i for i, k in enumerate(KINDS) if k.name in {**WHILE, **MOSTLY}]
_STAYS = [i for i, k in enumerate(KINDS) if k.rule in ('above', 'below')]


def _kind_of(rule: str) -> np.ndarray:
    """(len(_SWINGS), ) the kind with that rule, -1 where there is none."""
    table = {(k.signal, k.size): i for i, k in enumerate(KINDS)
             if k.rule == rule}
    return np.array([table.get(key, -1) for key in _SWINGS])


_RISES, _FALLS, _BEATS = map(_kind_of, ('rises', 'falls', 'beats'))
_LIMIT = np.array([k.limit for k in KINDS])
_TIMES = np.array([TIMES.get(k.name, 3) for k in KINDS])


def _swung(signals: np.ndarray, fps: float) -> Tuple[np.ndarray, ...]:
    """Kind, row, start, end and magnitude of the events by swings."""
    rows = signals.shape[2]
    chosen = signals[[_SIGNALS.index(name) for name, _ in _SWINGS]]
    chosen = chosen.transpose(1, 0, 2).reshape(signals.shape[1], -1)
    sizes = np.array([size for _, size in _SWINGS], np.float32)
    found = swings(chosen, sizes.repeat(rows), fps)
    which, row = np.divmod(found.curve, rows)
    kind = np.where(found.magnitude > 0, _RISES[which], _FALLS[which])
    speed = np.abs(found.magnitude) * fps / (found.end - found.start)
    single = np.flatnonzero((kind >= 0) & (speed >= _LIMIT[kind])
                            & _comes_along(signals, kind, row, found))
    events = [(kind[single], row[single], found.start[single],
               found.end[single], np.abs(found.magnitude[single]))]

    kind = _BEATS[which]
    repeated = beats(found, _LIMIT[_BEATS].repeat(rows), fps,
                     _goes_on(signals, kind, row, found),
                     _TIMES[_BEATS].repeat(rows))
    which, row = np.divmod(repeated.curve, rows)
    kind = _BEATS[which]
    real = kind >= 0
    events.append((kind[real], row[real], *(c[real] for c in repeated[1:])))
    return tuple(np.concatenate(c) for c in zip(*events))


def _comes_along(signals: np.ndarray, kind: np.ndarray, row: np.ndarray,
                 found: Found) -> np.ndarray:
    """bool (Q, ): what `ALONG` asks of each swing is so, if it is known."""
    good = np.ones(len(kind), bool)
    for name, other in ALONG.items():
        at = np.flatnonzero(kind == INDEX[name])
        curve = signals[_SIGNALS.index(other)]
        way = (curve[found.end[at], row[at]] - curve[found.start[at], row[at]])
        good[at] = ~(way * np.sign(found.magnitude[at])
                     < .5 * np.abs(found.magnitude[at]))
    return good


def _goes_on(signals: np.ndarray, kind: np.ndarray, row: np.ndarray,
             found: Found) -> np.ndarray:
    """bool (Q, ): what `WHILE` and `MOSTLY` ask of each swing is so."""
    good = np.ones(len(kind), bool)
    for i in _ASKED:
        at = np.flatnonzero(kind == i)
        ends = (found.start[at], row[at]), (found.end[at], row[at])
        name = KINDS[i].name
        if name in WHILE:
            held = signals[_WHILE[i]]
            good[at] &= (held[ends[0]] > WHILE[name][1]) & (
                held[ends[1]] > WHILE[name][1])
        for other in MOSTLY.get(name, ()):
            curve = signals[_SIGNALS.index(other)]
            good[at] &= ~(np.abs(curve[ends[1]] - curve[ends[0]])
                          > MUCH * np.abs(found.magnitude[at]))
    return good


def _stayed(signals: np.ndarray, fps: float) -> Tuple[np.ndarray, ...]:
    """Kind, row, start, end and magnitude of the events by stays."""
    rows = signals.shape[2]
    beyond = np.empty((len(_STAYS), *signals.shape[1:]), np.float32)
    for out, i in zip(beyond, _STAYS):
        sign = 1 if KINDS[i].rule == 'above' else -1
        out[:] = sign * (signals[_OF_KIND[i]] - np.float32(KINDS[i].size))
    beyond = (beyond + np.float32(SLACK)).transpose(1, 0, 2).reshape(
        signals.shape[1], -1)
    shortest = np.maximum(2, np.round(_LIMIT[_STAYS] * fps)).repeat(rows)
    found = stays(beyond, SLACK, shortest)
    which, row = np.divmod(found.curve, rows)
    return (np.array(_STAYS)[which], row, found.start, found.end,
            found.magnitude - np.float32(SLACK))


def _measured(signals: np.ndarray, kind: np.ndarray, row: np.ndarray,
              start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """bool (Q, ): at least half of an event's frames were seen."""
    at = np.arange(signals.shape[1])[:, None]
    seen = np.empty(len(kind), bool)
    for some in blocks(len(kind)):
        known = np.isfinite(
            signals[_OF_KIND[kind[some]], :, row[some]].T)  # [T, Q']
        within = (at >= start[some]) & (at <= end[some])
        seen[some] = 2 * (known & within).sum(0) >= within.sum(0)
    return seen
