"""A sentence -> what it claims of the body -> true, false or not decidable.

Reads what :func:`~.language.describe` writes, and plain English of the kind:
'She raises one hand to her mouth, then bends forward.' Whatever else is said,
as of things, claims nothing.
"""
import re
from typing import List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from .events import Observation
from .language import PLURALS, STILL
from .lexicon import (ASIDE, BODILY, BREAK, FIXED, MOVEMENT, NEGATION, PARTS,
                      PLACES, PREPOSITION, STILLNESS, TABLES, WHICH)
from .vocabulary import INDEX, NAMES, SIDES

ANY_MOTION = 'moves'


class Claim(NamedTuple):
    """The statement of a sentence about one part.

    Attributes:
        part (str): Of the vocabulary; or 'hand', 'arm', 'foot', 'knee' for
            one of the two, 'both hands', 'both arms', 'both feet' for each.
        motion (str): Of the vocabulary, as one hand does it; or 'moves' for
            any motion of the part, 'stays still' for none.
        negated (bool): It is said not to happen.
    """
    part: str
    motion: str
    negated: bool = False


def claims(sentence: str) -> List[Claim]:
    """Return the claims of a sentence, in its order.

    Args:
        sentence (str): Plain English, of any length.

    Returns:
        list[Claim]: Empty where a body is not mentioned.
    """
    text = sentence.lower().replace('\u2019', "'")
    for pattern, put in FIXED:
        text = re.sub(pattern, put, text)
    found, subject = [], ('body', '')
    for clause in BREAK.split(text):
        said, subject = _read(clause, subject)
        found += [claim for claim in said if claim not in found[-1:]]
    return found


def _read(clause: str, subject: Tuple[str, str]
          ) -> Tuple[List[Claim], Tuple[str, str]]:
    """Return the claims of one clause; of the last one's subject, unless it
    has one of its own: (word, the words before it)."""
    negated = bool(NEGATION.search(clause))
    found = []  # (place in the clause, part, motion, words)

    def take(pattern, part, motion):
        nonlocal clause
        match = re.search(pattern, clause)
        if match:
            found.append((match.start(), part, motion, match[0]))
            clause = (clause[:match.start()] + '_' * len(match[0])
                      + clause[match.end():])

    for motion, pattern in PLACES:
        take(pattern, 'S hand', motion)
    for _, pattern in PARTS:
        clause = re.sub(rf'{ASIDE}(?:{pattern})\b', '_', clause)
    own = False
    for word, pattern in PARTS:
        match = re.search(rf'\b{WHICH}({pattern})\b', clause)
        if match:
            own, subject = True, (word, match[1] + match[2])
            clause = (clause[:match.start()] + '_' * len(match[0])
                      + clause[match.end():])
            break
    if not own and BODILY.search(clause):
        subject = 'body', ''
    word, phrase = subject
    whole = {'leg': 'S foot', **{w: f'S {w}' for w in PLURALS}}.get(word, word)
    take(STILLNESS, whole, STILL)
    for part, table in TABLES[word]:
        if part in ('hands', 'feet', 'legs') and word != 'body' and (
                _side(phrase) in SIDES):
            continue  # One hand alone does not clap.
        for motion, pattern in table:
            take(pattern, part, motion)
    if own and not found and word not in ('persons', 'body'):
        take(MOVEMENT, whole, ANY_MOTION)
    said = []
    for _, part, motion, words in sorted(found):
        # 'Falls to the floor' mentions no hand, 'touches the floor' does.
        if part == 'S hand' and word == 'body' and PREPOSITION.match(words):
            continue
        claim = _claim(part, motion, word, phrase, negated)
        said += [claim] if claim else []
    return said, subject


def _side(phrase: str) -> Optional[str]:
    """'left', 'right', 'both' or None for either one."""
    for side in SIDES:
        if re.search(rf'\b{side}\b', phrase):
            return side
    if re.search(r'\b(?:one|either)\b', phrase):
        return None
    several = r'\b(?:both|two|each)\b|\b(?:feet|\w+s)$'
    return 'both' if re.search(several, phrase) else None


def _claim(part: str, motion: str, word: str, phrase: str, negated: bool
           ) -> Optional[Claim]:
    if not part.startswith('S '):
        return Claim(part, motion, negated)
    noun, side = part[2:], _side(phrase)
    if motion == 'touches the other person' and word in ('foot', 'leg'):
        noun = 'foot'
    elif noun == 'hand' and word not in ('hand', 'arm'):
        if word != 'body':  # A knee cannot be put to the mouth.
            return None
        side = None
    if noun == 'knee' and side == 'both' and 'both' not in phrase and (
            motion not in (STILL, ANY_MOTION)):
        return Claim('knees', motion[:-1], negated)
    if side == 'both':
        return Claim(f'both {PLURALS[noun]}', motion, negated)
    return Claim(f'{side} {noun}' if side else noun, motion, negated)


def names_claimed(claim: Claim) -> Set[str]:
    """Return the entries of the vocabulary that a claim says to happen, all
    or one of them; none if it says that something does not, or no more than
    that a part moves."""
    if claim.negated:
        return set()
    word = {many: one for one, many in PLURALS.items()}.get(
        claim.part.replace('both ', ''), claim.part)
    names = {f'{claim.part} {claim.motion}',
             *(f'{side} {word} {claim.motion}' for side in SIDES)}
    return names & set(NAMES)


def check(claim: Union[Claim, str], observation: Observation
          ) -> Optional[bool]:
    """Return whether a claim is true of what was seen.

    A motion counts if any person of the clip does it at any time.

    Args:
        claim (Claim | str): A string must make one claim.
        observation (Observation): Of :func:`~.events.observe`.

    Returns:
        bool | None: None where the joints do not show it.

    Raises:
        ValueError: The string makes no claim or several; or the claim is of
            a part or a motion outside the vocabulary.
    """
    if isinstance(claim, str):
        made = claims(claim)
        if len(made) != 1:
            raise ValueError(f'{claim!r} makes {len(made)} claims, not one: '
                             'check each of `claims(sentence)`')
        claim = made[0]
    truth = _truth(claim.part, claim.motion, observation)
    return truth if truth is None or not claim.negated else not truth


def _truth(part: str, motion: str, seen: Observation) -> Optional[bool]:
    noun = {many: one for one, many in PLURALS.items()}.get(
        part.replace('both ', ''), part)
    if motion in (STILL, ANY_MOTION):
        truths = [_known(name, seen) for name in names_of(part, noun)]
        if True not in truths and 2 * truths.count(None) > len(truths):
            return None
        return (True in truths) == (motion == ANY_MOTION)
    if f'{part} {motion}' in INDEX:
        return _known(f'{part} {motion}', seen)
    sides = [f'{side} {noun} {motion}' for side in SIDES]
    if noun not in PLURALS or not set(sides) <= set(INDEX):
        raise ValueError(f'no {motion!r} of {part!r} in the vocabulary: see '
                         '`lvlm_var_mm.kinematics.NAMES`')
    truths = [_known(name, seen) for name in sides]
    if part.startswith('both '):
        return False if False in truths else None if None in truths else True
    return True if True in truths else None if None in truths else False


def names_of(part: str, noun: str) -> Sequence[str]:
    """Return the vocabulary's entries of a part; of the body, all but those
    of head and arms."""
    if part == 'body':
        return [name for name in NAMES
                if not re.search(r'\b(?:head|hands?|arms?|persons)\b',
                                 name.split(' touches')[0])]
    own = [name for name in NAMES if name.startswith(f'{part} ')]
    names = own or [name for name in NAMES
                    if name.split(' ', 1)[1].startswith(f'{noun} ')]
    if not names:
        raise ValueError(f'no part {part!r} in the vocabulary: see '
                         '`lvlm_var_mm.kinematics.NAMES`')
    return names


def _known(name: str, seen: Observation) -> Optional[bool]:
    """Return whether anybody does it; None if that is undecidable for
    somebody."""
    if any(event.name == name for event in seen.events):
        return True
    there = seen.decidable.any(1)
    told = seen.decidable[there, INDEX[name]]
    return False if len(told) and told.all() else None
