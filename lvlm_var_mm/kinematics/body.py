"""Joints -> bodies in their own unit and their own axes.

Axis legend: C coordinates, T frames, R rows; a row is a person of a clip.

The unit is the torso: the distance from the middle of the shoulders S to the
middle of the hips P. The axes are the person's: u up, r level and to the
right, f = u x r forward. A picture has no f; what needs it is NaN, as is all
that needs a joint which the layout or the data lack.
"""
from functools import cached_property
from typing import Dict, Iterator, List, Sequence, Tuple

import numpy as np

from lvlm_var_mm.layouts import Layout
from .arrays import (add_up, bridge, cross, dot, length, median, opening,
                     quantile, smooth)
from .axes import reflect

SIDES = 'left', 'right'
# A body of which this share of its usual size is left was lost for the moment.
SHRUNK = .6
MAX_GAP = .35  # seconds without a joint that a straight line bridges
# Torso lengths that a joint must be off for one frame to have been lost: at
# least, and times the frames per second. A hand moves on in a long frame.
GLITCH, GLITCH_SPEED = .4, 12.
KNEES = 3.  # what the bend of the knees counts beside shoulders and hips
MAX_TILT = 30  # degrees of the camera that levelling undoes
MAX_REST = .3  # torso lengths that a trunk at rest may lean
THROAT = .32  # torso lengths from neck to head
JUMP = .8  # seconds; what stays up for longer is no jump


class Body:
    """R bodies: points (C, T, R) in torso lengths, measures (T, R).

    Args:
        keypoint (array): (N, M, T, V, C), C = 2 or 3, with R = N M; 0 or NaN
            where missing.
        layout (Layout): Names of the V joints.
        fps (float): Frames per second.
        up (sequence): (C, ), the direction that points up.
        mirrored (bool): Whether coordinates are those of a mirror.
    """

    def __init__(self, keypoint: np.ndarray, layout: Layout, fps: float,
                 up: Sequence[float], mirrored: bool = False) -> None:
        self.fps, self.names = fps, set(layout.joints)
        self.persons, self.space = keypoint.shape[1], len(up) == 3
        keypoint = keypoint.reshape(-1, *keypoint.shape[2:])
        points = np.array(  # [V, C, T, R]
            keypoint.transpose(2, 3, 1, 0), np.float32, order='C')
        up = np.array(up, np.float32)
        if mirrored:
            reflect(points, up)
        there = np.isfinite(points).all(1) & points.any(1)  # [V, T, R]
        points.transpose(1, 0, 2, 3)[:, ~there] = np.nan
        if self.space:
            there &= _keeps_its_size(dict(zip(layout.joints, points)))
        if not there.all():
            points.transpose(1, 0, 2, 3)[:, ~there] = np.nan
            bridge(points, there, round(MAX_GAP * fps))
        self._joints = dict(zip(layout.joints, points))
        self._nowhere = np.full(points.shape[1:], np.nan, np.float32)
        # The picture of a torso may be shortened, but not lengthened.
        self.torso = quantile(
            length(self.middle('shoulder') - self.middle('hip')),
            .5 if self.space else .9)
        self.torso[~(self.torso > 0)] = np.nan
        points /= self.torso
        smooth(points, max(GLITCH, GLITCH_SPEED / fps), fps / 30)

        self.chest, self.pelvis = self.middle('shoulder'), self.middle('hip')
        self.trunk = self.chest - self.pelvis
        self.u = self._vertical(up)
        self.shoulders, self.hips = (
            self._level(self.of('right', pair) - self.of('left', pair))
            for pair in ('shoulder', 'hip'))
        across = self.shoulders + self.hips
        if self.space:
            self.f = self._facing(across)
            self.r = cross(self.f, np.broadcast_to(self.u, self.f.shape))
        else:
            # A body that is seen from the side has no r.
            breadth = length(across)
            self.r = across / np.where(breadth > .5, breadth, np.nan)
            self.f = self._nowhere

    def joint(self, name: str) -> np.ndarray:
        """A joint, NaN where there is none."""
        return self._joints.get(name, self._nowhere)

    def of(self, side: str, part: str) -> np.ndarray:
        """A joint of one side."""
        return self.joint(f'{side}_{part}')

    def middle(self, pair: str) -> np.ndarray:
        """Halfway between the left and the right one."""
        return (self.of('left', pair) + self.of('right', pair)) / 2

    def _vertical(self, up: np.ndarray) -> np.ndarray:
        """u (C, 1, R): the one declared, levelled by how the person stands,
        since cameras look down on people."""
        up = (up / np.linalg.norm(up))[:, None, None]
        legs = self.pelvis - self.middle('ankle')
        stance = legs + self.trunk
        tall = length(legs)
        standing = (
            (tall > .92 * np.fmax.reduce(tall, axis=0))
            & (dot(legs, self.trunk) > .96 * tall * length(self.trunk))
            & (dot(stance, up) > np.cos(np.deg2rad(MAX_TILT))
               * length(stance)))
        # Added up in order: `sum` would round by the number of rows.
        found = np.where(standing, stance, 0).cumsum(1)[:, -1:]
        u = np.where(standing.sum(0) >= .15 * self.fps, found, up)
        return u / length(u)

    def _level(self, line: np.ndarray) -> np.ndarray:
        """A line's level part, averaged over a fifth of a second."""
        return self._average(np.nan_to_num(line - self.up(line) * self.u))

    def _facing(self, across: np.ndarray) -> np.ndarray:
        """f (3, T, R): square to shoulders and hips, and where the knees
        bend. Of who stands sideways a sensor sees one shoulder and guesses
        the other; knees bend forward however that comes out."""
        ahead = cross(np.broadcast_to(self.u, across.shape), across)
        knees = self._level(self._bent('left') + self._bent('right'))
        ahead = ahead + KNEES * self._average(knees, .3)
        breadth = length(ahead)
        # Neither who lies on a side nor who cannot be made out has an f.
        return ahead / np.where(breadth > .5, breadth, np.nan)

    def _bent(self, side: str) -> np.ndarray:
        """From the line between hip and ankle to the knee."""
        hip, ankle = self.of(side, 'hip'), self.of(side, 'ankle')
        leg, thigh = ankle - hip, self.of(side, 'knee') - hip
        return thigh - dot(thigh, leg) / dot(leg, leg) * leg

    def _average(self, curve: np.ndarray, reach: float = .1) -> np.ndarray:
        """The mean from so many seconds before to as many after;
        (..., T, R)."""
        reach = max(1, round(reach * self.fps))
        edges = [(0, 0)] * (curve.ndim - 2) + [(reach, reach), (0, 0)]
        padded = np.pad(curve, edges, 'edge')
        parts = [padded[..., i:i + curve.shape[-2], :]
                 for i in range(2 * reach + 1)]
        return sum(parts) / len(parts)

    @cached_property
    def head(self) -> np.ndarray:
        if 'head' in self.names:
            return self.joint('head')
        return self.ears if 'left_ear' in self.names else self.joint('nose')

    @cached_property
    def ears(self) -> np.ndarray:
        return self.middle('ear')

    @cached_property
    def face(self) -> np.ndarray:
        if 'nose' in self.names:
            return self.joint('nose')
        return self.head + .2 * self.f - .1 * self.u

    @cached_property
    def neck(self) -> np.ndarray:
        """The joint of that name, else between the shoulders: by a joint of
        its own, because arms that work lift the shoulders."""
        for name in ('neck', 'chest'):
            if name in self.names:
                return self.joint(name)
        return self.chest

    @cached_property
    def hands(self) -> dict:
        """A side's hand: its joint, else a third of a forearm beyond the
        wrist."""
        if 'left_hand' in self.names:
            return {s: self.of(s, 'hand') for s in SIDES}
        return {s: 1.3 * self.of(s, 'wrist') - .3 * self.of(s, 'elbow')
                for s in SIDES}

    def up(self, vector: np.ndarray) -> np.ndarray:
        return dot(vector, self.u)

    def ahead(self, vector: np.ndarray) -> np.ndarray:
        return dot(vector, self.f)

    def right(self, vector: np.ndarray) -> np.ndarray:
        return dot(vector, self.r)

    def outward(self, side: str, vector: np.ndarray) -> np.ndarray:
        return self.right(vector) * (1 if side == 'right' else -1)

    def level(self, vector: np.ndarray) -> np.ndarray:
        """Length of a vector's level part."""
        return length(vector - self.up(vector) * self.u)

    def path(self, point: np.ndarray, axis: np.ndarray) -> np.ndarray:
        """Measure how far a point has gone along an axis that turns with the
        body."""
        return add_up(dot(np.diff(point, axis=1), axis[:, 1:]))

    def outward_path(self, side: str, point: np.ndarray) -> np.ndarray:
        way = self.path(point, self.r)
        return way if side == 'right' else -way

    def angle(self, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Radians from one level line to another, positive to the left."""
        if not self.space:
            return np.full(start.shape[1:], np.nan, np.float32)
        turn = np.arctan2(self.up(cross(start, end)), dot(start, end))
        return np.where((length(start) < .1) | (length(end) < .1), np.nan,
                        turn)

    def heading(self) -> np.ndarray:
        """Radians turned since the start, positive to the left."""
        turns = self.angle(self.r[:, :-1], self.r[:, 1:])
        upright = self.up(self.trunk)[1:] > .5
        return add_up(np.where(upright, turns, np.nan))

    def velocity(self, point: np.ndarray) -> np.ndarray:
        """A point's level velocity over half a second, (C, T, R)."""
        reach = max(1, round(.25 * self.fps))
        padded = np.pad(point, ((0, 0), (reach, reach), (0, 0)), 'edge')
        way = padded[:, 2 * reach:] - padded[:, :-2 * reach]
        way = way - self.up(way) * self.u
        return way * np.float32(self.fps / (2 * reach))

    def speed(self) -> np.ndarray:
        """The lesser of the level speeds of pelvis and feet: in sitting
        down that of the feet, in kicking that of the pelvis."""
        return np.minimum(length(self.velocity(self.pelvis)),
                          length(self.velocity(self.middle('ankle'))))

    def on_the_way(self, vector: np.ndarray) -> np.ndarray:
        """A vector's part along the way that the body goes, nothing for one
        that stays; unknown in a picture, where it may come closer."""
        velocity = self.velocity(self.pelvis)
        speed = length(velocity)
        stays = speed < .3
        along = dot(vector, velocity) / np.where(stays, 1, speed)
        return np.where(stays, 0 if self.space else np.nan, along)

    def pitch(self) -> np.ndarray:
        """Measure how far the face points down."""
        if 'nose' in self.names:
            return self._average(self.up(self.ears - self.joint('nose')))
        return self._average(dot(self._throat, self._square(self.f)))

    def tilt(self) -> np.ndarray:
        """Measure how far the head is tilted to the right."""
        if 'left_ear' in self.names:
            return self._average(self.up(
                self.of('left', 'ear') - self.of('right', 'ear')))
        return self._average(dot(self._throat, self._square(self.r)))

    @cached_property
    def _throat(self) -> np.ndarray:
        """From neck to head, as long as a throat: sensors put either joint
        higher or lower."""
        throat = self.head - self.neck
        return THROAT * throat / length(throat)

    def _square(self, axis: np.ndarray) -> np.ndarray:
        """The part of an axis that is square to the spine."""
        along = self.neck - self.joint('pelvis')
        along = np.where(np.isnan(along), self.trunk, along)
        along = along / length(along)
        return axis - dot(axis, along) * along

    @cached_property
    def lean(self) -> Tuple[np.ndarray, np.ndarray]:
        """Measure how far the trunk leans forward and to the right, beyond
        its rest: how it leans while this body stands, or while it is upright
        if it never does.

        A body that turns tells two rests apart, that of its posture and that
        of the sensor, which goes with the line of sight and not with the
        body. What leans by only one of them does not lean.
        """
        trunk = self._average_known(self.trunk)
        upright = self.up(self.trunk) > .96 * length(self.trunk)
        legs = length(self.pelvis - self.middle('ankle'))
        standing = upright & (legs > .92 * np.fmax.reduce(legs, axis=0))
        rest = np.where(standing.any(0), standing, upright)
        level = trunk - self.up(trunk) * self.u
        # A mean, because medians of coordinates would change with the axes;
        # added up in order, see `_vertical`.
        known = rest & np.isfinite(level).all(0)
        usual = np.where(known, level, 0).cumsum(1)[:, -1:] / np.maximum(
            known.sum(0), 1)
        size = length(usual)
        level = level - usual * (
            np.minimum(size, MAX_REST) / np.where(size > 0, size, 1))
        return tuple(
            _lesser(axis(level), axis(trunk) - np.clip(
                np.nan_to_num(median(np.where(rest, axis(trunk), np.nan))),
                -MAX_REST, MAX_REST))
            for axis in (self.ahead, self.right))

    def _average_known(self, vector: np.ndarray) -> np.ndarray:
        """Average a vector over a fifth of a second, of the frames in which
        it is known; NaN where it is not."""
        known = np.isfinite(vector)
        total = self._average(np.where(known, vector, 0))
        share = self._average(known.astype(np.float32))
        return np.where(known, total / np.where(known, share, 1), np.nan)

    def lift(self) -> np.ndarray:
        """Measure how far an upright trunk and both feet are above their
        floor: a white top-hat, so that neither slopes nor chairs count."""
        size = 2 * round(JUMP * self.fps / 2) + 1
        lift = self.up(self.trunk) - .5
        for point in (self.of('left', 'ankle'), self.of('right', 'ankle'),
                      self.pelvis, self.chest):
            height = self.up(point)
            lift = np.minimum(lift, height - opening(height, size))
        return lift

    def touch(self, point: np.ndarray) -> np.ndarray:
        """Distance to the nearest part of another person."""
        nearest = self._nowhere[0]
        for part in self._fellow_parts:
            nearest = np.fmin(nearest, length(point - part))
        return nearest

    @cached_property
    def _fellow_parts(self) -> List[np.ndarray]:
        parts = [self.head, self.chest, (self.chest + self.pelvis) / 2,
                 self.pelvis, *self.hands.values()]
        parts += [self.of(side, part) for side in SIDES
                  for part in ('shoulder', 'elbow', 'hip', 'knee')]
        return [fellow for part in parts for fellow in self._fellows(part)]

    def _fellows(self, point: np.ndarray) -> Iterator[np.ndarray]:
        """The same point of each other person of the clip, in the row's own
        unit."""
        shape = -1, self.persons
        for shift in range(1, self.persons):
            metres = (point * self.torso).reshape(*point.shape[:2], *shape)
            yield np.roll(metres, shift, 3).reshape(point.shape) / self.torso

    def gap(self) -> np.ndarray:
        """Level distance of the first person from the nearest other."""
        nearest = self._nowhere[0]
        for other in self._fellows(self.pelvis):
            nearest = np.fmin(nearest, self.level(other - self.pelvis))
        first = np.arange(nearest.shape[1]) % self.persons == 0
        return np.where(first, nearest, np.nan)


def _lesser(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The one nearer to 0, or 0 where they differ in sign."""
    return np.where(a * b < 0, 0, np.where(np.abs(a) < np.abs(b), a, b))


def _keeps_its_size(joints: Dict[str, np.ndarray]) -> np.ndarray:
    """bool (T, R): legs and trunk are about as long as they usually are, or
    are not seen; bodies do not shrink, but sensors lose them."""
    nowhere = np.float32(np.nan)

    def bone(side, start, end):
        line = (joints.get(f'{side}_{start}', nowhere)
                - joints.get(f'{side}_{end}', nowhere))
        return length(line + np.zeros((1, 1, 1), np.float32))

    size = sum(bone('left', *ends) + bone('right', *ends) for ends in (
        ('shoulder', 'hip'), ('hip', 'knee'), ('knee', 'ankle')))
    return ~(size < SHRUNK * quantile(size, .5))
