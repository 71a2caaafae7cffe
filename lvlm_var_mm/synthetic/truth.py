"""Tell what truly happens in a clip of the made sample: not as it is detected,
but as the code that moves the bodies says."""
from typing import Sequence

import numpy as np

from lvlm_var_mm.datasets.ntu.splits import parse_name
from lvlm_var_mm.kinematics import KINDS, Event, Observation
from lvlm_var_mm.kinematics.body import Body
from lvlm_var_mm.kinematics.signals import curves
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.layouts import LAYOUTS
from .events import HARD_SCRIPTS, SCRIPTS, Script, events_of
from .performance import perform


def truth_of(name: str, seed: int = 0) -> Observation:
    """Return what truly happens in a clip, for
    :func:`~lvlm_var_mm.kinematics.claims.check`.

    Args:
        name (str): The clip's, such as ``S001C001P003R001A010``.
        seed (int): Of the sample, see ``make_sample``.

    Returns:
        Observation: One row of ``decidable`` for each true person, False for
        what the draw decides. Events are as large as their threshold.

    Raises:
        ValueError: It is no name of a clip of the sample.
    """
    clip = parse_name(name)
    if clip is None or clip.action not in {**SCRIPTS, **HARD_SCRIPTS}:
        raise ValueError(f'{name!r} is no clip of the made sample, as '
                         'S001C001P003R001A010 is')
    performance = clip.action, clip.performer, clip.replication
    people = perform(*performance, seed)
    scripts = decide(events_of(*performance, seed), people)
    decidable = np.ones((len(scripts), len(KINDS)), bool)
    events = []
    for person, script in enumerate(scripts):
        decidable[person, [INDEX[event] for event in script.may]] = False
        for event, start, end in script.does:
            kind = KINDS[INDEX[event]]
            events.append(Event(person, kind.part, kind.motion, start, end,
                                kind.size))
    return Observation(tuple(sorted(events, key=lambda e: (e.start, e.end))),
                       decidable, people.shape[1], 30.)


def decide(scripts: Sequence[Script],
           people: np.ndarray) -> Sequence[Script]:
    """Settle what the draw decides where it is plain: by how far the true
    joints climb or drop in all, a quarter more or less than is asked for.

    Args:
        scripts (sequence[Script]): One for each person; changed in place.
        people (array): (M, T, 25, 3), metres, upright along y.

    Returns:
        sequence[Script]: ``scripts``.
    """
    body = Body(people[None], LAYOUTS['ntu25'], 30, (0, 1, 0))
    last = people.shape[1] / 30
    for person, script in enumerate(scripts):
        for kind in KINDS:
            if kind.name not in script.may or kind.rule not in (
                    'rises', 'falls') or kind.part == 'persons':
                continue
            way = curves(body, [kind.signal])[0, :, person]
            way = way if kind.rule == 'rises' else -way
            climb = np.max(way - np.fmin.accumulate(way)) / kind.size
            if climb > 1.25:
                script.does.append((kind.name, 0, last))
            if not .75 <= climb <= 1.25:
                script.may.remove(kind.name)
    return scripts
