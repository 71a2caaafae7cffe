"""Body-part events -> plain English: one sentence, or clauses with times."""
import re
from collections import Counter
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .events import Event
from .vocabulary import INDEX, KINDS, SIDES

STILL = 'stays still'
ORDINALS = 'first', 'second', 'third', 'fourth', 'fifth', 'sixth'
# What an event makes needless to say while it lasts. `S` is one side.
_COVERS = {
    'S hand waves': 'S hand moves (out|in)ward|S arm .*',
    'S hand moves up and down': 'S hand (rises|lowers)|S arm .*',
    'S hand moves to and fro': 'S hand moves (forward|back)|S arm .*',
    'S hand rises': 'S arm .*',
    'S hand lowers': 'S arm .*',
    'S hand moves forward': 'S arm stretches',
    'S hand moves back': 'S arm bends',
    'S hand stays at the face': 'S hand stays at the (head|chest)',
    'S hand stays above the head': 'S hand stays at the head',
    'S foot kicks': 'S (foot|knee) .*',
    'hands clap': r'hands .*|\w+ hand (moves (out|in)ward|waves)|\w+ arm .*',
    'knees bend': r'\w+ knee bends',
    'knees straighten': r'\w+ knee straightens',
    'legs step in turn': r'\w+ (foot|knee) .*|feet .*|knees .*',
    'feet lift in turn': r'\w+ (foot|knee) .*|knees .*',
    'head nods': 'head tilts (up|down)',
    'head shakes': 'head turns .*',
    'body bounces': r'body (rises|sinks)|\w+ (foot|knee) .*|knees .*',
    'body jumps': r'body (rises|sinks)|\w+ foot (lifts|comes down)',
    'body falls': '(?!body lies).*',
}
_COVERED = {
    name.replace('S ', f'{side} '): re.compile(
        pattern.replace('S ', f'{side} '))
    for name, pattern in _COVERS.items() for side in SIDES}
PLURALS = {'hand': 'hands', 'arm': 'arms', 'foot': 'feet', 'knee': 'knees'}
FAINT = .3  # of the heaviest; what weighs less is left out
TIMELY = .2  # seconds by which an event may outlast what covers it
# Times that a magnitude exceeds the least of its kind.
FAR, NEAR = 3., 1.3
THIRDS = 'early', 'midway', 'late'
LONG, BRIEF = 1.5, .7  # seconds that a part stays somewhere


class Phrase(NamedTuple):
    """Say one event, or the same one on both sides.

    Attributes:
        person, part, motion, start, end: Of the event; a part such as 'both
            hands' has its motion in the plural.
        weight (float): Its salience.
        magnitude (float): Of the event.
        kinds (tuple[int]): Its entries in the vocabulary, one or two.
    """
    person: int
    part: str
    motion: str
    start: float
    end: float
    weight: float
    magnitude: float
    kinds: Tuple[int, ...]


def describe(events: Sequence[Event], limit: int = 5) -> str:
    """Describe the most salient events in their order, in one sentence.

    Args:
        events (sequence): Of one clip, as in ``Observation.events``.
        limit (int): The most motions to describe.

    Returns:
        str: Such as 'The right hand rises, then stays at the face, then
        lowers.' In a clip of several persons a part is called 'the first
        person's', by the order in which they are mentioned.
    """
    told = _heaviest(events)[:limit]
    told = sorted((p for p in told if p.weight >= FAINT * told[0].weight),
                  key=lambda p: (p.start, p.end))
    if not told:
        return f'The body {STILL}.'
    text = ', then '.join(_steps(told, owners_of(told, events)))
    return f'{text[0].upper()}{text[1:]}.'


def clauses(events: Sequence[Event], brief: bool = False,
            span: Optional[Tuple[float, float]] = None) -> List[str]:
    """Tell all events that no other one makes needless, with their times, the
    most salient first. What happens again is told once, with the time of the
    most salient.

    Args:
        events (sequence): Of one clip.
        brief (bool): Whether to tell the :func:`manner` and the third of the
            clip instead of seconds: in half as many positions of a prompt.
        span (tuple[float, float], optional): Seconds that the clip covers.
            Defaults to 0 until the last event ends.

    Returns:
        list[str]: Such as '0.4-1.1 s both hands rise', and with ' x3' where
        they rise three times; brief, 'both hands rise far early x3'.
    """
    told = salient(events)
    owners = owners_of(sorted(told, key=lambda p: p.start), events)
    times = Counter(p[:3] for p in told)
    first = {}
    for p in told:
        first.setdefault(p[:3], p)
    if span is None:
        span = 0., max((e.end for e in events), default=0.)
    lines = []
    for key, p in first.items():
        said = f'{subject(owners[p.person], p.part, "")} {p.motion}'
        how = manner(p)
        said = (f'{said}{how and " "}{how} {THIRDS[third(p, *span)]}'
                if brief else f'{p.start:.1f}-{p.end:.1f} s {said}')
        lines.append(said + (f' x{times[key]}' if times[key] > 1 else ''))
    return lines


def third(phrase: Phrase, start: float, end: float) -> int:
    """Return in which third of these seconds the middle of a motion lies,
    0 to 2."""
    middle = (phrase.start + phrase.end) / 2
    # A clip of one frame has no length.
    lasts = max(end - start, 1e-3)
    return max(0, min(2, int(3 * (middle - start) / lasts)))


def manner(phrase: Phrase) -> str:
    """Return 'far' or 'a little' for how far a motion exceeds the least of its
    kind, 'long' or 'briefly' for how long a part stays somewhere; '' for what
    lies between, and for beats."""
    kind = KINDS[phrase.kinds[0]]
    lasts = phrase.end - phrase.start
    if kind.rule in ('above', 'below'):
        return 'briefly' if lasts < BRIEF else 'long' if lasts >= LONG else ''
    if kind.rule == 'beats':
        return ''
    return ('far' if phrase.magnitude >= FAR * kind.size else
            'a little' if phrase.magnitude <= NEAR * kind.size else '')


def salient(events: Sequence[Event]) -> List[Phrase]:
    """Return what is worth telling of the events of a clip, the most salient
    first; what happens again is there again."""
    return sorted(_pair(_phrases(events)), key=lambda p: -p.weight)


def heaviest(events: Sequence[Event], limit: int = 5) -> List[List[str]]:
    """Return the entries of the vocabulary that the most salient motions of a
    clip consist of; what happens again is said once.

    Args:
        events (sequence): Of one clip.
        limit (int): The most motions.

    Returns:
        list[list[str]]: Heaviest first; two names where both sides do it.
    """
    return [_BOTH.get(f'{p.part} {p.motion}', [f'{p.part} {p.motion}'])
            for p in _heaviest(events)[:limit]]


def _heaviest(events: Sequence[Event]) -> List[Phrase]:
    first: Dict[Tuple, Phrase] = {}
    for phrase in salient(events):
        first.setdefault(phrase[:3], phrase)
    return list(first.values())


def owners_of(told: Sequence[Phrase],
              events: Sequence[Event]) -> Dict[int, str]:
    """Return what each person is called, by the order in which they are told
    of: '' where there is one alone."""
    people = list(dict.fromkeys(p.person for p in told))
    several = len({e.person for e in events}) > 1
    return {who: f'{ORDINALS[min(i, 5)]} person' if several else ''
            for i, who in enumerate(people)}


def _steps(told: Sequence[Phrase], owners: Dict[int, str]) -> Iterator[str]:
    """A clause for whatever goes on at a time."""
    told, last = list(told), None
    while told:
        # A step ends with the first of its motions.
        end = min(p.end for p in told if p.start <= told[0].end) - TIMELY
        step = [p for p in told if p.start <= max(end, told[0].start)]
        told = [p for p in told if p not in step]
        motions = {}
        for phrase in step:
            motions.setdefault(phrase[:2], []).append(phrase.motion)
        said = [(_list(m) if len(motions) == 1 and who == last else
                 f'{subject(owners[who[0]], who[1])} {_list(m)}')
                for who, m in motions.items()]
        last = list(motions)[-1]
        yield ' while '.join(said) if len(said) == 2 else _list(said)


def subject(owner: str, part: str, article: str = 'the ') -> str:
    """Name a part, and whose it is if there are several persons."""
    if part.startswith('both '):
        return f'{part} of the {owner}' if owner else part
    if part == 'persons' or not owner:
        return f'{article}{part}'
    return f"{article}{owner}'s {part}"


def plural(motion: str) -> str:
    """Put a verb into the plural: 'rises' -> 'rise'."""
    verb, space, rest = motion.partition(' ')
    return (verb[:-2] if verb.endswith('ches') else verb[:-1]) + space + rest


# What both sides do: 'both hands rise' -> the entries of the two.
_BOTH = {
    f'both {PLURALS[word]} {plural(kind.motion)}': [
        f'{side} {word} {kind.motion}' for side in SIDES]
    for kind in KINDS for word in PLURALS
    if kind.part == f'{SIDES[0]} {word}'}


def _phrases(events: Sequence[Event]) -> List[Phrase]:
    """Keep the events that no other one makes needless. Each weighs by how far
    it exceeds what makes it an event, and as much as what it makes
    needless."""
    weights, needless = [_weight(event) for event in events], set()
    totals = list(weights)
    for i, event in enumerate(events):
        if event.name in _COVERED:
            less = [j for j, other in enumerate(events)
                    if j != i and _covers(event, other)]
            needless.update(less)
            totals[i] += max((weights[j] for j in less), default=0)
    return [Phrase(*event[:5], totals[i], event.magnitude,
                   (INDEX[event.name], ))
            for i, event in enumerate(events) if i not in needless]


def _covers(event: Event, other: Event) -> bool:
    return (event.person == other.person
            and event.start - TIMELY <= other.start
            and other.end <= event.end + TIMELY
            and bool(_COVERED[event.name].fullmatch(other.name)))


def _weight(event: Event) -> float:
    kind = KINDS[INDEX[event.name]]
    if kind.rule in ('above', 'below'):
        return 2 + event.end - event.start
    return event.magnitude / kind.size


def _pair(phrases: Sequence[Phrase]) -> List[Phrase]:
    """Put together what the left and the right side do at the same time."""
    pairs, waiting = [], {}
    for phrase in phrases:
        side, _, word = phrase.part.partition(' ')
        if word not in PLURALS:
            pairs.append(phrase)
            continue
        key = phrase.person, word, phrase.motion
        mate = waiting.get(key)
        if mate and mate.part != phrase.part and _together(mate, phrase):
            del waiting[key]
            pairs.remove(mate)
            phrase = phrase._replace(
                part=f'both {PLURALS[word]}', motion=plural(phrase.motion),
                start=mate.start, end=max(mate.end, phrase.end),
                weight=max(mate.weight, phrase.weight),
                magnitude=max(mate.magnitude, phrase.magnitude),
                kinds=(*mate.kinds, *phrase.kinds))
        else:
            waiting[key] = phrase
        pairs.append(phrase)
    return pairs


def _together(one: Phrase, two: Phrase) -> bool:
    """Return whether they share half of the shorter one's time."""
    shared = min(one.end, two.end) - max(one.start, two.start)
    return 2 * shared >= min(one.end - one.start, two.end - two.start)


def _list(motions: List[str]) -> str:
    if len(motions) < 2:
        return motions[0]
    return f'{", ".join(motions[:-1])} and {motions[-1]}'
