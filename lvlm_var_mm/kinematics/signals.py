"""The curves that body-part events are read from, each by its formula.

Lengths are in torso lengths, angles in radians. u, r, f are up, right and
forward of the body (see :mod:`.body`), o is outward: r on the right side, -r
on the left. S and P are the middles of shoulders and hips. hand is its joint
or .3 forearms beyond the wrist; head is its joint or the middle of the ears;
face is the nose or .2 f - .1 u from the head. A path is the sum of the steps
along an axis that turns with the body.
"""
from typing import Callable, NamedTuple

import numpy as np

from .body import SIDES, length


class Signal(NamedTuple):
    """``curve(body)``, or ``curve(body, side)`` of what each side has ->
    (T, R)."""
    formula: str
    curve: Callable


def _limb(body, side, start, end):
    return length(body.joint(f'{side}_{end}') - body.joint(f'{side}_{start}'))


def _over_shoulder(body, side):
    return body.up(body.joint(f'{side}_wrist')
                   - body.joint(f'{side}_shoulder'))


def _over_head(body, side):
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
    foot = body.joint(f'{side}_ankle')
    other = body.joint(f'{SIDES[side == "left"]}_ankle')
    return np.minimum(np.minimum(body.ahead(foot - body.pelvis),
                                 body.up(foot - other)),
                      body.up(body.pelvis - other) - 1)


SIDED = {
    'hand height': Signal('u.(wrist - P)', lambda b, s: b.up(
        b.joint(f'{s}_wrist') - b.pelvis)),
    'hand ahead': Signal('f.(wrist - S)', lambda b, s: b.ahead(
        b.joint(f'{s}_wrist') - b.chest)),
    'hand aside': Signal('o.(wrist - S)', lambda b, s: b.outward(
        s, b.joint(f'{s}_wrist') - b.chest)),
    'hand over shoulder': Signal('u.(wrist - shoulder)', _over_shoulder),
    'arm length': Signal('|wrist - shoulder|', lambda b, s: _limb(
        b, s, 'shoulder', 'wrist')),
    'hand to face': Signal('|hand - face|', lambda b, s: length(
        b.hands[s] - b.face)),
    'hand to head': Signal('|hand - head - .2 u|', lambda b, s: length(
        b.hands[s] - b.head - .2 * b.u)),
    # While the trunk is up: whose hands are above the head of a body that
    # lies?
    'hand over head': Signal('min(u.(hand - head), u.(S - P) - .5)', _over_head),
    'hand to chest': Signal('|hand - S + .35 u - .25 f|', lambda b, s: length(
        b.hands[s] - b.chest + .35 * b.u - .25 * b.f)),
    'hand behind': Signal(
        'min(-f.d, .5 - |r.d|), d = hand - (S + P) / 2', _behind),
    'hand over knees': Signal(
        'max(u.(hand - K), .5 - u.(S - K)), K = middle of the knees',
        _over_knees),
    'hand to other': Signal('|hand - nearest part of another person|',
                            lambda b, s: b.touch(b.hands[s])),
    'foot height': Signal('u.ankle', lambda b, s: b.up(
        b.joint(f'{s}_ankle'))),
    'foot path': Signal('path of the ankle along f', lambda b, s: b.path(
        b.joint(f'{s}_ankle'), b.f)),
    'foot aside': Signal('o.(ankle - P)', lambda b, s: b.outward(
        s, b.joint(f'{s}_ankle') - b.pelvis)),
    'foot kick': Signal(
        'min(f.(ankle - P), u.(ankle - other ankle), '
        'u.(P - other ankle) - 1)', _kick),
    'leg length': Signal('|ankle - hip|', lambda b, s: _limb(
        b, s, 'hip', 'ankle')),
    'foot to other': Signal('|ankle - nearest part of another person|',
                            lambda b, s: b.touch(b.joint(f'{s}_ankle'))),
}
WHOLE = {
    'head pitch': Signal(
        "f'.(head - neck), f' = f square to the trunk; with a nose "
        'u.(ears - nose)', lambda b: b.pitch()),
    'head tilt': Signal(
        "r'.(head - neck), r' = r square to the trunk; with ears "
        'u.(left ear - right ear)', lambda b: b.tilt()),
    'head turn': Signal('r.(nose - ears)', lambda b: b.right(
        b.joint('nose') - b.ears)),
    'torso ahead': Signal('max(0, f.(S - P))', lambda b: np.maximum(
        b.ahead(b.trunk), 0)),
    'torso behind': Signal('max(0, -f.(S - P))', lambda b: np.maximum(
        -b.ahead(b.trunk), 0)),
    'torso to the left': Signal('max(0, -r.(S - P))', lambda b: np.maximum(
        -b.right(b.trunk), 0)),
    'torso to the right': Signal('max(0, r.(S - P))', lambda b: np.maximum(
        b.right(b.trunk), 0)),
    'torso off upright': Signal('level part of S - P',
                                lambda b: b.level(b.trunk)),
    'torso twist': Signal('angle from the line of the hips to that of the '
                          'shoulders', lambda b: b.angle(b.hips,
                                                         b.shoulders)),
    'hands apart': Signal('min(|left hand - right hand|, 1)',
                          lambda b: np.minimum(length(
                              b.hands['left'] - b.hands['right']), 1)),
    'legs length': Signal('larger |ankle - hip|', lambda b: np.maximum(
        _limb(b, 'left', 'hip', 'ankle'),
        _limb(b, 'right', 'hip', 'ankle'))),
    'feet astride': Signal('f.(left ankle - right ankle)', lambda b: b.ahead(
        b.joint('left_ankle') - b.joint('right_ankle'))),
    'feet uneven': Signal('u.(left ankle - right ankle)', lambda b: b.up(
        b.joint('left_ankle') - b.joint('right_ankle'))),
    'body height': Signal('u.P', lambda b: b.up(b.pelvis)),
    'shoulders over feet': Signal(
        'u.(S - lower ankle)', lambda b: b.up(b.chest) - np.minimum(
            b.up(b.joint('left_ankle')), b.up(b.joint('right_ankle')))),
    'body lift': Signal('least height of S, P and both ankles over '
                        'where they are before and after, and u.(S - P) - .5', lambda b: b.lift()),
    'body path ahead': Signal('path of P along f', lambda b: b.path(
        b.pelvis, b.f)),
    'body path right': Signal('path of P along r', lambda b: b.path(
        b.pelvis, b.r)),
    'body speed': Signal('level way of P in half a second, a second',
                         lambda b: b.speed(b.pelvis)),
    'body turn': Signal('sum of the turns of r', lambda b: b.heading()),
    'persons apart': Signal('level distance of P to that of the nearest '
                            'other person', lambda b: b.gap()),
}


def curves(body, names) -> np.ndarray:
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
    """What a signal is."""
    if name in WHOLE:
        return WHOLE[name].formula
    return SIDED[name.partition(' ')[2]].formula
