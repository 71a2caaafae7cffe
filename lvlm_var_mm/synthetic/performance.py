"""The performers of the sample, and each single performance.

Performers differ in size and style. Lead-in, duration, the hand used, the
place and the heading differ between the performances of one performer.
"""
from types import SimpleNamespace
from typing import List

import numpy as np

from .body import LEFT, RIGHT, Body, Pose, joints_of
from .hard import HARD, SECONDS
from .motion import MOTIONS

MIN_FRAMES, MAX_FRAMES = 40, 90  # at 30 frames per second
# Tags that keep the random streams of one seed apart.
_PERFORMER, _PERFORMANCE = 1, 2


def performer_of(performer: int, seed: int = 0) -> SimpleNamespace:
    """Size and style of one performer, the same in all performances.

    Returns:
        SimpleNamespace: ``body`` (Body), ``amplitude`` and ``speed``
        (1 is the mean), ``left_handed`` (probability), ``hue`` (two numbers
        in [0, 1), for the clothes).
    """
    rng = np.random.default_rng([seed, _PERFORMER, performer])
    return SimpleNamespace(
        body=Body(rng.uniform(1.52, 1.88), rng.uniform(.88, 1.12)),
        amplitude=rng.uniform(.8, 1.15), speed=rng.uniform(.8, 1.25),
        left_handed=rng.choice([.2, .8], p=[.7, .3]),
        hue=rng.uniform(size=2))


def pair_of(performer: int, repeat: int,
            seed: int = 0) -> List[SimpleNamespace]:
    """The performer, and who takes the second part where there is one: a
    stranger, lest anybody of the training split shows up in the test split.
    """
    return [performer_of(number, seed)
            for number in (performer, performer + 100 + repeat)]


def perform(action: int, performer: int, repeat: int,
            seed: int = 0) -> np.ndarray:
    """One performance, the same whatever else is made and in what order.

    Args:
        action (int): Of :data:`~.motion.MOTIONS` or :data:`~.hard.HARD`.
        performer (int): NTU's number P.
        repeat (int): NTU's number R.
        seed (int): Of the whole sample.

    Returns:
        np.ndarray: (M, T, 25, 3), metres, M = 1, or 2 for actions between
        two; T within 40-90 at 30 frames per second, more for what is slow.
        The room's axes: x to
        the right as the middle camera sees it, y up from the floor, z away
        from that camera; the origin is the middle of the floor.
    """
    return _play(action, performer, repeat, seed)[0]


def script_of(action: int, performer: int, repeat: int,
              seed: int = 0) -> SimpleNamespace:
    """Return what :func:`perform` tells the performers to do.

    Returns:
        SimpleNamespace: ``lead_in`` and ``action_frames``, the progress at
        frame t being (t - lead_in) / action_frames; ``sides``, the hand or
        foot that each person uses; ``impact``, in progress.
    """
    return _play(action, performer, repeat, seed)[1]


def _play(action, performer, repeat, seed):
    rng = np.random.default_rng(
        [seed, _PERFORMANCE, action, performer, repeat])
    both = pair_of(performer, repeat, seed)
    if action in HARD:
        action_frames = 30 * rng.uniform(*SECONDS[action])
    else:
        action_frames = rng.uniform(38, 60) / both[0].speed
    lead_in, lead_out = rng.integers(3, 15, 2)
    frames = int(lead_in + action_frames + lead_out)
    if action not in HARD:
        frames = int(np.clip(frames, MIN_FRAMES, MAX_FRAMES))
    s = np.clip((np.arange(frames) - lead_in) / action_frames, 0, 1)
    impact = rng.uniform(.42, .5)
    people, sides = [], []
    for who, motion in zip(both, HARD.get(action) or MOTIONS[action]):
        pose = Pose(who.body, frames)
        _idle(pose, rng)
        side = LEFT if rng.random() < who.left_handed else RIGHT
        p = SimpleNamespace(side=side, impact=impact, amplitude=np.clip(
            who.amplitude + rng.normal(0, .06), .75, 1.2))
        motion(pose, s, p, rng)
        people.append(joints_of(pose))
        sides.append(side)
    script = SimpleNamespace(lead_in=lead_in, action_frames=action_frames,
                             sides=tuple(sides), impact=impact)
    return _placed(people, rng), script


def _idle(pose, rng):
    """Nobody stands still: slow sway of trunk, head and hands."""
    time = np.arange(pose.frames) / 30

    def drift(size, shape=()):
        rate = rng.uniform(.2, .9, shape)[..., None]
        phase = rng.uniform(0, 2 * np.pi, shape)[..., None]
        return size * np.sin(2 * np.pi * rate * time + phase)

    pose.lean += drift(.025) + rng.normal(0, .03)
    pose.roll += drift(.02) + rng.normal(0, .02)
    pose.twist += drift(.05) + rng.normal(0, .05)
    pose.nod += drift(.06) + rng.normal(.05, .1)
    pose.wrist += np.moveaxis(drift(.015, (2, 3)), 1, 2)
    pose.wrist += rng.normal(0, .025, (2, 1, 3))
    pose.ankle += rng.normal(0, [.02, 0, .03], (2, 1, 3))


def _placed(people, rng):
    """Put everybody into the room, pairs face to face."""
    if len(people) == 1:
        headings, spread = [rng.normal(0, .3)], 0.
    else:
        axis = rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, .25)
        headings, spread = [axis, axis + np.pi], rng.uniform(.36, .46)
    centre = np.array([rng.uniform(-.25, .25), 0, rng.uniform(-.2, .2)])
    placed = []
    for joints, heading in zip(people, headings):
        heading += rng.normal(0, .06) if spread else 0
        cos, sin = np.cos(heading), np.sin(heading)
        right, ahead = np.array([cos, 0, sin]), np.array([sin, 0, -cos])
        placed.append(joints[..., :1] * right + joints[..., 2:] * ahead
                      + joints[..., 1:2] * [0, 1, 0]
                      + centre - spread * ahead)
    return np.stack(placed)
