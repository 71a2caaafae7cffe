"""Reasons: the true events of a clip that speak for its class, as a sentence.

    evidence = log_odds(counts, totals)  # of a training set
    write_reason(evidence[label], seen, key='clip7')
    # 'The torso bends forward far, then both hands lower quickly at the end.'

Shapes: C classes, E kinds of events.
"""
import random
from functools import lru_cache
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from . import phrasings as words
from .claims import Claim, check, claims
from .events import Observation
from .language import (PLURALS, TIMELY, Phrase, manner, owners_of, plural,
                       salient, subject, third)
from .vocabulary import KINDS

TOLD = 5  # events in a reason
# More evidence than that, 1.5 times the odds, counts no more: else all clips
# of a class are told alike, and not what is salient in them.
ENOUGH = .4
# Times that a speed exceeds the least of its kind.
FAST, SLOW = 8., 2.5
MANNERS = {
    'far': words.FAR, 'a little': words.NEAR, 'long': words.LONG,
    'briefly': words.BRIEF}


def kinds_of(seen: Observation) -> np.ndarray:
    """Return bool (E, ): the kinds of events that are worth telling of a
    clip."""
    present = np.zeros(len(KINDS), bool)
    for phrase in salient(seen.events):
        present[list(phrase.kinds)] = True
    return present


def log_odds(counts: np.ndarray, totals: np.ndarray, support: float = .05,
             smoothing: float = 1.) -> np.ndarray:
    """Return how much each kind of event speaks for each class, against the
    others.

    Args:
        counts (array): (C, E) clips of a class in which it happens.
        totals (array): (C, ) clips of a class.
        support (float): Share of the clips of a class in which it must happen
            to speak for it, and in three of them at least.
        smoothing (float): Clips added to each count, with it and without.

    Returns:
        array: float64 (C, E), the logarithm of the ratio of odds; 0 where
        the support is too little.
    """
    totals = np.asarray(totals, float)[:, None]
    counts = np.asarray(counts, float)

    def odds(part, whole):
        return np.log(part + smoothing) - np.log(whole - part + smoothing)

    found = odds(counts, totals) - odds(counts.sum(0) - counts,
                                        totals.sum() - totals)
    return np.where(counts >= np.maximum(3, support * totals), found, 0.)


def write_reason(evidence: np.ndarray, seen: Observation, key: str = '',
                 draw: int = 0, length: Optional[float] = None) -> str:
    """Tell the events of a clip that speak for a class, in their order.

    What an event weighs is its evidence, up to :data:`ENOUGH`, times its
    salience in this clip. Where none speaks for the class, the most salient
    are told: they are true.

    Args:
        evidence (array): (E, ) of the class, from :func:`log_odds`.
        seen (Observation): Of the clip.
        key (str): Names the clip.
        draw (int): Which of the wordings; equal keys and draws, equal texts.
        length (float, optional): Seconds of the clip. Defaults to the end of
            the last event.

    Returns:
        str: One sentence or more, none of whose claims is false; '' where
        nothing was seen to happen.
    """
    rng = random.Random(f'{key} {draw}')
    told = sorted(_chosen(evidence, seen, TOLD),
                  key=lambda p: (p.start, p.end))
    if not told:
        return ''
    length = length or max(e.end for e in seen.events)
    owners = owners_of(told, seen.events)
    times = _times(seen)
    clauses = []
    for i, phrase in enumerate(told):
        plain = f'{subject(owners[phrase.person], phrase.part)} '
        extras = _extras(phrase, times, length, rng, i in (0, len(told) - 1))
        # Words that happen to claim something else give way.
        for motion in (_worded(phrase, rng), phrase.motion):
            for extra in (extras, ''):
                clause = plain + motion + extra
                if _is_true(clause, phrase, seen):
                    break
            else:
                continue
            clauses.append((phrase, clause))
            break
    return _joined(clauses, rng)


def _chosen(evidence: np.ndarray, seen: Observation,
            number: int) -> List[Phrase]:
    """The phrases of the most weight, each motion of a part once."""
    best: Dict[tuple, tuple] = {}
    for phrase in salient(seen.events):
        speaks = max(evidence[k] for k in phrase.kinds)
        rank = (speaks > 0, phrase.weight * (min(speaks, ENOUGH)
                                             if speaks > 0 else 1))
        if phrase[:3] not in best or rank > best[phrase[:3]][0]:
            best[phrase[:3]] = rank, phrase
    ranked = sorted(best.values(), key=lambda r: r[0], reverse=True)
    speaking = [phrase for (speaks, _), phrase in ranked if speaks]
    return (speaking or [phrase for _, phrase in ranked])[:number]


def _worded(phrase: Phrase, rng: random.Random) -> str:
    """The motion in some words."""
    kind = KINDS[phrase.kinds[0]]
    part = kind.part.split()[-1]
    motion = rng.choice((kind.motion, *words.OTHER_WORDS.get(
        f'{part} {kind.motion}', ())))
    return plural(motion) if phrase.part.startswith('both ') else motion


def _extras(phrase: Phrase, times: Dict[tuple, int], length: float,
            rng: random.Random, timed: bool) -> str:
    """Manner and time of a motion, not always."""
    kind = KINDS[phrase.kinds[0]]
    lasts = max(phrase.end - phrase.start, 1e-3)
    how = manner(phrase)
    fit: List[Sequence[str]] = [MANNERS[how]] if how else []
    if kind.rule not in ('above', 'below', 'beats'):
        speed = phrase.magnitude / lasts
        fit += [words.FAST] * (speed >= FAST * kind.limit)
        fit += [words.SLOW] * (speed <= SLOW * kind.limit)
        often = times[phrase[:3]]
        if often > 1:
            fit.append(words.TIMES.get(often, words.OFTEN))
    said = ''
    if fit and rng.random() < .7:
        said += ' ' + rng.choice(rng.choice(fit)).format(seconds=lasts)
    if timed and rng.random() < .5:
        said += ' ' + rng.choice(words.WHEN[third(phrase, 0, length)])
    return said


def _times(seen: Observation) -> Dict[tuple, int]:
    """Count how often each part makes each motion."""
    counts: Dict[tuple, int] = {}
    for phrase in salient(seen.events):
        counts[phrase[:3]] = counts.get(phrase[:3], 0) + 1
    return counts


@lru_cache(maxsize=1 << 14)
def _claims(clause: str) -> Tuple[Claim, ...]:
    """Clauses come again and again."""
    return tuple(claims(clause))


def _is_true(clause: str, phrase: Phrase, seen: Observation) -> bool:
    """Return whether a clause claims the motion of a phrase alone."""
    said = _claims(clause)
    noun = phrase.part.split()[-1]
    motion = (KINDS[phrase.kinds[0]].motion if noun in PLURALS.values()
              else phrase.motion)
    return (len(said) == 1 and said[0].motion == motion
            and said[0].part == phrase.part and check(said[0], seen) is True)


def _joined(clauses: Sequence[tuple], rng: random.Random) -> str:
    text, last = rng.choice(words.OPENINGS), None
    for phrase, clause in clauses:
        if last is not None:
            at_once = phrase.start < last.end - TIMELY
            text += rng.choice(words.MEANWHILE if at_once else words.THEN)
        text += clause
        last = phrase
    return text and f'{text[0].upper()}{text[1:]}.'
