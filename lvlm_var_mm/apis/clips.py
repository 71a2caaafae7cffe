"""A clip as a test pipeline begins with it, and how inputs are read.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from lvlm_var_mm.datasets.annotations import checked_rate
from lvlm_var_mm.kinematics import Observation
from lvlm_var_mm.layouts import Layout

MOST_PERSONS = 16  # of a clip, each with an answer of its own


@dataclass
class Reading:
    """The way to read inputs; what a file says itself comes first.

    Attributes:
        fps (float, optional): Frames a second.
        layout (str | dict, optional): Of joints; by default the model's, or by
            their number.
        img_shape (tuple[int, int], optional): Height and width of the
            picture that 2D joints lie in.
        persons (str): ``'together'`` or ``'each'``.
        pose (str, optional): ``'mediapipe'`` estimates joints in videos.
    """
    fps: Optional[float] = None
    layout: Union[str, Dict, Layout, None] = None
    img_shape: Optional[Tuple[int, int]] = None
    persons: str = 'together'
    pose: Optional[str] = None

    def __post_init__(self) -> None:
        if self.persons not in ('together', 'each'):
            raise ValueError(f"`persons` is {self.persons!r}, must be "
                             "'together' or 'each'")
        if self.pose not in (None, 'mediapipe'):
            raise ValueError(f"`pose` is {self.pose!r}, must be 'mediapipe' "
                             'or None')
        if self.fps is not None:
            checked_rate(self.fps)


@dataclass
class Clip:
    """One clip, read.

    Attributes:
        name (str): What it is called.
        source (str): Its file, or which of the inputs it is.
        results (dict): What the test pipeline begins with.
        fps (float): Frames a second.
        frames (int): T.
        keypoint (np.ndarray, optional): (M, T, V, C) as recorded, zero where
            a joint is missing.
        layout (Layout, optional): Of the joints.
        video (str | np.ndarray, optional): File or frames, for pictures.
        in_picture (tuple, optional): Joints (M, T, V, 2) in pixels of the
            video and their layout, where they were estimated in it and
            ``keypoint`` is in space.
        notes (list[str]): What was assumed or converted.
        person (int, optional): Which person it is, of several with answers
            of their own; counted from 0.
        seen (Observation, optional): What :func:`.answers.observed` measured,
            once for the pipeline and the answer.
    """
    name: str
    source: str
    results: Dict[str, Any]
    fps: float
    frames: int
    keypoint: Optional[np.ndarray] = None
    layout: Optional[Layout] = None
    video: Union[str, np.ndarray, None] = None
    in_picture: Optional[Tuple[np.ndarray, Layout]] = None
    notes: List[str] = field(default_factory=list)
    person: Optional[int] = None
    seen: Optional[Observation] = None

    def each(self, alone: bool = False) -> List['Clip']:
        """Return a clip for each person that is seen; this one if there is
        but one, unless ``alone``."""
        seen = np.flatnonzero(self.keypoint.any((1, 2, 3)))[:MOST_PERSONS]
        return [self._of(int(m)) for m in seen] if (
            alone or len(seen) > 1) else [self]

    def _of(self, person: int) -> 'Clip':
        results = {k: v for k, v in self.results.items()
                   if k not in ('events', 'events_key')}
        for key in ('keypoint', 'keypoint_score'):
            if results.get(key) is not None:
                results[key] = results[key][person:person + 1]
        return replace(self, results=results, person=person, seen=None,
                       keypoint=self.keypoint[person:person + 1])
