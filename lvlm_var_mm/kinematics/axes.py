"""Find which way is up, and whether left and right are, by the bodies.

Heads are above pelvises and pelvises above feet, toes are ahead of ankles and
noses ahead of ears. One body may lie or stand on its hands, and a clip of it
then misleads; so a data set is asked as a whole where there is one, and a
clip alone only where nothing is declared.
"""
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from lvlm_var_mm.layouts import Layout

FRAMES, CLIPS = 32, 64  # of a clip and of all clips that are looked at
SURE = .8  # share of the evidence that overrules what is usual,
LIKELY, HARDLY = .5, .1  # or so much, if hardly anything supports that
SLANT = np.cos(np.deg2rad(45))  # of a camera; beyond, another axis is nearer
AHEAD = .03  # torso lengths that toes or a nose of a clip must be off
AXES = 'xyz'


class Axes(NamedTuple):
    """The axes of a clip or a data set.

    Attributes:
        up (tuple[float]): (C, ), the direction that points up.
        mirrored (bool): Whether the coordinates are those of a mirror: then
            u x r points backward.
        sure (float): Share of the standing bodies that agree with ``up``, 1
            where it was declared, 0 where nobody stands.
        sure_hand (float): Share of the clips that agree with ``mirrored``;
            0 without evidence, as in a picture.
    """
    up: Tuple[float, ...]
    mirrored: bool = False
    sure: float = 1.
    sure_hand: float = 1.


class Evidence(NamedTuple):
    """Evidence of one clip about the axes.

    Attributes:
        votes (array): (2 C, ), share of the person-frames in which +x, +y,
            ..., -x, -y ... is the axis nearest to that from feet to head.
        ahead (float): Median of how far toes and nose are ahead by u x r,
            torso lengths; NaN where unknown.
        steady (float): Share of the frames that agree with its sign.
    """
    votes: np.ndarray
    ahead: float
    steady: float


def usual_up(layout: Layout, dims: int) -> Tuple[int, ...]:
    """The direction that points up by convention: that of the layout in
    space, -y in a picture."""
    return layout.up if dims == 3 else (0, -1)


def signed_axis(text: str, dims: int) -> Tuple[int, ...]:
    """``'z'``, ``'+z'`` or ``'-y'`` -> (0, 0, 1), (0, -1, 0).

    Raises:
        ValueError: Anything else.
    """
    sign = '-' if text.startswith('-') else '+'
    name = text[1:] if text[:1] in ('+', '-') else text
    if name not in tuple(AXES[:dims]):
        raise ValueError(f'up {text!r} is no axis: give one of ' + ', '.join(
            f'{s}{a}' for a in AXES[:dims] for s in ('', '-')))
    return tuple((1 if sign == '+' else -1) * (a == name)
                 for a in AXES[:dims])


def axis_name(up: Sequence[float]) -> str:
    """(0, -1, 0) -> ``'-y'``: the signed axis nearest to a direction."""
    axis = int(np.argmax(np.abs(up)))
    return ('-' if up[axis] < 0 else '') + AXES[axis]


def reflect(points: np.ndarray, up: np.ndarray) -> None:
    """Undo a mirror, in place: negate a level coordinate.

    Args:
        points (array): (V, C, ...).
        up (array): (C, ), changed with them.
    """
    level = int(np.argmin(np.abs(up)))
    points[:, level] *= -1
    up[level] *= -1


def evidence(keypoint: np.ndarray, layout: Layout) -> Optional[Evidence]:
    """Ask one clip.

    Args:
        keypoint (array): (M, T, V, C); a joint that is 0 or NaN is missing.
        layout (Layout): Of its joints.

    Returns:
        Evidence: None where the layout does not name shoulders and hips.
    """
    if not layout.has_trunk:
        return None
    step = max(1, keypoint.shape[1] // FRAMES)
    points = np.asarray(keypoint[:, ::step], np.float32).reshape(
        -1, *keypoint.shape[2:]).transpose(1, 2, 0)  # [V, C, F]
    there = np.isfinite(points).all(1) & points.any(1)
    points = np.where(there[:, None], points, np.nan)

    def pair(part):
        joints = [layout.index(f'{side}_{part}') for side in
                  ('left', 'right')]
        return points[joints] if None not in joints else None

    with np.errstate(all='ignore'):
        shoulders, hips, ankles = map(pair, ('shoulder', 'hip', 'ankle'))
        chest, pelvis = shoulders.mean(0), hips.mean(0)
        trunk = chest - pelvis
        torso = _length(trunk)
        feet = None if ankles is None else ankles.mean(0)
        legs = trunk if feet is None else np.where(
            np.isfinite(feet), pelvis - feet, trunk)
        stance = trunk + legs
        standing = _dot(trunk, legs) > .5 * torso * _length(legs)
        head = layout.index('head')
        head = layout.index('nose') if head is None else head
        if head is not None:  # one that is not seen is no objection
            standing &= ~(_dot(points[head] - chest, trunk) <= 0)
        towards = stance / _length(stance)
        votes = np.concatenate([towards, -towards]) > SLANT
        votes = (votes & standing).sum(1) / max(np.isfinite(torso).sum(), 1)
        ahead = np.full(torso.shape, np.nan)
        if len(towards) == 3:
            across = shoulders[1] - shoulders[0] + hips[1] - hips[0]
            forward = np.cross(towards, across, axis=0)
            forward /= _length(forward)
            cues = [_dot(cue, forward) for cue in _ahead(layout, points)]
            if cues and np.isfinite(torso).any():
                ahead = _mean(cues) / np.median(torso[np.isfinite(torso)])
                ahead[~standing | (_length(across) < .5 * torso)] = np.nan
    known = ahead[np.isfinite(ahead)]
    if not len(known):
        return Evidence(votes, np.nan, 0.)
    middle = float(np.median(known))
    return Evidence(votes, middle, float(np.mean(known * middle > 0)))


def _ahead(layout: Layout, points: np.ndarray) -> List[np.ndarray]:
    """(C, F) vectors that point forward on a body."""
    found = []
    for end, start in (('foot', 'ankle'), ('nose', 'ear')):
        for side in ('left', 'right'):
            a = layout.index(end if end == 'nose' else f'{side}_{end}')
            b = layout.index(f'{side}_{start}')
            if a is not None and b is not None:
                found.append(points[a] - points[b])
    return found


def decide(found: Sequence[Optional[Evidence]], layout: Layout, dims: int,
           up: Optional[Sequence[float]] = None,
           mirrored: Optional[bool] = None) -> Axes:
    """Decide for all clips of a data set together.

    Args:
        found (sequence): Evidence of its clips.
        layout (Layout): Of the joints.
        dims (int): C.
        up (sequence, optional): (C, ), if it is declared.
        mirrored (bool, optional): If it is declared.

    Returns:
        Axes: What is declared, what the bodies say, or else what is usual.
    """
    shares = vote_shares(found, dims)
    usual = usual_up(layout, dims) if up is None else tuple(up)
    best = int(shares.argmax())
    if up is None and (shares[best] >= SURE or shares[best] >= LIKELY
                       and share_of(shares, usual) < HARDLY):
        usual = tuple((1 if best < dims else -1) * (i == best % dims)
                      for i in range(dims))
    known = [e for e in found if e is not None and np.isfinite(e.ahead)]
    backward = np.mean([
        e.ahead < -AHEAD and e.steady >= SURE for e in known] or [0.])
    if mirrored is None:
        mirrored = bool(backward >= SURE)
    agree = np.mean([(e.ahead < 0) == mirrored for e in known] or [0.])
    return Axes(usual, mirrored, share_of(shares, usual), float(agree))


def vote_shares(found: Sequence[Optional[Evidence]], dims: int) -> np.ndarray:
    """(2 C, ) the share of all votes that each signed axis has."""
    total = sum((e.votes for e in found if e is not None), np.zeros(2 * dims))
    return total / max(total.sum(), 1e-9)


def share_of(shares: np.ndarray, up: Sequence[float]) -> float:
    """Share of the votes for the axis nearest to a direction."""
    axis = int(np.argmax(np.abs(up)))
    return float(shares[axis + len(up) * (up[axis] < 0)])


def find_axes(keypoints: Sequence[np.ndarray], layout: Layout,
              up: Optional[Sequence[float]] = None,
              mirrored: Optional[bool] = None) -> Axes:
    """The axes of some clips, which share them.

    Args:
        keypoints (sequence): N arrays (M, T, V, C).
        layout (Layout): Of the joints.
        up (sequence, optional): (C, ), if it is known.
        mirrored (bool, optional): If it is known.

    Raises:
        ValueError: The bodies stand on their heads by ``up``.
    """
    dims = keypoints[0].shape[-1]
    if up is not None and not np.linalg.norm(up) > 0:
        raise ValueError(f'`up` is {tuple(up)}, which points nowhere')
    some = np.unique(np.linspace(0, len(keypoints) - 1, CLIPS).astype(int))
    found = [evidence(keypoints[i], layout) for i in some]
    if up is not None:
        check_up(found, up)
    return decide(found, layout, dims, up, mirrored)


def check_up(found: Sequence[Optional[Evidence]],
             up: Sequence[float]) -> None:
    """Refuse an ``up`` by which nearly all stand on their heads; who lies
    may do so all the time.

    Raises:
        ValueError: It does; names the axis that fits.
    """
    below = [-x for x in up]
    share = share_of(vote_shares(found, len(up)), below)
    if share >= SURE:
        raise ValueError(
            f'`up` is {tuple(up)}, but heads are below feet in {share:.0%} '
            f'of what shows standing bodies: {axis_name(below)} points up')


UpLike = Union[Sequence[float], Axes, None]


def resolve(keypoints: Sequence[np.ndarray], layout: Layout,
            up: UpLike = None, mirrored: Optional[bool] = None) -> Axes:
    """:func:`find_axes`, unless ``up`` is an :class:`Axes`, which was decided
    for a whole data set and holds."""
    if isinstance(up, Axes):
        return up
    return find_axes(keypoints, layout, up, mirrored)


def _mean(curves: Sequence[np.ndarray]) -> np.ndarray:
    """(F, ) the mean of those that are known in each frame."""
    curves = np.array(curves)
    known = np.isfinite(curves)
    return np.where(known, curves, 0).sum(0) / known.sum(0)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(0)


def _length(a: np.ndarray) -> np.ndarray:
    return np.sqrt(_dot(a, a))
