"""The curves that body-part events are read from, each by its formula.

Lengths are in torso lengths, angles in radians. u, r, f are up, right and
forward of the body (see :mod:`.body`), o is outward: r on the right side, -r
on the left. S and P are the middles of shoulders and hips. hand is its joint
or .3 forearms beyond the wrist; head is its joint or the middle of the ears;
face is the nose or .2 f - .1 u from the head. A path is the sum of the steps
along an axis that turns with the body.
"""
from typing import Callable, NamedTuple, Sequence

import numpy as np

from .arrays import length
from .body import SIDES, Body


class Signal(NamedTuple):
    """``curve(body)``, or ``curve(body, side)`` of what each side has ->
    (T, R)."""
    formula: str
    curve: Callable


def _limb(body, side, start, end):
    return length(body.of(side, end) - body.of(side, start))


def _over_head(body, side):
    # With the trunk up: no hand is above the head of a body that lies.
    return np.minimum(body.up(body.hands[side] - body.head),
                      body.up(body.trunk) - .5)


def _over_knees(body, side):
    knees = body.middle('knee')
    return np.maximum(body.up(body.hands[side] - knees),
                      .5 - body.up(body.chest - knees))


def _behind(body, side):
    away = body.hands[side] - (body.chest + body.pelvis) / 2
    return np.minimum(-body.ahead(away), .5 - np.abs(body.right(away)))


def _kick(body, side):
    foot = body.of(side, 'ankle')
    other = body.of(SIDES[side == 'left'], 'ankle')
    kick = np.minimum(body.ahead(foot - body.pelvis), body.up(foot - other))
    return np.minimum(kick, body.up(body.pelvis - other) - 1)


def _over_feet(body):
    return body.up(body.chest) - np.minimum(
        *(body.up(body.of(side, 'ankle')) for side in SIDES))


SIDED = {
    'hand height': Signal(
        'u.(wrist - P)',
        lambda b, s: b.up(b.of(s, 'wrist') - b.pelvis)),
    'hand ahead': Signal(
        'f.(wrist - S)',
        lambda b, s: b.ahead(b.of(s, 'wrist') - b.chest)),
    'hand aside': Signal(
        'o.(wrist - S)',
        lambda b, s: b.outward(s, b.of(s, 'wrist') - b.chest)),
    'hand over shoulder': Signal(
        'u.(wrist - shoulder)',
        lambda b, s: b.up(b.of(s, 'wrist') - b.of(s, 'shoulder'))),
    'arm length': Signal(
        '|wrist - shoulder|',
        lambda b, s: _limb(b, s, 'shoulder', 'wrist')),
    'hand to face': Signal(
        '|hand - face|',
        lambda b, s: length(b.hands[s] - b.face)),
    'hand to head': Signal(
        '|hand - head - .2 u|',
        lambda b, s: length(b.hands[s] - b.head - .2 * b.u)),
    'hand over head': Signal(
        'min(u.(hand - head), u.(S - P) - .5)', _over_head),
    'hand to chest': Signal(
        '|hand - S + .35 u - .25 f|',
        lambda b, s: length(b.hands[s] - b.chest + .35 * b.u - .25 * b.f)),
    'hand behind': Signal(
        'min(-f.d, .5 - |r.d|), d = hand - (S + P) / 2,', _behind),
    'hand over knees': Signal(
        'max(u.(hand - K), .5 - u.(S - K)), K = middle of the knees,',
        _over_knees),
    'hand to other': Signal(
        '|hand - nearest part of another person|',
        lambda b, s: b.touch(b.hands[s])),
    'foot height': Signal(
        'u.ankle',
        lambda b, s: b.up(b.of(s, 'ankle'))),
    'foot path': Signal(
        'path of the ankle along f',
        lambda b, s: b.path(b.of(s, 'ankle'), b.f)),
    'foot aside': Signal(
        'o.(ankle - P)',
        lambda b, s: b.outward(s, b.of(s, 'ankle') - b.pelvis)),
    'foot kick': Signal(
        'min(f.(ankle - P), u.(ankle - other ankle), u.(P - other ankle) - 1)',
        _kick),
    'leg length': Signal(
        '|ankle - hip|',
        lambda b, s: _limb(b, s, 'hip', 'ankle')),
    'foot to other': Signal(
        '|ankle - nearest part of another person|',
        lambda b, s: b.touch(b.of(s, 'ankle'))),
}
WHOLE = {
    'head pitch': Signal(
        "f'.(head - neck), f' = f square to the trunk, or with a nose "
        'u.(ears - nose),',
        lambda b: b.pitch()),
    'head tilt': Signal(
        "r'.(head - neck), r' = r square to the trunk, or with ears "
        'u.(left ear - right ear),',
        lambda b: b.tilt()),
    'head turn': Signal(
        'r.(nose - ears)',
        lambda b: b.right(b.joint('nose') - b.ears)),
    'torso ahead': Signal(
        'max(0, f.(S - P))',
        lambda b: np.maximum(b.ahead(b.trunk), 0)),
    'torso behind': Signal(
        'max(0, -f.(S - P))',
        lambda b: np.maximum(-b.ahead(b.trunk), 0)),
    'torso to the left': Signal(
        'max(0, -r.(S - P))',
        lambda b: np.maximum(-b.right(b.trunk), 0)),
    'torso to the right': Signal(
        'max(0, r.(S - P))',
        lambda b: np.maximum(b.right(b.trunk), 0)),
    'torso off upright': Signal(
        '|level part of S - P|',
        lambda b: b.level(b.trunk)),
    'torso twist': Signal(
        'angle to the left from the line of the hips to that of the '
        'shoulders',
        lambda b: b.angle(b.hips, b.shoulders)),
    'hands apart': Signal(
        'min(|left hand - right hand|, 1)',
        lambda b: np.minimum(length(b.hands['left'] - b.hands['right']), 1)),
    'legs length': Signal(
        'max(|left ankle - left hip|, |right ankle - right hip|)',
        lambda b: np.maximum(*(_limb(b, s, 'hip', 'ankle') for s in SIDES))),
    'feet astride': Signal(
        'f.(left ankle - right ankle)',
        lambda b: b.ahead(b.of('left', 'ankle') - b.of('right', 'ankle'))),
    'feet uneven': Signal(
        'u.(left ankle - right ankle)',
        lambda b: b.up(b.of('left', 'ankle') - b.of('right', 'ankle'))),
    'body height': Signal(
        'u.P',
        lambda b: b.up(b.pelvis)),
    'shoulders over feet': Signal(
        'u.(S - lower ankle)', _over_feet),
    'body lift': Signal(
        'least of u.(S - P) - .5 and of the heights of S, P and both ankles '
        'above where they are before and after',
        lambda b: b.lift()),
    'body path ahead': Signal(
        'path of P along f',
        lambda b: b.path(b.pelvis, b.f)),
    'body path right': Signal(
        'path of P along r',
        lambda b: b.path(b.pelvis, b.r)),
    'body speed': Signal(
        'level speed of P over half a second',
        lambda b: b.speed(b.pelvis)),
    'body turn': Signal(
        'turns of r to the left, added up while u.(S - P) > .5,',
        lambda b: b.heading()),
    'persons apart': Signal(
        'level distance of P from that of the nearest other person',
        lambda b: b.gap()),
}


def curves(body: Body, names: Sequence[str]) -> np.ndarray:
    """The signals by name, such as 'left hand height' or 'body height' ->
    float32 (K, T, R)."""
    out = np.empty((len(names), *body.trunk.shape[1:]), np.float32)
    with np.errstate(all='ignore'):  # NaN stands for what is not known
        for row, name in zip(out, names):
            if name in WHOLE:
                row[:] = WHOLE[name].curve(body)
            else:
                side, _, signal = name.partition(' ')
                row[:] = SIDED[signal].curve(body, side)
    return out


def formula(name: str) -> str:
    """Describe a signal."""
    if name in WHOLE:
        return WHOLE[name].formula
    return SIDED[name.partition(' ')[2]].formula
