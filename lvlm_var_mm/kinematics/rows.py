"""Observations as arrays: what a data set keeps and a data sample carries.

Q events, E kinds of the vocabulary.
"""
from typing import Optional, Sequence, Tuple

import numpy as np

from .events import Event, Observation
from .vocabulary import INDEX, KINDS, NAMES, mirrored

COLUMNS = 'number', 'start', 'end', 'magnitude', 'person'
# (E, ): the kind that a mirror shows in the place of each.
_MIRRORED = np.array([INDEX[mirrored(name)] for name in NAMES])


def to_rows(seen: Observation) -> np.ndarray:
    """Events -> float32 (Q, 5): number in ``kinematics.NAMES``, start and end
    in seconds, magnitude, person."""
    return np.array([(INDEX[e.name], *e[3:], e.person) for e in seen.events],
                    np.float32).reshape(-1, len(COLUMNS))


def to_decidable(seen: Observation) -> np.ndarray:
    """Return bool (E, ): whether somebody is there, and for everyone there
    the joints tell if that kind of event happened."""
    there = seen.decidable[seen.decidable.any(1)]
    return there.all(0) if len(there) else np.zeros(len(KINDS), bool)


def checked(events: Sequence, decidable: Optional[Sequence]
            ) -> Tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, float32 (Q, 5) and bool (E, ).

    Raises:
        ValueError: They are those of another vocabulary or version, or
            ``decidable`` was not kept.
    """
    if decidable is None:
        raise ValueError(
            "`events` came without `decidable`: put both into the `meta_keys` "
            'of PackActionInputs, and make a token cache again')
    events = np.asarray(events, np.float32)
    decidable = np.asarray(decidable, bool)
    if events.ndim != 2 or events.shape[1] != len(COLUMNS) or (
            decidable.shape != (len(KINDS), )) or (
            events[:, 0] >= len(KINDS)).any():
        raise ValueError(
            f'`events` {events.shape} and `decidable` {decidable.shape} are '
            f'not (Q, {len(COLUMNS)}) and ({len(KINDS)}, ): an older version '
            'measured them; load the clips anew with BodyPartEvents, and make '
            'a token cache again')
    return events, decidable


def observation_of(events: Sequence,
                   decidable: Optional[Sequence]) -> Observation:
    """Put an observation together again, for :func:`~.claims.check` and
    :func:`~.language.describe`.

    Args:
        events (array): (Q, 5), of :func:`to_rows`.
        decidable (array): bool (E, ), of :func:`to_decidable`.

    Returns:
        Observation: With one row of ``decidable`` for all persons, and
        without frames.

    Raises:
        ValueError: See :func:`checked`.
    """
    events, decidable = checked(events, decidable)
    rows = [Event(int(person), KINDS[int(kind)].part, KINDS[int(kind)].motion,
                  start, end, size)
            for kind, start, end, size, person in events.tolist()]
    return Observation(tuple(rows), decidable[None], 0, 0.)


def in_a_mirror(events: np.ndarray,
                decidable: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return what would be measured on the same joints in a mirror: left and
    right changed over.

    Args:
        events (array): (Q, 5), of :func:`to_rows`.
        decidable (array): bool (E, ), of :func:`to_decidable`.

    Returns:
        tuple: Both, as new arrays.
    """
    events, decidable = checked(events, decidable)
    kinds = _MIRRORED[events[:, 0].astype(int)]
    return (np.concatenate([kinds[:, None].astype(np.float32), events[:, 1:]],
                           1), decidable[_MIRRORED])
