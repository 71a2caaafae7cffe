"""The curves that body-part events are read from, each by its formula.

Lengths are in torso lengths, angles in radians. u, r, f are up, right and
forward of the body (see :mod:`.body`), o is outward: r on the right side, -r
on the left. S and P are the middles of shoulders and hips. hand is its joint
or .3 forearms beyond the wrist; head is its joint or the middle of the ears;
face is the nose or .2 f - .1 u from the head. A path is the sum of the steps
along an axis that turns with the body. L is the level part of S - P over a
fifth of a second, less what it is while this body stands, in the axes of the
body or in those of the sensor, whichever leaves less.
"""
from typing import Callable, NamedTuple, Sequence

import numpy as np

from .arrays import length, lowest
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


def _raised(body, side):
    wrist = body.of(side, 'wrist')
    up = np.minimum(body.up(wrist - body.of(side, 'elbow')),
                    body.up(wrist - body.of(side, 'shoulder')) + .3)
    # One hand may wave whatever is known of the other.
    return np.where(_apart(body) < .4, -1, up)


def _apart(body):
    return length(body.hands['left'] - body.hands['right'])


def _abreast(body):
    # Not known of a picture, in which fists meet that are far apart.
    apart = body.hands['left'] - body.hands['right']
    abreast = .6 * length(apart) + .15 - np.abs(body.ahead(apart))
    return lowest(abreast, round(.15 * body.fps))


def _kick(body, side):
    foot, knee = body.of(side, 'ankle'), body.of(side, 'knee')
    other = body.of(SIDES[side == 'left'], 'ankle')
    away, shank = foot - body.pelvis, foot - knee
    reach = np.maximum(body.ahead(away), body.outward(side, away) - .3)
    # Of who marches the shank hangs.
    swung = np.maximum(body.ahead(shank), body.outward(side, shank)) + .1
    # Heels go up by 30 cm or so in a kick, by half of that in a walk.
    kick = np.minimum(np.minimum(reach, swung), body.up(foot - other) - .2)
    return np.minimum(kick, body.up(body.pelvis - other) - 1)


def _bow(body):
    ahead, right = body.lean
    return np.maximum(np.minimum(np.hypot(ahead, right), 2 * ahead), 0)


def _arch(body):
    ahead, right = body.lean
    return np.clip(2 * (-ahead - np.abs(right)), 0, np.maximum(-ahead, 0))


def _sideways(body, sign):
    ahead, right = body.lean
    # A picture has no ahead; what is seen in it is to a side.
    off = np.abs(ahead) if body.space else np.float32(0)
    right = sign * right
    return np.clip(2 * (right - off), 0, np.maximum(right, 0))


def _off_rest(body):
    lean = np.hypot(*body.lean)
    return np.where(np.isnan(lean), body.level(body.trunk), lean)


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
    'hand raised': Signal(
        'min(u.(wrist - elbow), u.(wrist - shoulder) + .3), the hands .4 '
        'apart,', _raised),
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
    'foot path aside': Signal(
        'path of the ankle along o',
        lambda b, s: b.outward_path(s, b.of(s, 'ankle'))),
    'foot kick': Signal(
        'min(max(f.d, o.d - .3), max(f.k, o.k) + .1, u.(ankle - other '
        'ankle) - .2, u.(P - other ankle) - 1), d = ankle - P, '
        'k = ankle - knee,',
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
        ".32 f'.n / |n|, n = head - neck, f' = f square to the spine, or with "
        'a nose u.(ears - nose),',
        lambda b: b.pitch()),
    'head tilt': Signal(
        ".32 r'.n / |n|, n = head - neck, r' = r square to the spine, or with "
        'ears u.(left ear - right ear),',
        lambda b: b.tilt()),
    'head turn': Signal(
        'r.(nose - ears)',
        lambda b: b.right(b.joint('nose') - b.ears)),
    'torso ahead': Signal('max(0, min(|L|, 2 f.L))', _bow),
    'torso behind': Signal(
        'min(max(0, -f.L), max(0, 2 (-f.L - |r.L|)))', _arch),
    'torso to the left': Signal(
        'min(max(0, -r.L), max(0, 2 (-r.L - |f.L|)))',
        lambda b: _sideways(b, -1)),
    'torso to the right': Signal(
        'min(max(0, r.L), max(0, 2 (r.L - |f.L|)))',
        lambda b: _sideways(b, 1)),
    'torso off its rest': Signal('|L|', _off_rest),
    'torso twist': Signal(
        'angle to the left from the line of the hips to that of the '
        'shoulders',
        lambda b: b.angle(b.hips, b.shoulders)),
    'hands apart': Signal(
        'min(|left hand - right hand|, 1)',
        lambda b: np.minimum(_apart(b), np.float32(1))),
    'hands near': Signal(
        'min(|left hand - right hand|, .5)',
        lambda b: np.minimum(_apart(b), np.float32(.5))),
    'hands abreast': Signal(
        'least of .6 |d| + .15 - |f.d|, d = left hand - right hand, within '
        '.15 s,', _abreast),
    'legs length': Signal(
        'max(|left ankle - left hip|, |right ankle - right hip|)',
        lambda b: np.maximum(*(_limb(b, s, 'hip', 'ankle') for s in SIDES))),
    'feet astride': Signal(
        'w.(left ankle - right ankle), w = where P goes,',
        lambda b: b.on_the_way(
            b.of('left', 'ankle') - b.of('right', 'ankle'))),
    'feet apart': Signal(
        'r.(right ankle - left ankle)',
        lambda b: b.right(b.of('right', 'ankle') - b.of('left', 'ankle'))),
    'feet uneven': Signal(
        'u.(left ankle - right ankle)',
        lambda b: b.up(b.of('left', 'ankle') - b.of('right', 'ankle'))),
    'body height': Signal(
        'u.P',
        lambda b: b.up(b.pelvis)),
    'shoulders over feet': Signal(
        'u.(S - lower ankle)', _over_feet),
    'shoulders low': Signal(
        'min(u.(S - lower ankle), 2.8)',
        lambda b: np.minimum(_over_feet(b), np.float32(2.8))),
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
        'lesser of the level speeds of P and of the middle of the ankles over '
        'half a second',
        lambda b: b.speed()),
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
