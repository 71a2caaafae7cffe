"""Questions: what is doubtful about the joints of a data set, with its remedy.

The preparation of your own data and the doctor ask the same: which way is
up, whether left and right are exchanged, whether the joints are in the order
of the layout, whether hands go as fast as people's, and whether pictures are
in pixels. A question is a text and a remedy; good data raise none.
"""
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from lvlm_var_mm.layouts import Layout
from .anatomy import (FEW, PACE, USUAL_PACE, Facts, better_layouts,
                      looks_human, measure, oddities, pace)
from .axes import (SURE, Axes, Evidence, axis_name, decide, evidence, share_of,
                   vote_shares)

ENOUGH = 6  # clips whose medians are those of people
PARTS, OUTSIDE = 2., 2.  # of a picture: 0..1 for pixels, pixels for 0..1
# Metres from the middle of the shoulders to that of the hips, children too.
TORSO = .2, .9
UNITS = (5., 'scaled already'), (200., 'centimetres'), (2000., 'millimetres')


class Seen(NamedTuple):
    """Measures of the bodies of one clip."""
    evidence: Optional[Evidence]
    facts: Optional[Facts]
    dims: int
    reach: Tuple[float, ...]  # (C, ) the largest absolute coordinates


class Question(NamedTuple):
    """Something doubtful and what to do about it; ``certain`` if there is no
    doubt."""
    text: str
    remedy: str
    certain: bool = False


def look_at(keypoint: np.ndarray, layout: Optional[Layout]) -> Seen:
    """Look at one clip.

    Args:
        keypoint (array): (M, T, V, C); the third coordinate of a layout of
            pictures may be a score.
        layout (Layout, optional): Of its joints.
    """
    if keypoint.shape[-1] == 3 and layout is not None and layout.picture:
        if is_score(keypoint[..., 2]):
            keypoint = keypoint[..., :2] * (keypoint[..., 2:] > 0)
    finite = np.where(np.isfinite(keypoint), keypoint, 0)
    fits = layout is not None and layout.num_joints == keypoint.shape[2]
    return Seen(evidence(keypoint, layout) if fits else None,
                measure(keypoint, layout) if fits else None,
                keypoint.shape[-1],
                tuple(np.abs(finite).max((0, 1, 2)).tolist()))


def is_score(values: np.ndarray) -> bool:
    """Return whether the third coordinates of a layout of pictures are scores
    and no depths: those of metres are not all within 0..1, but for the noise
    of an estimator."""
    values = values[np.isfinite(values)]
    return bool((values >= 0).all() and (values <= 1.1).all())


def axes_of(seen: Sequence[Seen], layout: Layout,
            up: Optional[Sequence[float]] = None,
            mirrored: Optional[bool] = None) -> Axes:
    """The axes of a data set; not asked of what is no human body."""
    people = [s.evidence for s in seen] if not ask_order(seen, layout) else []
    return decide(people, layout, seen[0].dims, up, mirrored)


def ask_axes(seen: Sequence[Seen], layout: Layout,
             declared: Axes) -> Iterator[Question]:
    """Question the direction of up and the handedness that are declared."""
    if len(seen) < ENOUGH or ask_order(seen, layout):
        return
    found = [s.evidence for s in seen]
    shares = vote_shares(found, seen[0].dims)
    real = axes_of(seen, layout)
    if real.sure >= SURE and axis_name(real.up) != axis_name(declared.up):
        below = share_of(shares, [-x for x in declared.up]) >= SURE
        yield Question(
            f'{axis_name(real.up)} points up in {real.sure:.0%} of what '
            f'shows standing bodies, not {axis_name(declared.up)}: ' +
            ('people stand on their heads' if below else
             'people lie all the time'),
            f'set `up={tuple(map(int, real.up))}` of BodyPartEvents' +
            (', AlignSkeleton3D and RandomViewpoint3D' if len(real.up) == 3
             else '') + f' (prepare_custom: --up={axis_name(real.up)})',
            below)
    if real.sure_hand >= SURE and real.mirrored != declared.mirrored:
        yield Question(
            f'toes or noses point backward in {real.sure_hand:.0%} of the '
            'clips: the coordinates are those of a mirror, or left and right '
            'joints are exchanged' if real.mirrored else
            f'toes or noses point forward in {real.sure_hand:.0%} of the '
            'clips: the coordinates are not those of a mirror',
            f'set `mirrored={real.mirrored}` of BodyPartEvents' +
            (', or exchange left and right in the layout'
             if real.mirrored else ''))


def ask_order(seen: Sequence[Seen], layout: Layout,
              clips: Sequence[np.ndarray] = ()) -> List[Question]:
    """Question the order of the joints.

    Args:
        seen (sequence): Of each clip.
        layout (Layout): Of the joints.
        clips (sequence): Some keypoints (M, T, V, C), by which other layouts
            are tried.
    """
    facts = [s.facts for s in seen if s.facts]
    odd = oddities(facts, bool(seen) and seen[0].dims == 3)
    # A few clips may be of odd poses.
    if looks_human(odd, FEW if len(facts) >= ENOUGH else 4):
        return []
    texts = [o.text for o in sorted(odd, key=lambda o: -o.weight)]
    others = better_layouts(clips, layout) if len(clips) else []
    return [Question(
        f'by layout {layout.name} these are no human bodies: '
        f'{"; ".join(texts[:3])}' + (f' and {len(texts) - 3} more'
                                     if len(texts) > 3 else ''),
        'put the joints into the order of the layout (docs/layouts.md), or '
        'name another layout' + (f': {", ".join(others)} fits'
                                 if others else ''))]


def ask_pace(seen: Sequence[Seen], fps: Sequence[float]) -> List[Question]:
    """Question the frames per second of each clip by the pace of hands."""
    pairs = [(s.facts, rate) for s, rate in zip(seen, fps) if s.facts]
    if len(pairs) < ENOUGH:
        return []
    speed = pace(*zip(*pairs))
    if np.isnan(speed) or PACE[0] <= speed <= PACE[1]:
        return []
    assumed = float(np.median([rate for _, rate in pairs]))
    likely = assumed * USUAL_PACE / speed
    return [Question(
        f'at {assumed:g} frames a second hands go {speed:.1f} torso lengths '
        f'a second, where people mostly do {PACE[0]:g} to {PACE[1]:g}: are '
        f'these some {likely:.0f} frames a second?',
        'set `fps` of the config, or a column `fps` of the table '
        '(prepare_custom: --fps); none needed if the motions are as '
        f'{"fast" if speed > PACE[1] else "slow"}')]


def ask_unit(seen: Sequence[Seen]) -> Tuple[float, List[Question]]:
    """Return the length of a torso in the unit of the data, NaN where nothing
    shows it, and the question whether that is metres."""
    lengths = [s.facts.torso for s in seen if s.facts and s.dims == 3]
    if not lengths:
        return np.nan, []
    torso = float(np.median(lengths))
    if TORSO[0] <= torso <= TORSO[1]:
        return torso, []
    unit = next((u for limit, u in UNITS if torso < limit), 'pixels')
    return torso, [Question(f'a torso of {torso:.3g}: not metres but {unit}?',
                            'convert the keypoints to metres')]


def in_parts(reach: Sequence[float], img_shape: Sequence[int]) -> bool:
    """Return whether coordinates that reach so far are parts of a picture,
    0..1, though its height and width are pixels."""
    return max(reach[:2]) <= PARTS < .1 * max(img_shape)


def far_outside(reach: Sequence[float], img_shape: Sequence[int]) -> bool:
    """Return whether coordinates that reach so far cannot lie in a picture of
    this height and width."""
    height, width = img_shape
    return reach[0] > OUTSIDE * width or reach[1] > OUTSIDE * height


def ask_picture(seen: Sequence[Seen], shapes: Sequence[Tuple[int, int]]
                ) -> Iterator[Question]:
    """Question the height and width of the pictures of the clips."""
    pairs = [(s.reach, shape) for s, shape in zip(seen, shapes)
             if s.dims == 2]
    for wrong, text, remedy in (
            (in_parts, 'joints lie within 0..1, but their picture is {1} x '
             '{2} pixels: all fall into one corner',
             'multiply x by the width and y by the height, or set '
             '`img_shape` to 1, 1 (prepare_custom: --img-shape)'),
            (far_outside, 'joints reach {0:.0f}, but their picture is {1} x '
             '{2}', 'set `img_shape` to the height and width of the picture '
             'in the unit of the joints (prepare_custom: --img-shape)')):
        bad = [(max(reach), *shape) for reach, shape in pairs
               if wrong(reach, shape)]
        if 2 * len(bad) > len(pairs):
            yield Question(text.format(*bad[0]), remedy, True)
