"""The body-part events of the made sample, known because it was made so.

:data:`SCRIPTS` says of each motion of the sample (:mod:`.motion`), and
:data:`HARD_SCRIPTS` of those that are easily mistaken (:mod:`.hard`), which
events of :mod:`lvlm_var_mm.kinematics` its code makes happen, and when. It was
written from that code and from the sizes in it, not from what is detected:

* ``does``: (event, first, last), between these two values of the action's
  progress. The code moves the part by more than the threshold whatever is
  drawn; an event may happen several times, as claps do.
* ``may``: events of which the draw decides. The code moves the part by an
  amount that lies on both sides of the threshold, or the event comes with
  the tumbling of a fall. Neither right nor wrong.
* Every other event is wrong, and so is one of ``does`` at another time.

``used`` and ``other`` stand for the side that the performer uses and the
other one, ``each`` for both; ``i`` is the impact.
"""
from typing import Dict, List, NamedTuple, Set, Tuple

from . import hard
from .performance import script_of

_SIDES = 'left', 'right'
_HAND = ('rises', 'lowers', 'moves forward', 'moves back', 'moves outward',
         'moves inward')


def _each(part, *motions):
    return [f'each {part} {motion}' for motion in motions]


def _whole(start, end, *names):
    return [(name, start, end) for name in names]


_KNEES_BEND = 'each knee bends', 'knees bend'
_KNEES_STRAIGHTEN = 'each knee straightens', 'knees straighten'

DRINK = dict(
    does=[*_whole(0, .38, 'used hand rises', 'used arm bends',
                  'used hand moves inward'),
          ('used hand stays at the face', .25, .75),
          *_whole(.62, 1, 'used hand lowers', 'used arm stretches',
                  'used hand moves outward')],
    # 14-18 cm around the shoulder; nods by 4-6 cm; the mouth is where a hand
    # at the head may be.
    may=['used hand moves forward', 'used hand moves back', 'head tilts up',
         'head tilts down', 'used hand stays at the head'])
PICK_UP = dict(
    does=[*_whole(0, .46, 'torso bends forward', 'body sinks', *_KNEES_BEND,
                  'each hand lowers'),
          *_whole(.48, 1, 'torso straightens', 'body rises',
                  *_KNEES_STRAIGHTEN, 'each hand rises')],
    # The reach from stooping to squatting; the load is held before the body.
    may=[*_each('hand', 'reaches below the knees'), 'used hand moves forward',
         'used hand moves back', 'used arm bends', 'used arm stretches'])
SIT_DOWN = dict(
    does=[*_whole(.05, 1, 'body sinks', 'body moves back', *_KNEES_BEND,
                  'each hand moves forward', 'each hand rises'),
          ('torso bends forward', 0, .5), ('torso straightens', .37, 1)],
    # The hands come 10 cm closer to the middle, more or less.
    may=['hands come together', *_each('hand', 'moves inward')])
STAND_UP = dict(
    does=[*_whole(0, 1, 'body rises', 'body moves forward',
                  *_KNEES_STRAIGHTEN, 'each hand moves back',
                  'each hand lowers'),
          ('torso bends forward', 0, .55), ('torso straightens', .5, 1)],
    may=['hands move apart', *_each('hand', 'moves outward')])
CLAP = dict(
    does=[*_whole(0, .15, 'each hand rises', 'each hand moves forward'),
          *_whole(.85, 1, 'each hand lowers', 'each hand moves back'),
          *_whole(0, 1, 'hands clap', 'hands come together',
                  'hands move apart', 'each hand moves inward',
                  'each hand moves outward')],
    # Hands are held 30-46 cm from the shoulders, 55 when they hang.
    may=_each('arm', 'bends', 'stretches'))
WAVE = dict(
    does=[('used hand rises', 0, .2), ('used hand lowers', .82, 1),
          *_whole(0, 1, 'used hand waves', 'used arm bends',
                  'used arm stretches', 'used hand moves outward',
                  'used hand moves inward')],
    # Up to 30 cm ahead of the shoulder; swings up to the head or not.
    may=['used hand moves forward', 'used hand moves back',
         'used hand stays at the head', 'used hand stays at the face'])
KICK = dict(
    does=[('used foot lifts', 0, .6), ('used foot comes down', .55, 1),
          ('used foot steps back', 0, .3),
          ('used foot steps forward', .25, .6),
          ('used foot steps back', .55, 1), ('used foot kicks', .35, 1),
          *_whole(0, .3, 'used hand moves forward', 'other hand moves back'),
          *_whole(.25, .6, 'used hand moves back', 'other hand moves forward',
                  'used hand moves outward'),
          *_whole(.55, 1, 'used hand moves forward', 'other hand moves back'),
          *_whole(0, 1, *_each('hand', 'moves to and fro'))],
    # What the pull of the straight arms leaves of 10-15 cm; a leg that is
    # more or less outstretched; 14 degrees backwards from an upright that
    # differs between performances.
    may=['used hand moves inward', 'other hand moves inward',
         'other hand moves outward', 'other hand rises', 'other hand lowers',
         'used knee bends', 'used knee straightens',
         'torso leans back', 'torso straightens'])
HOP = dict(  # on the other foot
    does=[*_whole(0, 1, 'body jumps', 'body bounces', 'used foot lifts',
                  'used foot comes down', 'used foot steps back',
                  'used foot steps forward',
                  'used knee bends', 'used knee straightens',
                  *_each('hand', 'rises', 'lowers', 'moves outward',
                         'moves inward', 'moves up and down'))],
    # Hops 7-23 cm high, with dips of 7 cm, over up to 30 cm; the arms go
    # 15 cm ahead at the most, on a chord that is shorter than they are.
    may=['body rises', 'body sinks', 'other foot lifts',
         'other foot comes down', 'other knee bends',
         'other knee straightens', 'knees bend', 'knees straighten',
         'body moves forward', 'other foot steps forward',
         *_each('hand', 'moves forward', 'moves back', 'moves to and fro'),
         *_each('arm', 'bends', 'stretches')])
FALL = dict(
    does=[*_whole(.1, 1, 'body falls', 'body sinks'), ('body lies', .5, 2),
          *_whole(0, .9, *_KNEES_BEND), *_whole(.5, 1, *_KNEES_STRAIGHTEN)],
    # To any side but the front, arms flung out, feet off the floor.
    may=['torso bends forward', 'torso leans back', 'torso leans left',
         'torso leans right', 'torso straightens', 'body rises',
         'body bounces', 'body moves forward', 'body moves back',
         'body moves left', 'body moves right',
         *_each('hand', *_HAND, 'moves up and down', 'moves to and fro'),
         *_each('arm', 'bends', 'stretches'),
         *_each('foot', 'lifts', 'comes down', 'moves outward',
                'moves inward', 'steps forward', 'steps back', 'kicks')])
STRIKE = dict(
    does=[('used hand rises', 0, .55),
          *_whole(.25, .6, 'used hand moves forward',
                  'torso turns to the other side'),
          *_whole(.42, .9, 'used hand lowers', 'used hand moves back')],
    # A punch or a slap, which comes from the side; a step of 10-25 cm; the
    # way back of the shoulders; how close the other is.
    may=['used hand moves outward', 'used hand moves inward',
         'used arm bends', 'used arm stretches', 'torso straightens',
         'torso turns to the used side', 'other foot steps forward',
         'other foot steps back', 'used hand touches the other person',
         'persons approach', 'persons move apart'])
RECOIL = dict(
    does=[*_whole('i - .04', 'i + .14', 'head tilts up'),
          *_whole('i + .2', 1, 'torso straightens', 'head tilts down')],
    # 14-29 degrees backwards; a step of 10-25 cm; hands raised by 9-31 cm.
    may=['torso leans back', 'used foot steps back', 'used foot steps forward',
         'persons approach', 'persons move apart',
         *_each('hand', *_HAND, 'touches the other person'),
         *_each('arm', 'bends', 'stretches')])

_STEPS = _each('foot', 'steps forward', 'steps back')
_FREE_HAND = [f'other hand {motion}' for motion in _HAND]
BOXING = dict(
    does=[('each hand rises', 0, .2), ('each hand lowers', .85, 1),
          *_whole(0, 1, *_each('hand', 'moves forward', 'moves back',
                               'moves to and fro'),
                  *_each('arm', 'bends', 'stretches'))],
    # From 20 to 32 cm between the fists, where 50 to 60 are when they hang;
    # shoulders that turn by 23 degrees.
    may=['hands come together', 'hands move apart', 'hands stay together',
         'torso turns left', 'torso turns right',
         *_each('hand', 'moves outward', 'moves inward',
                'stays at the face', 'stays at the head',
                'stays at the chest')])
JOGGING = dict(
    does=_whole(0, 1, 'feet lift in turn', *_each('foot', 'lifts',
                                                  'comes down'),
                *_each('hand', 'moves forward', 'moves back')),
    # Heels 16-30 cm back, hands 20-36 cm to and fro, arms bent at the start.
    may=[*_STEPS, *_KNEES_BEND, *_KNEES_STRAIGHTEN,
         *_each('hand', 'rises', 'lowers', 'moves to and fro',
                'moves up and down', 'moves outward', 'moves inward'),
         *_each('arm', 'bends', 'stretches'), 'body bounces'])
MARCHING = dict(
    does=_whole(0, 1, 'feet lift in turn',
                *_each('foot', 'lifts', 'comes down'),
                *_each('knee', 'bends', 'straightens'),
                *_each('hand', 'moves forward', 'moves back',
                       'moves to and fro')),
    may=[*_STEPS, *_each('hand', 'rises', 'lowers'),
         *_each('arm', 'bends', 'stretches')])
CURL = dict(
    does=_whole(0, 1, *(f'used hand {motion}' for motion in (
        'rises', 'lowers', 'moves forward', 'moves back',
        'moves up and down')), 'used arm bends', 'used arm stretches'),
    # With one arm or with both; the hand goes ahead on its way up.
    may=[*_FREE_HAND, 'other hand moves up and down', 'other arm bends',
         'other arm stretches', 'used hand moves inward',
         'used hand moves outward', 'hands come together',
         'hands move apart', 'hands stay together',
         *_each('hand', 'moves to and fro', 'stays at the face',
                'stays at the head', 'stays at the chest')])
SLOW_WAVE = dict(
    does=[('used hand rises', 0, .2), ('used hand lowers', .82, 1),
          *_whole(0, 1, 'used hand waves', 'used arm bends',
                  'used arm stretches', 'used hand moves outward',
                  'used hand moves inward')],
    may=['used hand moves forward', 'used hand moves back',
         'used hand stays at the head', 'used hand stays at the face'])
SIDE_KICK = dict(
    does=_whole(0, 1, *(f'used foot {motion}' for motion in (
        'lifts', 'comes down', 'moves outward', 'moves inward', 'kicks')),
        'used knee bends', 'used knee straightens'),
    # The trunk leans by 17 degrees, the hands are raised for balance.
    may=['torso leans to the other side', 'torso straightens',
         *_each('hand', *_HAND), *_each('arm', 'bends', 'stretches')])
BOW = dict(
    does=[('torso bends forward', 0, .6), ('torso straightens', .5, 1),
          ('each hand lowers', 0, .6), ('each hand rises', .5, 1)],
    may=[*_each('hand', 'reaches below the knees', 'moves forward',
                'moves back')])
THROW = dict(
    does=_whole(0, 1, *(f'used hand {motion}' for motion in (
        'rises', 'lowers', 'moves forward', 'moves back')),
        'used arm bends', 'used arm stretches',
        'torso turns to the other side'),
    # A step of up to 30 cm; shoulders that come back; a hand that crosses
    # over or not.
    may=['torso turns to the used side', 'other foot steps forward',
         'used hand moves outward', 'used hand moves inward',
         'used hand stays at the head', 'used hand stays at the face',
         'hands come together', 'hands move apart', 'torso straightens',
         *_FREE_HAND])
SWIPE = dict(
    does=_whole(0, 1, *(f'used hand {motion}' for motion in (
        'rises', 'lowers', 'moves outward', 'moves inward'))),
    may=['used hand moves forward', 'used hand moves back',
         'used arm bends', 'used arm stretches', 'hands come together',
         'hands move apart', 'hands stay together',
         'used hand stays at the chest'])

SCRIPTS: Dict[int, Tuple[dict, ...]] = {
    1: (DRINK, ), 6: (PICK_UP, ), 8: (SIT_DOWN, ), 9: (STAND_UP, ),
    10: (CLAP, ), 23: (WAVE, ), 24: (KICK, ), 26: (HOP, ), 43: (FALL, ),
    50: (STRIKE, RECOIL)}
HARD_SCRIPTS: Dict[int, Tuple[dict, ...]] = {
    hard.BOXING: (BOXING, ), hard.JOGGING: (JOGGING, ),
    hard.MARCHING: (MARCHING, ), hard.CURL: (CURL, ),
    hard.SLOW_WAVE: (SLOW_WAVE, ), hard.SIDE_KICK: (SIDE_KICK, ),
    hard.BOW: (BOW, ), hard.THROW: (THROW, ), hard.SWIPE: (SWIPE, )}


class Script(NamedTuple):
    """The events of one person in one performance.

    Attributes:
        does (list): (event, start, end), seconds at 30 frames per second.
        may (set): Events that count neither way.
    """
    does: List[Tuple[str, float, float]]
    may: Set[str]


def events_of(action: int, performer: int, repeat: int,
              seed: int = 0) -> List[Script]:
    """The events of a performance, one script per person, in the order of
    ``perform``'s persons."""
    facts = script_of(action, performer, repeat, seed)

    def seconds(progress):
        if isinstance(progress, str):
            progress = facts.impact + float(progress[1:].replace(' ', ''))
        return (facts.lead_in + progress * facts.action_frames) / 30

    return [Script([(name, seconds(start), seconds(end))
                    for event, start, end in role['does']
                    for name in _names(event, side)],
                   {name for event in role['may']
                    for name in _names(event, side)})
            for role, side in zip(
                {**SCRIPTS, **HARD_SCRIPTS}[action], facts.sides)]


def _names(event, side):
    """The events that one of the tables means."""
    used, other = _SIDES[side], _SIDES[1 - side]
    event = event.replace('to the used side', used).replace(
        'to the other side', other)
    if event.startswith('each '):
        return [f'{s} {event[5:]}' for s in _SIDES]
    word, _, rest = event.partition(' ')
    return [f'{dict(used=used, other=other).get(word, word)} {rest}']
