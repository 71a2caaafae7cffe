"""Ten of NTU RGB+D's actions as made-up motions: synthetic, nobody recorded.

A motion changes a standing :class:`~.body.Pose` of T frames, given

* ``s`` (T,): the action's progress, from 0 to 1;
* ``p``: ``side``, the hand or foot used; ``amplitude``, 1 on average; and
  ``impact``, the progress at which one person strikes another;
* ``rng``: draws how far, how often and how high, anew each time.
"""
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from .body import LEFT, RIGHT, SIGN, Pose, blend


def ease(progress: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 before ``start``, 1 after ``end``, smooth between (smoothstep)."""
    x = np.clip((progress - start) / (end - start), 0, 1)
    return x * x * (3 - 2 * x)


def hold(progress: np.ndarray, start: float, full: float, leave: float,
         end: float) -> np.ndarray:
    """0, up to 1 between ``start`` and ``full``, back to 0 by ``end``."""
    return ease(progress, start, full) - ease(progress, leave, end)


def _vec(side, outward, up, forward):
    """Axes (right, up, forward), with the first counted away from the
    body's middle on that side."""
    outward, up, forward = np.broadcast_arrays(outward, up, forward)
    return np.stack([SIGN[side] * outward, up, forward], -1)


def _around(side, place, weight):
    """Lead a hand that goes up to ``place`` around its shoulder: straight
    through it the elbow would snap over."""
    return place + blend(_vec(side, .35, 0., .5), np.zeros(3), weight)


def drink(pose: Pose, s: np.ndarray, p: SimpleNamespace,
          rng: Generator) -> None:
    """A hand goes to the mouth, stays for a sip or two, and comes back."""
    body, side = pose.body, p.side
    up = hold(s, 0, rng.uniform(.25, .38), rng.uniform(.62, .75), 1)
    sips = .03 * np.sin(np.pi * rng.integers(2, 5) * ease(s, .3, .7)) * up
    mouth = _vec(side, -.75 * body.shoulder,
                 body.length(.075) + sips, .13 + .02 * rng.normal())
    mouth = _around(side, mouth, up)
    pose.wrist[side] = blend(pose.wrist[side], mouth, up)
    pose.elbow_pole[side] = _vec(side, .7, -1., -.2)
    pose.nod -= .35 * p.amplitude * up


def pick_up(pose: Pose, s: np.ndarray, p: SimpleNamespace,
            rng: Generator) -> None:
    """Bend down, take something off the floor, stand up with it."""
    body, side = pose.body, p.side
    middle = rng.uniform(.42, .52)
    down = hold(s, 0, middle - .06, middle + .06, rng.uniform(.85, 1))
    squat = rng.uniform(.1, .8)  # from stooping to squatting
    pose.lean += (1.35 - .5 * squat) * min(p.amplitude, 1.1) * down
    pose.pelvis += blend(np.zeros(3), [0, -body.length(.06 + .2 * squat),
                                       -body.length(.1)], down)
    pose.nod -= .3 * down
    reach = _vec(side, 0., -.93 * body.arm, .3 * body.arm)
    carry = _vec(side, -.05, -.6 * body.arm, .5 * body.arm)
    pose.wrist[side] = blend(pose.wrist[side], reach, down)
    pose.wrist[side] = blend(pose.wrist[side], carry,
                             ease(s, middle + .1, 1) * rng.uniform(.3, 1))


def _seated(pose, sat, moving, rng):
    """``sat`` 1 on the chair, 0 upright; ``moving`` 1 in between."""
    body = pose.body
    seat = rng.uniform(.4, .5)
    pose.pelvis = blend(pose.pelvis,
                        [0, seat + .06, -body.length(.2)], sat)
    pose.lean += rng.uniform(.45, .8) * moving + rng.uniform(-.1, .12) * sat
    for side in (LEFT, RIGHT):
        lap = _vec(side, -.03, -.66 * body.arm, .5 * body.arm)
        pose.wrist[side] = blend(pose.wrist[side], lap, sat)


def sit_down(pose: Pose, s: np.ndarray, p: SimpleNamespace,
             rng: Generator) -> None:
    """Lower the hips backwards onto a chair and stay seated."""
    end = rng.uniform(.75, 1)
    _seated(pose, ease(s, .05, end), hold(s, 0, .5 * end, .6 * end, 1), rng)


def stand_up(pose: Pose, s: np.ndarray, p: SimpleNamespace,
             rng: Generator) -> None:
    """Bend forward out of a chair and rise."""
    start = rng.uniform(0, .25)
    mid = start + .4 * (1 - start)
    _seated(pose, 1 - ease(s, start, .95),
            hold(s, max(0, start - .1), mid, mid + .1, 1), rng)


def clap(pose: Pose, s: np.ndarray, p: SimpleNamespace,
         rng: Generator) -> None:
    """Both hands before the chest, together and apart."""
    body = pose.body
    times = rng.integers(3, 7)
    ready = hold(s, 0, .15, .85, 1)
    apart = .5 - .5 * np.cos(2 * np.pi * times * np.clip(
        (s - .1) / .8, 0, 1))
    gap = .03 + .19 * p.amplitude * apart
    height, ahead = rng.uniform(-.28, -.06), rng.uniform(.5, .65)
    for side in (LEFT, RIGHT):
        place = _vec(side, gap - body.shoulder, height, ahead * body.arm)
        pose.wrist[side] = blend(pose.wrist[side], place, ready)
        pose.elbow_pole[side] = _vec(side, .8, -.8, -.2)


def wave(pose: Pose, s: np.ndarray, p: SimpleNamespace,
         rng: Generator) -> None:
    """A raised hand swings from side to side."""
    body, side = pose.body, p.side
    up = hold(s, 0, .2, .82, 1)
    swing = np.sin(2 * np.pi * rng.integers(2, 5) * np.clip(
        (s - .15) / .7, 0, 1))
    place = _vec(side, rng.uniform(.1, .25) + .15 * p.amplitude * swing,
                 body.length(rng.uniform(.07, .16)) - .03 * swing**2,
                 rng.uniform(.05, .25))
    place = _around(side, place, up)
    pose.wrist[side] = blend(pose.wrist[side], place, up)
    pose.elbow_pole[side] = _vec(side, .9, -1., -.3)


def kick(pose: Pose, s: np.ndarray, p: SimpleNamespace,
         rng: Generator) -> None:
    """A leg swings back, then forward and up."""
    body, side = pose.body, p.side
    back = hold(s, 0, .25, .3, .45)
    hit = hold(s, .28, rng.uniform(.48, .56), .6, rng.uniform(.85, 1))
    height = body.length(rng.uniform(.17, .32)) * p.amplitude
    pose.ankle[side] += blend(np.zeros(3), [0, .14, -.3], back)
    pose.ankle[side] += blend(
        np.zeros(3), [0, height, body.length(.38) * p.amplitude], hit)
    # The weight goes over the other foot; the trunk leans back.
    pose.pelvis[:, 0] -= SIGN[side] * .06 * np.maximum(back, hit)
    pose.lean += .15 * back - .25 * hit
    swing = (back - hit)[:, None]
    pose.wrist[side] += swing * _vec(side, -.15, -.05, .25)
    pose.wrist[1 - side] -= swing * _vec(1 - side, .1, .1, .25)


def hop(pose: Pose, s: np.ndarray, p: SimpleNamespace, rng: Generator) -> None:
    """Jump on one foot, the other held up behind."""
    body, side = pose.body, p.side
    times = rng.integers(2, 5)
    lifted = hold(s, 0, .12, .9, 1)
    beat = np.clip((s - .12) / .78, 0, 1) * times
    wavelet = np.sin(2 * np.pi * beat)
    air = rng.uniform(.09, .19) * p.amplitude * np.maximum(wavelet, 0)
    dip = .07 * np.maximum(-wavelet, 0)
    drift = rng.uniform(-.05, .3) * ease(s, .12, .9)
    other = 1 - side
    pose.pelvis[:, 0] += SIGN[other] * .07 * lifted
    pose.pelvis[:, 1] += air - dip - .02 * lifted
    pose.ankle[side] += blend(
        np.zeros(3), [0, body.length(.16), -body.length(.16)], lifted)
    pose.ankle[side, :, 1] += air
    pose.ankle[other, :, 1] += air
    for array in (pose.pelvis, *pose.ankle):
        array[:, 2] += drift
    pose.lean += .12 * lifted
    for arm in (LEFT, RIGHT):
        out = _vec(arm, .3, -.6 * body.arm, .2)
        pose.wrist[arm] = blend(pose.wrist[arm], out,
                                (.6 + .4 * wavelet) * lifted)


def fall(pose: Pose, s: np.ndarray, p: SimpleNamespace,
         rng: Generator) -> None:
    """Buckle, tip over backwards or to a side, and lie."""
    body = pose.body
    end = rng.uniform(.6, .85)
    # Gravity: slow at first, fastest at the floor.
    pose.tilt = np.pi / 2 * np.clip((s - .1) / (end - .1), 0, 1)**1.8
    pose.tilt_to = rng.choice([-1, 1]) * rng.uniform(.5, 1) * np.pi
    pose.pelvis[:, 1] -= body.length(.09) * hold(s, 0, .6 * end, end, 1)
    pose.lean += rng.uniform(.2, .5) * hold(s, 0, .4 * end, .8 * end, 1)
    out = rng.uniform(.6, 1) * hold(s, .1, .6 * end, end, 1)
    for side in (LEFT, RIGHT):
        place = _vec(side, rng.uniform(.2, .4), rng.uniform(-.3, .15), .2)
        pose.wrist[side] = blend(pose.wrist[side], place, out)


def strike(pose: Pose, s: np.ndarray, p: SimpleNamespace,
           rng: Generator) -> None:
    """Draw a hand back, then punch or slap towards the other's head."""
    body, side = pose.body, p.side
    draw = hold(s, 0, .25, .28, .42)
    hit = hold(s, .27, p.impact, p.impact + .06, .85)
    slap = rng.uniform(0, .35)  # 0: straight, a punch
    pose.wrist[side] = blend(
        pose.wrist[side], _vec(side, .08 + slap, -.2, .08), draw)
    pose.wrist[side] = blend(pose.wrist[side], _vec(
        side, slap * np.cos(np.pi * hit) - .75 * body.shoulder,
        body.length(.06), .95 * body.arm), hit)
    pose.elbow_pole[side] = _vec(side, 1., -.6, -.3)
    pose.twist += SIGN[side] * .5 * (hit - .6 * draw) * p.amplitude
    pose.lean += .2 * hit
    step = _vec(side, 0., 0., rng.uniform(.1, .25))
    pose.pelvis += blend(np.zeros(3), .6 * step, hit)
    pose.ankle[1 - side] += blend(np.zeros(3), step, hit)


def recoil(pose: Pose, s: np.ndarray, p: SimpleNamespace,
           rng: Generator) -> None:
    """Be struck: the head and the trunk go back, a step follows."""
    struck = hold(s, p.impact - .04, p.impact + .14, p.impact + .2, 1)
    pose.lean -= rng.uniform(.25, .5) * struck
    pose.nod -= .5 * struck
    step = np.array([0., 0., -rng.uniform(.1, .25)])
    pose.pelvis += blend(np.zeros(3), .7 * step, struck)
    pose.ankle[p.side] += blend(np.zeros(3), step, struck)
    raised = rng.uniform(.2, .7) * struck
    for side in (LEFT, RIGHT):
        pose.wrist[side] = blend(pose.wrist[side], _vec(side, 0., -.1, .3),
                                 raised)


# NTU RGB+D's numbers: what the performer does, and what a second one does.
MOTIONS = {1: (drink, ), 6: (pick_up, ), 8: (sit_down, ), 9: (stand_up, ),
           10: (clap, ), 23: (wave, ), 24: (kick, ), 26: (hop, ),
           43: (fall, ), 50: (strike, recoil)}
