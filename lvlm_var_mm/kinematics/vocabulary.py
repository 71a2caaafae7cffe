"""The controlled vocabulary of body-part events, and all its thresholds.

A row of the table reads: part, motion, rule, signal, size and, where it
departs from the rule's own, limit. Lengths are in torso lengths, angles in
radians, times in seconds. The rules:

* ``rises``/``falls``: the signal swings up or down by at least ``size``, at
  ``limit`` a second or faster, and turns back by no more than ``size`` on
  its way. It lasts from a tenth to nine tenths of the swing.
* ``beats``: at least three such swings in a row (or :data:`TIMES`), to and
  fro, one every ``limit`` seconds or faster, and none more than
  ``rules.ALIKE`` times as large as the one before or after.
* ``above``/``below``: the signal passes ``size`` and stays beyond it, give
  or take :data:`SLACK`, for at least ``limit`` seconds.
"""
import hashlib
from typing import NamedTuple, Optional, Tuple

from .body import SIDES
from .signals import formula

RULES = {  # rule: its usual limit, and how a formula puts it
    'rises': (.3, 'rises by {size} or more at {limit} a second or faster'),
    'falls': (.3, 'falls by {size} or more at {limit} a second or faster'),
    'beats': (1., 'swings to and fro by {size} or more, {times} times or '
              'more, alike and one every {limit} s'),
    'above': (.3, 'stays above {size} for {limit} s or longer'),
    'below': (.3, 'stays below {size} for {limit} s or longer'),
}
# Changes when the same joints would give other events by the same formulas.
MEASURED = 4
SLACK = .05  # what a stay may fall short of its threshold by, once passed

_EACH_SIDE = (
    ('hand', 'rises', 'rises', 'hand height', .25),
    ('hand', 'lowers', 'falls', 'hand height', .25),
    ('hand', 'moves forward', 'rises', 'hand ahead', .3),
    ('hand', 'moves back', 'falls', 'hand ahead', .3),
    ('hand', 'moves outward', 'rises', 'hand aside', .25),
    ('hand', 'moves inward', 'falls', 'hand aside', .25),
    ('hand', 'waves', 'beats', 'hand aside', .2, 1.3),
    ('hand', 'moves up and down', 'beats', 'hand height', .2),
    ('hand', 'moves to and fro', 'beats', 'hand ahead', .3),
    ('hand', 'stays at the face', 'below', 'hand to face', .42),
    ('hand', 'stays at the head', 'below', 'hand to head', .42),
    ('hand', 'stays above the head', 'above', 'hand over head', .3),
    ('hand', 'stays at the chest', 'below', 'hand to chest', .35),
    ('hand', 'stays behind the back', 'above', 'hand behind', .25),
    ('hand', 'reaches below the knees', 'below', 'hand over knees', -.15, .1),
    ('hand', 'touches the other person', 'below', 'hand to other', .3, .05),
    ('arm', 'bends', 'falls', 'arm length', .3),
    ('arm', 'stretches', 'rises', 'arm length', .3),
    ('foot', 'lifts', 'rises', 'foot height', .2),
    ('foot', 'comes down', 'falls', 'foot height', .2),
    ('foot', 'steps forward', 'rises', 'foot path', .4),
    ('foot', 'steps back', 'falls', 'foot path', .4),
    ('foot', 'moves outward', 'rises', 'foot path aside', .35),
    ('foot', 'moves inward', 'falls', 'foot path aside', .35),
    ('foot', 'kicks', 'above', 'foot kick', .3, .05),
    ('foot', 'touches the other person', 'below', 'foot to other', .3, .05),
    ('knee', 'bends', 'falls', 'leg length', .2),
    ('knee', 'straightens', 'rises', 'leg length', .2),
)
_WHOLE = (
    ('head', 'tilts down', 'rises', 'head pitch', .12),
    ('head', 'tilts up', 'falls', 'head pitch', .12),
    ('head', 'tilts left', 'falls', 'head tilt', .15),
    ('head', 'tilts right', 'rises', 'head tilt', .15),
    ('head', 'turns left', 'falls', 'head turn', .15),
    ('head', 'turns right', 'rises', 'head turn', .15),
    ('head', 'nods', 'beats', 'head pitch', .12, .8),
    ('head', 'shakes', 'beats', 'head turn', .1, .8),
    ('torso', 'bends forward', 'rises', 'torso ahead', .3),
    ('torso', 'leans back', 'rises', 'torso behind', .25),
    ('torso', 'leans left', 'rises', 'torso to the left', .25),
    ('torso', 'leans right', 'rises', 'torso to the right', .25),
    ('torso', 'straightens', 'falls', 'torso off its rest', .2),
    ('torso', 'turns left', 'rises', 'torso twist', .45),
    ('torso', 'turns right', 'falls', 'torso twist', .45),
    ('hands', 'come together', 'falls', 'hands apart', .3),
    ('hands', 'move apart', 'rises', 'hands apart', .3),
    ('hands', 'clap', 'beats', 'hands near', .2, .7),
    ('hands', 'stay together', 'below', 'hands apart', .35, .4),
    ('knees', 'bend', 'falls', 'legs length', .2),
    ('knees', 'straighten', 'rises', 'legs length', .2),
    ('legs', 'step in turn', 'beats', 'feet astride', .4, .9),
    ('feet', 'lift in turn', 'beats', 'feet uneven', .2),
    ('body', 'rises', 'rises', 'body height', .35),
    ('body', 'sinks', 'falls', 'body height', .35),
    ('body', 'bounces', 'beats', 'body height', .12, .8),
    ('body', 'jumps', 'above', 'body lift', .1, .05),
    ('body', 'falls', 'falls', 'shoulders low', 2., 1.2),
    ('body', 'lies', 'below', 'shoulders over feet', .8, .2),
    ('body', 'moves forward', 'rises', 'body path ahead', .5),
    ('body', 'moves back', 'falls', 'body path ahead', .5),
    ('body', 'moves left', 'falls', 'body path right', .5),
    ('body', 'moves right', 'rises', 'body path right', .5),
    ('body', 'turns left', 'rises', 'body turn', 1.),
    ('body', 'turns right', 'falls', 'body turn', 1.),
    ('persons', 'approach', 'falls', 'persons apart', .5),
    ('persons', 'move apart', 'rises', 'persons apart', .5),
)
# What else must be so at both ends of each swing of a beat: a signal exceeds a
# value. A hand that waves is up, and who walks gets on.
WHILE = {
    'left hand waves': ('left hand raised', 0.),
    'right hand waves': ('right hand raised', 0.),
    'hands clap': ('hands abreast', 0.),
    'legs step in turn': ('body speed', .7),
    'body bounces': ('shoulders over feet', 2.),
}
# Signals that must swing along by half as much at least: a foot goes outward
# from the other one, not with it.
ALONG = {f'{side} foot moves {way}': 'feet apart' for side in SIDES
         for way in ('outward', 'inward')}
# The least swings of a beat, three unless said here: who makes a step with
# each leg walks.
TIMES = {'legs step in turn': 2}
# Signals that swing by no more than that many times as much meanwhile: a throw
# goes forward and down; but where forward is may be off by 45 degrees.
MUCH = 1.4
MOSTLY = {
    f'{side} hand waves': (f'{side} hand height', f'{side} hand ahead')
    for side in SIDES}


class Kind(NamedTuple):
    """One entry of the vocabulary.

    Attributes:
        part (str): Such as 'right hand'.
        motion (str): Such as 'rises'.
        rule (str): A key of :data:`RULES`.
        signal (str): What :func:`~.signals.curves` calls it.
        size (float): Torso lengths or radians.
        limit (float): Torso lengths or radians per second, or seconds.
    """
    part: str
    motion: str
    rule: str
    signal: str
    size: float
    limit: float

    @property
    def name(self) -> str:
        return f'{self.part} {self.motion}'

    @property
    def formula(self) -> str:
        """Return the formula in symbols, see :mod:`.signals` for theirs."""
        text = RULES[self.rule][1].format(
            size=self.size, limit=self.limit, times=TIMES.get(self.name, 3))
        if self.name in WHILE:
            signal, least = WHILE[self.name]
            text += f', with {formula(signal)} above {least}'
        if self.name in ALONG:
            text += f', and {formula(ALONG[self.name])} by half of that'
        if self.name in MOSTLY:
            text += ', while ' + ' and '.join(map(formula, MOSTLY[
                self.name])) + f' swing by no more than {MUCH} times as much'
        return f'{formula(self.signal)} {text}'


def _kind(part: str, motion: str, rule: str, signal: str, size: float,
          limit: Optional[float] = None) -> Kind:
    return Kind(part, motion, rule, signal, size,
                RULES[rule][0] if limit is None else limit)


KINDS: Tuple[Kind, ...] = (
    *(_kind(f'{side} {part}', motion, rule, f'{side} {signal}', *numbers)
      for side in SIDES
      for part, motion, rule, signal, *numbers in _EACH_SIDE),
    *(_kind(*row) for row in _WHOLE))
NAMES = tuple(kind.name for kind in KINDS)
INDEX = {name: i for i, name in enumerate(NAMES)}
# Events that were kept are recognised by this: whatever changes in the table,
# or in how its signals are measured, changes it.
VERSION = f'{MEASURED}-' + hashlib.sha256('\n'.join(
    f'{kind.name}: {kind.rule} {kind.formula}'
    for kind in KINDS).encode()).hexdigest()[:12]


def mirrored(name: str) -> str:
    """The event that a mirror shows: left and right changed over."""
    swap = dict(zip(SIDES, SIDES[::-1]))
    return ' '.join(swap.get(word, word) for word in name.split())
