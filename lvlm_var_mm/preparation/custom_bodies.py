"""Infer axes, clock and layout from the bodies of your own clips."""
from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence

import numpy as np

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.kinematics.axes import (SURE, Axes, axis_name, check_up,
                                         usual_up)
from lvlm_var_mm.kinematics.questions import (Question, Seen, ask_axes,
                                              ask_order, ask_pace, ask_unit,
                                              axes_of, look_at)
from lvlm_var_mm.layouts import Layout
from .custom_table import Row

USUAL_FPS = 30.
KEPT = 8  # clips by which other layouts are tried


class Bodies(NamedTuple):
    """The conclusions.

    Attributes:
        dims (int): Coordinates of a joint, 2 or 3.
        persons (int): M.
        axes (Axes): Up and handedness of all clips.
        fps (float): Frames per second of clips that do not say theirs.
        notes (list[str]): What was found, assumed or is doubtful.
    """
    dims: int
    persons: int
    axes: Axes
    fps: float
    notes: List[str]


class Study:
    """Gathers what clips say, one by one.

    Args:
        layout (Layout): Of the joints.
        fps (float, optional): Frames per second, as given by the user.
        up (sequence, optional): (3, ), the direction that points up, as given
            by the user.
    """

    def __init__(self, layout: Layout, fps: Optional[float],
                 up: Optional[Sequence[int]]) -> None:
        self.layout, self.fps, self.up = layout, fps, up
        self.dims, self.persons = None, 1
        self.seen: List[Seen] = []
        self.rates: List[Optional[float]] = []
        self.some: List[np.ndarray] = []
        self.in_parts = 0

    def add(self, row: Row, clip: Dict) -> None:
        """Look at a clip.

        Raises:
            CorruptSampleError: It has more or fewer coordinates than those
                before.
        """
        keypoint = clip['keypoint']
        persons, *_, dims = keypoint.shape
        if dims != (self.dims or dims):
            raise CorruptSampleError(
                row.path, f'has {dims} coordinates a joint, the clips before '
                f'it {self.dims}')
        self.dims, self.persons = dims, max(self.persons, persons)
        self.seen.append(look_at(keypoint, self.layout))
        self.rates.append(clip.get('fps'))
        self.in_parts += clip.get('in_parts', False)
        if len(self.some) < KEPT:
            self.some.append(keypoint)

    def conclude(self) -> Bodies:
        """Decide for all clips together.

        Raises:
            ValueError: People stand on their heads by the ``up`` given.
        """
        told = [rate for rate in self.rates if rate is not None]
        fps = self.fps or (float(np.median(told)) if told else USUAL_FPS)
        order = ask_order(self.seen, self.layout, self.some)
        if self.dims == 2 or not self.layout.has_trunk:
            up = self.up if self.dims == 3 else None
            return Bodies(self.dims, self.persons, Axes(tuple(
                up or usual_up(self.layout, self.dims))), fps,
                [*self._about_pictures(), *_said(order)])
        if self.up is not None:
            check_up([s.evidence for s in self.seen], self.up)
        axes = axes_of(self.seen, self.layout, self.up)
        notes = _about(axes, self.up is not None)
        if order:  # what is measured on them means nothing
            notes += _said(order)
        else:
            rates = [rate or fps for rate in self.rates]
            notes += _said(ask_axes(self.seen, self.layout, axes))
            notes += [f'{q.text}: none needed, the config scales them'
                      for q in ask_unit(self.seen)[1]]
            notes += _said(ask_pace(self.seen, rates))
        if None in self.rates and not self.fps:
            notes.append(f'{fps:g} frames a second are assumed: give --fps, '
                         'or a column fps or timestamps')
        return Bodies(self.dims, self.persons, axes, fps, notes)

    def _about_pictures(self) -> List[str]:
        if not self.in_parts:
            return []
        return [f'{self.in_parts} clips have joints in 0..1: these were taken '
                'for parts of the picture and made its pixels']


def _about(axes: Axes, given: bool) -> List[str]:
    """Say which axes were found, and how surely."""
    notes = []
    if not given and axes.sure >= SURE:
        notes.append(f'{axis_name(axes.up)} points up, as {axes.sure:.0%} of '
                     'what shows standing bodies says')
    elif not given:
        notes.append(f'{axis_name(axes.up)} is taken to point up, but the '
                     'bodies do not tell: give --up if another axis does')
    if axes.mirrored:
        notes.append(
            f'toes or noses point backward in {axes.sure_hand:.0%} of the '
            'clips: the coordinates are taken for those of a mirror; if left '
            'and right joints are exchanged instead, correct the layout')
    return notes


def _said(questions: Iterable[Question]) -> List[str]:
    return [f'{q.text}: {q.remedy}' for q in questions]
