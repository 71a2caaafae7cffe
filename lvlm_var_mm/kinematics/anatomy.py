"""Decide whether joints are those of a human body: lengths, sides and pace.

What is asked here holds for whole data sets, in medians over frames and
clips; single clips differ more. The bounds are wide: they are to distinguish a
wrong order of joints, another unit or another clock from people, not one
person from another. They were chosen on the training clips of
Northwestern-UCLA (Kinect v1, noisy) and on the made sample.
"""
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from lvlm_var_mm.layouts import LAYOUTS, Layout

# Lengths in torsos between two joints of a side, or of the sides.
BONES = {
    'upper arm': ('shoulder', 'elbow', .35, .95),
    'forearm': ('elbow', 'wrist', .3, .9),
    'hand': ('wrist', 'hand', 0, .6),
    'thigh': ('hip', 'knee', .5, 1.6),
    'shank': ('knee', 'ankle', .45, 1.5),
    'foot': ('ankle', 'foot', 0, .75),
}
SPANS = {'shoulder': (.25, 1.3), 'hip': (.08, .9)}
# Distances in torsos of the joints of the trunk from where they belong.
TRUNK = {'head': (.2, 1.2), 'nose': (.15, 1.2), 'neck': (0, .65),
         'chest': (0, .65), 'spine': (0, .45), 'pelvis': (0, .45)}
LIMBS = 'upper arm', 'forearm', 'thigh', 'shank'
UNEVEN = 1.5  # a limb is at most so much longer than its fellow
LOOSE = .3  # quartile range of the length of a limb, relative to it
FEW = 1  # lengths that may be odd: sensors have their ways;
GROSS = 1.5  # one that is off by so much more counts twice
# Of wrists about the pelvis, in torsos per second: a nine in ten quantile over
# the frames of a clip, then the median of the clips.
PACE = 1.25, 9.
USUAL_PACE = 5.


class Facts(NamedTuple):
    """Measures of one clip.

    Attributes:
        lengths (dict): Name -> torsos, such as 'left forearm'.
        loose (dict): Name of a limb -> quartile range of its length,
            relative to it; empty in pictures, where limbs are foreshortened.
        crossed (float): Share of the frames in which the line of the
            shoulders points against that of the hips.
        torso (float): In the unit of the data.
        step (dict): Frames -> torsos that a wrist goes in so many.
    """
    lengths: Dict[str, float]
    loose: Dict[str, float]
    crossed: float
    torso: float
    step: Dict[int, float]


def measure(keypoint: np.ndarray, layout: Layout) -> Optional[Facts]:
    """Measure the first person of a clip who is seen.

    Args:
        keypoint (array): (M, T, V, C); a joint that is 0 or NaN is missing.
        layout (Layout): Of its joints.

    Returns:
        Facts: None where shoulders and hips are not named or not seen.
    """
    if not layout.has_trunk:
        return None
    points = np.asarray(keypoint, np.float32)
    there = np.isfinite(points).all(-1) & points.any(-1)
    who = there.any((1, 2)).argmax()
    points, there = points[who], there[who]
    points = np.where(there[..., None], points, np.nan)
    joints = dict(zip(layout.joints, points.transpose(1, 0, 2)))  # (T, C)
    space = points.shape[-1] == 3
    with np.errstate(all='ignore'):
        chest, pelvis = (
            (joints[f'left_{p}'] + joints[f'right_{p}']) / 2
            for p in ('shoulder', 'hip'))
        # The picture of a limb may be shortened, but not lengthened.
        share = .5 if space else .9
        torso = _quantile(_length(chest - pelvis), share)
        if not torso > 0:
            return None
        curves = {name: _length(line) / torso
                  for name, line in _lines(joints, chest, pelvis)}
        lengths = {n: _quantile(c, share) for n, c in curves.items()}
        loose = {} if not space else {
            n: (_quantile(c, .75) - _quantile(c, .25)) / lengths[n]
            for n, c in curves.items() if n.endswith(LIMBS)}
        across = [joints[f'right_{p}'] - joints[f'left_{p}']
                  for p in ('shoulder', 'hip')]
        against = (across[0] * across[1]).sum(-1)
        against = against[np.isfinite(against)]
        wrists = [joints[f'{side}_wrist'] - pelvis for side in
                  ('left', 'right') if f'{side}_wrist' in joints]
        step = {n: _quantile(np.fmax.reduce([
            _length(w[n:] - w[:-n]) for w in wrists]), .9) / torso
            for n in (1, 2, 4, 8) if wrists and len(points) > 2 * n}
    return Facts({n: x for n, x in lengths.items() if np.isfinite(x)},
                 {n: x for n, x in loose.items() if np.isfinite(x)},
                 float((against < 0).mean()) if len(against) else 0.,
                 torso, step)


def _lines(joints: Dict[str, np.ndarray], chest: np.ndarray,
           pelvis: np.ndarray) -> List[Tuple[str, np.ndarray]]:
    """Name and vectors (T, C) of all that is measured."""
    found = []
    for name, (start, end, *_) in BONES.items():
        for side in ('left', 'right'):
            ends = f'{side}_{start}', f'{side}_{end}'
            if set(ends) <= set(joints):
                found.append((f'{side} {name}',
                              joints[ends[1]] - joints[ends[0]]))
    for part in SPANS:
        found.append((f'{part}s', joints[f'right_{part}']
                      - joints[f'left_{part}']))
    place = dict(spine=(chest + pelvis) / 2, pelvis=pelvis)
    for name in TRUNK:
        if name in joints:
            found.append((name, joints[name] - place.get(name, chest)))
    return found


def bounds(name: str, space: bool = True) -> Tuple[float, float]:
    """Least and most of a length, in torsos; no least in pictures."""
    if name in TRUNK:
        low, high = TRUNK[name]
    elif name[:-1] in SPANS:
        low, high = SPANS[name[:-1]]
    else:
        low, high = BONES[name.partition(' ')[2]][2:]
    return (low if space else 0.), high


class Odd(NamedTuple):
    """Something odd about bodies, such as 'left forearm 1.31 torsos', and how
    much it counts."""
    text: str
    weight: int


def oddities(facts: Sequence[Facts], space: bool = True) -> List[Odd]:
    """Say what is odd about the bodies of a data set.

    Args:
        facts (sequence): Of its clips.
        space (bool): Whether joints lie in space, not in a picture.

    Returns:
        list[Odd]: Empty for people.
    """
    lengths = _medians(f.lengths for f in facts)
    found = []
    for name, value in lengths.items():
        low, high = bounds(name, space)
        if not low <= value <= high:
            gross = not low / GROSS <= value <= high * GROSS
            found.append(Odd(f'{name} {value:.2f} torsos', 1 + gross))
    for name in LIMBS:
        pair = [lengths.get(f'{side} {name}') for side in ('left', 'right')]
        if None not in pair and max(pair) > UNEVEN * min(pair):
            found.append(Odd(
                f'{name}s of {pair[0]:.2f} and {pair[1]:.2f} torsos',
                1 + (max(pair) > GROSS * UNEVEN * min(pair))))
    found += [Odd(f'length of the {name} varies by {value:.0%}',
                  1 + (value > GROSS * LOOSE))
              for name, value in _medians(f.loose for f in facts).items()
              if value > LOOSE]
    if facts and np.median([f.crossed for f in facts]) > .5:
        found.append(Odd('the line of the shoulders points against that of '
                         'the hips', 2))
    return found


def looks_human(odd: Sequence[Odd], few: int = FEW) -> bool:
    """Return whether no more is odd than sensors do."""
    return sum(o.weight for o in odd) <= few


def better_layouts(keypoints: Sequence[np.ndarray],
                   layout: Layout) -> List[str]:
    """Names of other layouts with as many joints by which the bodies of some
    clips (M, T, V, C) look human."""
    space = keypoints[0].shape[-1] == 3
    return [
        other.name for other in LAYOUTS.values()
        if other.num_joints == layout.num_joints and other.joints
        != layout.joints and looks_human(oddities(
            [f for k in keypoints if (f := measure(k, other))], space))]


def pace(facts: Sequence[Facts], fps: Sequence[float]) -> float:
    """Pace of the hands in a data set, torsos per second.

    Args:
        facts (sequence): Of its clips.
        fps (sequence): Frames per second of each.

    Returns:
        float: Measured over a tenth of a second, where noise counts for
        little; NaN where no clip shows it.
    """
    found = []
    for clip, rate in zip(facts, fps):
        if clip.step:
            n = min(clip.step, key=lambda n: abs(np.log(n / rate * 30)))
            found.append(clip.step[n] * rate / n)
    found = [x for x in found if np.isfinite(x)]
    return float(np.median(found)) if found else np.nan


def _medians(dicts) -> Dict[str, float]:
    values: Dict[str, List[float]] = {}
    for one in dicts:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return {name: float(np.median(x)) for name, x in values.items()}


def _length(a: np.ndarray) -> np.ndarray:
    return np.sqrt((a * a).sum(-1))


def _quantile(values: np.ndarray, share: float) -> float:
    values = values[np.isfinite(values)]
    return float(np.quantile(values, share)) if len(values) else np.nan
