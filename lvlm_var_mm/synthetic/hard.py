"""Made-up motions that are easily taken for others.

Boxing holds the hands together and claps not, a march lifts the knees and
kicks not, an arm that curls raises the shoulder and no chin. They are no part
of the sample that :mod:`.make` writes; body-part events are tried on them.
Motions are called as those of :mod:`.motion` are, with a progress that takes
:data:`SECONDS`.
"""
from types import SimpleNamespace

import numpy as np
from numpy.random import Generator

from .body import LEFT, RIGHT, SIGN, Pose, blend
from .motion import _around, _vec, ease, hold


def boxing(pose: Pose, s: np.ndarray, p: SimpleNamespace,
           rng: Generator) -> None:
    """Fists before the chin; straight punches, left and right in turn."""
    body = pose.body
    times = rng.integers(2, 4)
    ready = hold(s, 0, .15, .88, 1)
    gap = rng.uniform(.1, .16)  # half of what is between the fists
    height, near = rng.uniform(-.1, .0), rng.uniform(.22, .3)
    beat = np.clip((s - .17) / .68, 0, 1) * times
    for side in (LEFT, RIGHT):
        late = .5 * (side != p.side)
        phase = np.where((beat < times) & (beat >= late), beat - late, 0) % 1
        out = np.sin(np.pi * np.clip(2 * phase, 0, 1))**2
        guard = _vec(side, gap - body.shoulder, height, near)
        reach = _vec(side, gap - body.shoulder, height + .03, .95 * body.arm)
        place = blend(guard, reach, out)
        pose.wrist[side] = blend(pose.wrist[side], place, ready)
        pose.elbow_pole[side] = _vec(side, .7, -1., -.3)
        pose.twist += SIGN[side] * .2 * out * p.amplitude
    pose.lean += .1 * ready


def jogging(pose: Pose, s: np.ndarray, p: SimpleNamespace,
            rng: Generator) -> None:
    """Run on the spot: heels go up behind, bent arms swing."""
    _stride(pose, s, p, rng.integers(4, 7), heel=rng.uniform(.16, .3),
            knee=0., lift=rng.uniform(.1, .16), hop=.03, bent=1.,
            swing=rng.uniform(.1, .18))


def marching(pose: Pose, s: np.ndarray, p: SimpleNamespace,
             rng: Generator) -> None:
    """Walk on the spot: the knees go up in front, straight arms swing."""
    lift = rng.uniform(.2, .34)
    _stride(pose, s, p, rng.integers(3, 5), heel=0.,
            knee=lift + rng.uniform(-.12, .02), lift=lift, hop=0., bent=0.,
            swing=rng.uniform(.15, .25))


def _stride(pose, s, p, times, heel, knee, lift, hop, bent, swing):
    """``times`` steps of each leg; metres that an ankle goes back, forward
    and up, that the body hops and that the hands swing."""
    body = pose.body
    going = hold(s, 0, .06, .94, 1)
    turn = 2 * np.pi * times * s
    for side in (LEFT, RIGHT):
        wave = np.sin(turn) * (1 if side == p.side else -1) * going
        up = np.maximum(wave, 0) * p.amplitude
        pose.ankle[side] += up[:, None] * [0, lift, knee - heel]
        low = _vec(side, .08, -.965 * body.arm * (1 - bent)
                   - .75 * body.arm * bent, .05 + .2 * bent)
        place = low - wave[:, None] * [0, -.3 * swing * bent, swing]
        pose.wrist[side] = blend(pose.wrist[side], place, going)
    pose.pelvis[:, 1] += hop * np.abs(np.sin(turn)) * going
    pose.ankle[..., 1] += hop * np.abs(np.sin(turn)) * going
    pose.lean += .06 * going


def curl(pose: Pose, s: np.ndarray, p: SimpleNamespace,
         rng: Generator) -> None:
    """Bend one arm or both from hanging to the shoulder, again and again;
    the shoulders are raised by it."""
    body = pose.body
    times = rng.integers(2, 5)
    both = rng.random() < .5
    up = .5 - .5 * np.cos(2 * np.pi * times * np.clip(
        (s - .05) / .9, 0, 1))
    angle = rng.uniform(2., 2.4) * up
    for side in (LEFT, RIGHT):
        if side != p.side and not both:
            continue
        place = np.stack([
            np.full_like(angle, SIGN[side] * .05),
            -.98 * body.upper_arm - .98 * body.forearm * np.cos(angle),
            .03 + .98 * body.forearm * np.sin(angle)], -1)
        pose.wrist[side] = blend(pose.wrist[side], place, hold(
            s, 0, .1, .9, 1))
        pose.elbow_pole[side] = _vec(side, .2, -.3, -1.)
        pose.shrug[side] += rng.uniform(.02, .05) * up


def slow_wave(pose: Pose, s: np.ndarray, p: SimpleNamespace,
              rng: Generator) -> None:
    """A raised hand swings from side to side, once in two seconds or so."""
    body, side = pose.body, p.side
    up = hold(s, 0, .15, .87, 1)
    swing = np.sin(2 * np.pi * 2 * np.clip((s - .15) / .7, 0, 1))
    place = _vec(side, rng.uniform(.1, .2) + .2 * p.amplitude * swing,
                 body.length(rng.uniform(.02, .14)) - .03 * swing**2,
                 rng.uniform(.1, .25))
    pose.wrist[side] = blend(pose.wrist[side], _around(side, place, up), up)
    pose.elbow_pole[side] = _vec(side, .9, -1., -.3)


def side_kick(pose: Pose, s: np.ndarray, p: SimpleNamespace,
              rng: Generator) -> None:
    """A leg is drawn up and goes out sideways; the trunk leans away."""
    body, side = pose.body, p.side
    draw = hold(s, 0, .2, .28, .45)
    hit = hold(s, .25, .45, .52, .85)
    pose.ankle[side] += blend(
        np.zeros(3), [SIGN[side] * .1, .25, -.05], draw)
    pose.ankle[side] += blend(
        np.zeros(3), _vec(side, rng.uniform(.5, .62),
                          rng.uniform(.28, .42), .05) * p.amplitude, hit)
    away = np.maximum(draw, hit)
    pose.pelvis[:, 0] -= SIGN[side] * .07 * away
    pose.roll -= SIGN[side] * .3 * hit
    for arm in (LEFT, RIGHT):
        place = _vec(arm, .15, -.6 * body.arm, .25)
        pose.wrist[arm] = blend(pose.wrist[arm], place, .6 * away)


def bow(pose: Pose, s: np.ndarray, p: SimpleNamespace,
        rng: Generator) -> None:
    """Bend forward with straight legs and come up again; arms hang."""
    down = hold(s, 0, rng.uniform(.35, .45), .55, rng.uniform(.9, 1))
    pose.lean += rng.uniform(.8, 1.3) * down
    pose.pelvis[:, 2] -= pose.body.length(.08) * down


def throw(pose: Pose, s: np.ndarray, p: SimpleNamespace,
          rng: Generator) -> None:
    """A hand goes back beside the head, then far forward, and hangs."""
    body, side = pose.body, p.side
    draw = hold(s, 0, .3, .38, .5)
    hit = hold(s, .36, .52, .58, .9)
    back = _vec(side, rng.uniform(.15, .3), rng.uniform(.05, .25), -.12)
    pose.wrist[side] = blend(pose.wrist[side], back, draw)
    out = _vec(side, rng.uniform(-.3, .1), rng.uniform(-.15, .1),
               .85 * body.arm)
    pose.wrist[side] = blend(pose.wrist[side], out, hit)
    pose.elbow_pole[side] = _vec(side, .8, -.6, -.3)
    pose.twist += SIGN[side] * .35 * (hit - draw) * p.amplitude
    step = _vec(side, 0., 0., rng.uniform(0, .3))
    pose.pelvis += blend(np.zeros(3), .6 * step, ease(s, .3, .55))
    pose.ankle[1 - side] += blend(np.zeros(3), step, ease(s, .3, .55))


def swipe(pose: Pose, s: np.ndarray, p: SimpleNamespace,
          rng: Generator) -> None:
    """A hand comes up to one side and is drawn across, breast-high."""
    body, side = pose.body, p.side
    up = hold(s, 0, .28, .68, 1)
    across = ease(s, .32, .6)
    place = _vec(side, .28 - rng.uniform(.5, .65) * across,
                 rng.uniform(-.12, .02), .55 * body.arm)
    pose.wrist[side] = blend(pose.wrist[side], place, up)
    pose.elbow_pole[side] = _vec(side, .8, -.9, -.2)


# Numbers beyond those of NTU RGB+D 120.
BOXING, JOGGING, MARCHING, CURL, SLOW_WAVE, SIDE_KICK, BOW, THROW, SWIPE = (
    range(901, 910))
HARD = {BOXING: (boxing, ), JOGGING: (jogging, ), MARCHING: (marching, ),
        CURL: (curl, ), SLOW_WAVE: (slow_wave, ), SIDE_KICK: (side_kick, ),
        BOW: (bow, ), THROW: (throw, ), SWIPE: (swipe, )}
SECONDS = {BOXING: (1.8, 3.), JOGGING: (2., 2.8), MARCHING: (2.4, 3.6),
           CURL: (2.4, 4.), SLOW_WAVE: (4.6, 6.), SIDE_KICK: (1.4, 2.2),
           BOW: (1.5, 2.6), THROW: (1.3, 2.2), SWIPE: (1.3, 2.2)}
