"""A simple body with NTU RGB+D's 25 joints: from a pose to joint positions.

Poses are given in the performer's own axes (right, up, forward), metres, with
the origin on the floor under the standing body. The trunk follows from its
angles; arms and legs reach for targets by two-bone inverse kinematics, whose
poles keep elbows and knees from bending backwards.

Segment lengths are fractions of the height, after Drillis & Contini, "Body
Segment Parameters", 1966.
"""
from dataclasses import dataclass, field
from typing import Tuple

import numpy as np
from numpy.typing import ArrayLike

# Kinect v2's numbering, as in the raw NTU files.
SPINE_BASE, SPINE_MID, NECK, HEAD, SPINE_SHOULDER = 0, 1, 2, 3, 20
LEFT, RIGHT = 0, 1
SHOULDER, ELBOW, WRIST, HAND = (4, 8), (5, 9), (6, 10), (7, 11)
HIP, KNEE, ANKLE, FOOT = (12, 16), (13, 17), (14, 18), (15, 19)
HAND_TIP, THUMB = (21, 23), (22, 24)
SIGN = (-1., 1.)
NUM_JOINTS = 25

UP = np.array([0., 1., 0.])
FORWARD = np.array([0., 0., 1.])


@dataclass(frozen=True)
class Body:
    """Lengths in metres, all from the height and the breadth of one person.

    Args:
        height (float): Metres.
        build (float): Breadth of shoulders and hips relative to the mean.
    """
    height: float = 1.72
    build: float = 1.

    def length(self, fraction: float) -> float:
        return fraction * self.height

    @property
    def pelvis(self) -> float:
        # A little less than the legs are long: nobody stands with locked
        # knees, and a straight leg has no defined plane to bend in.
        return self.length(.522)

    @property
    def upper_arm(self) -> float:
        return self.length(.172)

    @property
    def forearm(self) -> float:
        return self.length(.157)

    @property
    def arm(self) -> float:
        return self.upper_arm + self.forearm

    @property
    def leg_bone(self) -> float:
        """Thigh and shank, equally long."""
        return self.length(.245)

    @property
    def ankle(self) -> float:
        return self.length(.04)

    @property
    def shoulder(self) -> float:
        """Half the breadth."""
        return self.length(.112) * self.build

    @property
    def hip(self) -> float:
        """Half the breadth."""
        return self.length(.052) * self.build


@dataclass
class Pose:
    """The pose of a body over T frames; standing still unless changed.

    Attributes:
        pelvis (array): (T, 3), the spine's base.
        lean, roll, twist (array): (T,), radians: the trunk forward, to the
            right, and about its own axis towards the left.
        nod (array): (T,), radians, the head forward.
        wrist (array): (2, T, 3), left and right, from the shoulder, along
            upright axes: a loose arm hangs down however the trunk leans.
        ankle (array): (2, T, 3), left and right.
        elbow_pole (array): (2, 3), the side to which the elbow points.
        shrug (array): (2, T), metres by which a shoulder is raised.
        tilt (array): (T,), radians, the whole body about the floor.
        tilt_to (float): Radians, where it tilts: 0 forward, pi/2 right.
    """
    body: Body
    frames: int
    pelvis: np.ndarray = field(init=False)

    def __post_init__(self):
        body, frames = self.body, self.frames
        self.pelvis = np.zeros((frames, 3)) + UP * body.pelvis
        self.lean, self.roll, self.twist, self.nod, self.tilt = np.zeros(
            (5, frames))
        self.tilt_to = 0.
        self.shrug = np.zeros((2, frames))
        self.wrist = np.empty((2, frames, 3))
        self.ankle = np.empty((2, frames, 3))
        self.elbow_pole = np.empty((2, 3))
        for side, sign in enumerate(SIGN):
            self.wrist[side] = [sign * .07, -.965 * body.arm, .05]
            self.ankle[side] = [sign * 1.3 * body.hip, body.ankle, 0]
            self.elbow_pole[side] = [sign * .5, -.5, -.6]


def blend(start: ArrayLike, end: ArrayLike, weight: np.ndarray) -> np.ndarray:
    """From ``start`` (..., 3) to ``end`` (..., 3) as ``weight`` (T,) goes
    from 0 to 1."""
    weight = np.asarray(weight)[..., None]
    return (1 - weight) * start + weight * end


def _unit(vector):
    norm = np.linalg.norm(vector, axis=-1, keepdims=True)
    return vector / np.maximum(norm, 1e-9)


def two_bone(root: np.ndarray, target: np.ndarray, upper: float, lower: float,
             pole: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Reach from ``root`` towards ``target`` with two bones.

    Args:
        root, target (array): (T, 3).
        upper, lower (float): The bones' lengths.
        pole (array): (3,), the side to which the middle joint points.

    Returns:
        tuple: The middle joint and the end, (T, 3) each. A target out of
        reach is approached as far as the bones go.
    """
    along = target - root
    reach = np.clip(np.linalg.norm(along, axis=-1, keepdims=True),
                    abs(upper - lower) + .04, .998 * (upper + lower))
    along = _unit(along)
    at = (upper**2 - lower**2 + reach**2) / (2 * reach)
    off = np.sqrt(np.maximum(upper**2 - at**2, 0))
    out = _unit(pole - (along @ pole)[:, None] * along)
    return root + at * along + off * out, root + reach * along


def joints_of(pose: Pose) -> np.ndarray:
    """The joints of a pose.

    Args:
        pose (Pose): Of T frames.

    Returns:
        np.ndarray: (T, 25, 3), metres, axes (right, up, forward).
    """
    body = pose.body
    joints = np.empty((pose.frames, NUM_JOINTS, 3))
    up, right, ahead = _trunk_axes(pose)
    for joint, fraction in ((SPINE_BASE, 0), (SPINE_MID, .145),
                            (SPINE_SHOULDER, .285), (NECK, .315)):
        joints[:, joint] = pose.pelvis + body.length(fraction) * up
    nod = pose.nod[:, None]
    joints[:, HEAD] = joints[:, NECK] + body.length(.085) * (
        np.cos(nod) * up + np.sin(nod + .15) * ahead)
    for side, sign in enumerate(SIGN):
        _arm(joints, pose, side, sign, up, right, ahead)
        _leg(joints, pose, side, sign)
    return _tilted(joints, pose)


def _trunk_axes(pose):
    lean, roll = pose.lean, pose.roll
    zero = np.zeros_like(lean)
    up = np.stack([np.sin(roll), np.cos(roll) * np.cos(lean),
                   np.cos(roll) * np.sin(lean)], -1)
    right = np.stack([np.cos(roll), -np.sin(roll) * np.cos(lean),
                      -np.sin(roll) * np.sin(lean)], -1)
    ahead = np.stack([zero, -np.sin(lean), np.cos(lean)], -1)
    cos, sin = np.cos(pose.twist)[:, None], np.sin(pose.twist)[:, None]
    return up, cos * right + sin * ahead, cos * ahead - sin * right


def _arm(joints, pose, side, sign, up, right, ahead):
    body = pose.body
    shoulder = (joints[:, SPINE_SHOULDER] - body.length(.02) * up
                + sign * body.shoulder * right
                + pose.shrug[side][:, None] * up)
    elbow, wrist = two_bone(shoulder, shoulder + pose.wrist[side],
                            body.upper_arm, body.forearm,
                            pose.elbow_pole[side])
    on = _unit(wrist - elbow)
    hand = wrist + body.length(.04) * on
    joints[:, SHOULDER[side]] = shoulder
    joints[:, ELBOW[side]] = elbow
    joints[:, WRIST[side]] = wrist
    joints[:, HAND[side]] = hand
    joints[:, HAND_TIP[side]] = hand + body.length(.045) * on
    joints[:, THUMB[side]] = hand + body.length(.02) * (
        _unit(ahead - sign * right) + on)


def _leg(joints, pose, side, sign):
    body = pose.body
    hip = pose.pelvis + [sign * body.hip, -.01, 0]
    pole = np.array([sign * .08, .5, 1.])
    knee, ankle = two_bone(hip, pose.ankle[side], body.leg_bone,
                           body.leg_bone, pole)
    shank = _unit(ankle - knee)
    # The sole is square to the shank, but a foot on the floor is flat.
    toes = _unit(FORWARD - (shank @ FORWARD)[:, None] * shank)
    foot = ankle + body.length(.075) * toes - body.length(.02) * UP
    foot[:, 1] = np.maximum(foot[:, 1], .02)
    joints[:, HIP[side]] = hip
    joints[:, KNEE[side]] = knee
    joints[:, ANKLE[side]] = ankle
    joints[:, FOOT[side]] = foot


def _tilted(joints, pose):
    """Tip the body over about the floor, and lay it on the floor."""
    towards = np.array([np.sin(pose.tilt_to), 0., np.cos(pose.tilt_to)])
    cos, sin = np.cos(pose.tilt)[:, None], np.sin(pose.tilt)[:, None]
    ahead, height = joints @ towards, joints @ UP
    joints = (joints + (ahead * (cos - 1) + height * sin)[..., None] * towards
              + (height * (cos - 1) - ahead * sin)[..., None] * UP)
    under = .02 - joints[..., 1].min(axis=1)
    joints[..., 1] += np.maximum(under, 0)[:, None]
    return joints
