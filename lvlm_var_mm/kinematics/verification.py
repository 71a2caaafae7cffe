"""The truth of a text on the joints of a clip, and what is left of it without
what is false."""
import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

from .claims import ANY_MOTION, Claim, check, claims
from .events import Observation
from .language import PLURALS, STILL, plural
from .lexicon import FIXED, PARTS
from .vocabulary import SIDES

# What stands between the clauses of a sentence.
_JOINTS = re.compile(
    r'(\s*[.;:!?,]\s*(?:and\s+)?(?:then\s+|at the same time\s+)?(?=\S)|'
    r'\s+(?:and\s+then|then|while|and|before|after|as|until|but|when)\s+)',
    re.IGNORECASE)
_ARTICLE = re.compile(r'(?:(?:the|his|her|a)\s+)?', re.IGNORECASE)
_MANY = {*PLURALS.values(), 'legs', 'persons'}
_SWAP = dict(zip(SIDES, SIDES[::-1]))


class Judged(NamedTuple):
    """A claim in words and its truth: True, False, or None where the joints
    do not tell."""
    text: str
    truth: Optional[bool]


def judge(text: str, seen: Optional[Observation]) -> List[Judged]:
    """Check each claim of a text.

    Args:
        text (str): Plain English, of any length.
        seen (Observation, optional): Of the clip; without, nothing can be
            told.
    """
    return [Judged(said(c), seen and _truth(c, seen)) for c in claims(text)]


def said(claim: Claim) -> str:
    """Put a claim into words: 'right hand rises', 'head does not nod', 'not:
    both hands rise', which one hand may do."""
    part, motion, negated = claim
    each, many = part.startswith('both '), part.split()[-1] in _MANY
    # Of 'hands' the vocabulary has 'clap', of 'both hands' it has 'rises'.
    bare = motion if many and not each and motion not in (
        STILL, ANY_MOTION) else plural(motion)
    if not negated:
        return f'{part} {bare if many else motion}'
    if each:
        return f'not: {part} {bare}'
    return f'{part} {"do" if many else "does"} not {bare}'


def verified(text: str, seen: Observation) -> str:
    """Rewrite a text so that the joints contradict none of its claims.

    Clause by clause: one that is true of the other side has its side
    changed, any other false one is left out; what had its subject from a
    clause before gets that subject itself.

    Args:
        text (str): Plain English.
        seen (Observation): Of the clip.

    Returns:
        str: The text as it is if nothing in it is false; '' if nothing is
        left.
    """
    if not _is_false(text, seen):
        return text
    kept, subject = [], ''
    for joint, clause in _clauses(text):
        own = _subject(clause)
        subject = own or subject
        # Alone it must say what it said behind the others.
        whole = clause if own or not subject else f'{subject} {clause}'
        if claims(clause) and _is_false(whole, seen):
            whole = other = _other_side(whole)
            if other is None or _is_false(other, seen):
                continue
            subject = _subject(other) or subject
            kept.append((joint, other))
        else:
            before = kept[-1][1] if kept else ''
            kept.append((joint, clause if not own and _subject(before) ==
                         subject else whole))
    # A last clause or opening that says nothing does not stand alone.
    result = _sentence(kept)
    if not claims(result):
        return ''
    return result if not _is_false(result, seen) else _plain(kept, seen)


def first_repeat(text: str) -> Optional[int]:
    """Find the first clause that claims nothing but what was claimed before.

    Args:
        text (str): Plain English, without blanks around it.

    Returns:
        int | None: Its place in the text, behind an article; None without.
    """
    told, subject, at = set(), '', 0
    for joint, clause in _clauses(text):
        at += len(joint)
        own = _subject(clause)
        subject = own or subject
        made = set(claims(clause if own or not subject else
                          f'{subject} {clause}'))
        if made and made <= told:
            return at + len(_ARTICLE.match(clause)[0])
        told |= made
        at += len(clause)
    return None


def _plain(kept: Sequence[Tuple[str, str]], seen: Observation) -> str:
    """Leave out the last clauses until no claim is false: together they may
    claim other things than alone."""
    while kept and _is_false(_sentence(kept), seen):
        kept = kept[:-1]
    return _sentence(kept)


def _clauses(text: str) -> List[Tuple[str, str]]:
    """``(what joins it to the one before, clause)`` of each clause."""
    text = text.strip().rstrip('.!')
    # What the claims do not split is not split here.
    for pattern, put in FIXED:
        if '_' in put:
            text = re.sub(pattern, lambda m: m[0].replace(' ', '\0'), text,
                          flags=re.IGNORECASE)
    pieces = [p.replace('\0', ' ') for p in _JOINTS.split(text)]
    return list(zip(['', *pieces[1::2]], pieces[::2]))


def _subject(clause: str) -> str:
    """The words that name the part that moves, '' without."""
    for _, pattern in PARTS:
        match = re.match(
            rf"\s*((?:(?:first|here|the|his|her|a|one|both|left|right|each|"
            rf"\w+ person's)\s+)*(?:{pattern})(?: of the \w+ person)?)\b",
            clause, re.IGNORECASE)
        if match:
            return re.sub(r'^(?:first|here)\s+(?!person)', '',
                          match[1].strip(), flags=re.IGNORECASE)
    return ''


def _other_side(clause: str) -> Optional[str]:
    sides = re.findall(r'\b(?:left|right)\b', clause, re.IGNORECASE)
    if len(sides) != 1:
        return None
    put = _SWAP[sides[0].lower()]
    put = put.capitalize() if sides[0][0].isupper() else put
    return clause.replace(sides[0], put)


def _sentence(kept: Sequence[Tuple[str, str]]) -> str:
    if not kept:
        return ''
    text = kept[0][1] + ''.join(j + c for j, c in kept[1:])
    text = re.sub(r'([.!?]\s+)(\w)', lambda m: m[1] + m[2].upper(),
                  text.strip())
    return f'{text[0].upper()}{text[1:]}.'


def _truth(claim: Claim, seen: Observation) -> Optional[bool]:
    try:
        return check(claim, seen)
    except ValueError:  # a motion that its part does not have
        return None


def _is_false(text: str, seen: Observation) -> bool:
    return any(_truth(c, seen) is False for c in claims(text))
