"""Measure how strongly each kind of event shows in a clip, as one array.

Shapes: N clips, E kinds of the vocabulary, Q events of a clip.
"""
from typing import Optional, Sequence

import numpy as np

from .claims import ANY_MOTION, Claim, names_of
from .events import Observation
from .language import PLURALS, STILL
from .rows import checked, to_decidable, to_rows
from .vocabulary import INDEX, KINDS, SIDES

_STAYS = np.array([kind.rule in ('above', 'below') for kind in KINDS])
_SIZES = np.array([kind.size for kind in KINDS])


def strengths(observations: Sequence[Observation]) -> np.ndarray:
    """Return the strengths of all kinds of events.

    Args:
        observations (sequence): N, of :func:`~.events.observe_all`.

    Returns:
        array: float32 (N, E). The largest event of a kind, of anybody: a
        swing in units of its threshold, a stay as 2 + its seconds (as
        ``describe`` weighs them). 0 where there is none, NaN where the joints
        do not tell.
    """
    found = [strengths_of_rows(to_rows(seen), to_decidable(seen))
             for seen in observations]
    return np.stack(found) if found else np.zeros((0, len(KINDS)), np.float32)


def strengths_of_rows(events: Sequence,
                      decidable: Optional[Sequence]) -> np.ndarray:
    """Return the strengths of one clip by what ``BodyPartEvents`` keeps.

    Args:
        events (array): (Q, 5), of :func:`~.rows.to_rows`.
        decidable (array): bool (E, ), of :func:`~.rows.to_decidable`.

    Returns:
        array: float32 (E, ).

    Raises:
        ValueError: See :func:`~.rows.checked`.
    """
    events, decidable = checked(events, decidable)
    found = np.where(decidable, 0, np.nan).astype(np.float32)
    kind = events[:, 0].astype(int)
    size = np.where(_STAYS[kind], 2 + events[:, 2] - events[:, 1],
                    events[:, 3] / _SIZES[kind])
    np.fmax.at(found, kind, size.astype(np.float32))
    return found


def claim_strength(claim: Claim, found: np.ndarray) -> np.ndarray:
    """Return how strongly clips bear a claim out.

    Args:
        claim (Claim): Of :func:`~.claims.claims`.
        found (array): (N, E) strengths.

    Returns:
        array: (N, ), larger where the claim is truer: of either hand the
        stronger, of both the weaker one, and minus that if negated or still;
        0 where the motion does not happen, NaN where that cannot be told.

    Raises:
        ValueError: The claim is of a part or a motion outside the vocabulary.
    """
    part, motion, negated = claim
    noun = {many: one for one, many in PLURALS.items()}.get(
        part.replace('both ', ''), part)
    if motion in (STILL, ANY_MOTION):
        names, both = names_of(part, noun), False
        negated ^= motion == STILL
    elif f'{part} {motion}' in INDEX:
        names, both = [f'{part} {motion}'], False
    else:
        names = [f'{side} {noun} {motion}' for side in SIDES]
        both = part.startswith('both ')
        if noun not in PLURALS or not set(names) <= set(INDEX):
            raise ValueError(f'no {motion!r} of {part!r} in the vocabulary: '
                             'see `lvlm_var_mm.kinematics.NAMES`')
    some = found[:, [INDEX[name] for name in names]]
    unknown = np.isnan(some)
    if both:
        told = np.where(unknown, np.inf, some).min(1)
        told = np.where(unknown.any(1) & (told > 0), np.nan, told)
    else:
        told = np.where(unknown, 0, some).max(1)
        told = np.where(unknown.any(1) & (told <= 0), np.nan, told)
    return -told if negated else told
