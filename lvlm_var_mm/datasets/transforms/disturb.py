"""Disturb clips as sensors and people do in use: noise, another pace, and the
base class of these and of the transforms that hide joints (:mod:`.hide`).

They stand first in a pipeline, before anything measures, turns or resamples
the joints, and keep the axes of ``keypoint``, (M, T, V, C). A joint that they
hide becomes zero, and so does its score if there are scores; a joint that was
missing stays missing.

A clip is disturbed in the same way each time and for each model: its random
numbers are seeded by its ``frame_dir``. They do not depend on the strength, so
a stronger disturbance hides all that a weaker one hides, or moves the joints
the same way, but further. For training, ``seed=None`` draws anew each time.
"""
import zlib
from abc import ABCMeta, abstractmethod
from pathlib import Path
from typing import Dict, Optional, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS
from .missing_joints import masked, seen_joints
from .resample import frames_at

LayoutLike = Union[str, Dict, Layout]


class Disturbance(BaseTransform, metaclass=ABCMeta):
    """Base class: seed the random numbers and drop events that were measured
    on the undisturbed joints.

    Required Keys: keypoint. Optional Keys: frame_dir, keypoint_score.
    Modified Keys: keypoint, keypoint_score. Added Keys: disturbed. Removed
    Keys: events, decidable and events_key.

    Args:
        seed (int, optional): Of the random numbers, together with the name
            of the clip. None draws them from NumPy's global state.
    """

    def __init__(self, seed: Optional[int] = 0) -> None:
        self.seed = seed

    @property
    @abstractmethod
    def is_off(self) -> bool:
        """Tell whether the strength is such that nothing changes."""

    @abstractmethod
    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        """Change ``results`` in place; arrays are replaced, not written to."""

    def transform(self, results: Dict) -> Dict:
        if not self.is_off:
            for key in ('events', 'decidable', 'events_key'):
                results.pop(key, None)
            results['disturbed'] = True
            self.disturb(results, self._numbers(results))
        return results

    def _numbers(self, results: Dict) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(np.random.randint(2**31))
        name = results.get('frame_dir')
        # The folder before the name differs from machine to machine.
        told = (Path(str(name)).name.encode() if name is not None else
                np.ascontiguousarray(results['keypoint']).tobytes())
        return np.random.default_rng([self.seed, zlib.crc32(told)])


def checked_part(name: str, value: float) -> float:
    """Return ``value``, an argument of that name.

    Raises:
        ValueError: It is not between 0 and 1.
    """
    if not 0 <= value <= 1:
        raise ValueError(f'`{name}` is {value}, must be between 0 and 1')
    return value


def torso_length(results: Dict, layout: Layout) -> float:
    """Return the median distance, over persons and frames, from the middle of
    the shoulders to the middle of the hips, in the unit of the data.

    If no frame of the clip shows these four joints, return the root mean
    square distance of the joints from their centre, which is about as long.
    """
    keypoint, there = seen_joints(results)
    sides = [[layout.index(f'{side}_{part}') for side in ('left', 'right')]
             for part in ('shoulder', 'hip')]
    whole = there[:, :, sides, 0].all((-1, -2))  # [M, T]
    if whole.any():
        ends = keypoint[whole][:, sides].mean(2)  # [P, 2, C]
        return float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1],
                                              axis=-1)))
    number = there.sum(2, keepdims=True)
    offsets = keypoint - keypoint.sum(2, keepdims=True) / np.maximum(number, 1)
    squares = (offsets**2).sum(-1)[there[..., 0]]
    return float(np.sqrt(squares.mean())) if len(squares) else 0.


@TRANSFORMS.register_module()
class JitterJoints(Disturbance):
    """Add noise to each coordinate of each joint in each frame.

    The unit is the length of the torso in the clip (:func:`torso_length`), not
    the metre: some data sets are in metres, others in millimetres or in the
    units of a pose estimator, and children are smaller. The torso of an adult
    is about half a metre long, so 0.04 is about two centimetres.

    Args:
        layout (str | dict): See :func:`lvlm_var_mm.layouts.load_layout`. In
            layouts of pictures, a third coordinate is a score and stays as it
            is.
        std (float): Standard deviation in torso lengths.
        seed (int, optional): See :class:`Disturbance`.

    Raises:
        ValueError: The layout does not name shoulders and hips.
    """

    def __init__(self, layout: LayoutLike, std: float,
                 seed: Optional[int] = 0) -> None:
        super().__init__(seed)
        self.layout, self.std = load_layout(layout), std
        if std < 0:
            raise ValueError(f'JitterJoints: `std` is {std}, must not be '
                             'below 0')
        if not self.layout.has_trunk:
            raise ValueError(f'joint layout {self.layout.name} does not name '
                             'shoulders and hips: set `joints` of the layout')

    @property
    def is_off(self) -> bool:
        return not self.std

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        keypoint, there = seen_joints(results)
        noise = rng.standard_normal(keypoint.shape, np.float32)
        if self.layout.picture:
            noise[..., 2:] = 0
        size = np.float32(self.std * torso_length(results, self.layout))
        results['keypoint'] = masked(keypoint + size * noise, there)


@TRANSFORMS.register_module()
class StretchTime(Disturbance):
    """Slow down or speed up the clip, or a piece of it: the number of frames
    changes, their rate does not. Joints are interpolated linearly.

    A pipeline that samples a fixed number of frames from the whole clip undoes
    an even stretch. Stretching a piece changes the rhythm.

    Modified Keys, beside those of :class:`Disturbance`: total_frames.

    Args:
        factor (float): Duration of the piece, 2 for twice as long; 1 leaves
            the clip as it is.
        part (float): Length of the piece as part of the clip, at a random
            place.
        seed (int, optional): See :class:`Disturbance`.
    """

    def __init__(self, factor: float, part: float = 1.,
                 seed: Optional[int] = 0) -> None:
        super().__init__(seed)
        if factor <= 0:
            raise ValueError(f'StretchTime: `factor` is {factor}, must be '
                             'above 0')
        self.factor, self.part = factor, checked_part('part', part)

    @property
    def is_off(self) -> bool:
        return self.factor == 1 or not self.part

    def disturb(self, results: Dict, rng: np.random.Generator) -> None:
        last = results['keypoint'].shape[1] - 1
        length = self.part * last
        start = rng.random() * (last - length)
        end = last + (self.factor - 1) * length
        # New time -> old time, with a bend at either end of the piece.
        at = np.interp(
            np.linspace(0, end, max(round(end), min(last, 1)) + 1),
            [0, start, start + self.factor * length, end],
            [0, start, start + length, last])
        results.update(frames_at(results, at), total_frames=len(at))
