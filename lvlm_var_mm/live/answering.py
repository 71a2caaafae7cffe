"""Make a clip of the frames of a window, and answer it.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.answers import Answer, Ask, for_pipeline
from lvlm_var_mm.apis.clips import Clip, Reading
from lvlm_var_mm.apis.measuring import ANY, by_joints, no_trunk
from lvlm_var_mm.apis.reading import of_landmarks, read_input
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.datasets.annotations import RATES
from lvlm_var_mm.pose import blazepose
from .capture import Frame
from .sources import Source


class ByModel:
    """Answer clips by a model, as :class:`ActionInferencer` does.

    Args:
        inferencer (ActionInferencer): With the model.
        ask (Ask): What to tell. Reasons take longest, so by default there
            are none.
    """

    def __init__(self, inferencer: ActionInferencer,
                 ask: Ask = Ask(reasons=False)) -> None:
        self.inferencer, self.ask = inferencer, ask
        self.wanted: Wanted = inferencer.wanted

    def __call__(self, clip: Clip) -> Answer:
        """Answer a clip; with ``error`` where the model fails."""
        data = self.inferencer.pipeline(for_pipeline(clip, self.wanted))
        return self.inferencer.predict([clip], [data], self.ask)[0]


class ByJoints:
    """Tell what the joints alone say: no model, no training.

    Args:
        classes (str | list, optional): Names with descriptions, see
            :func:`lvlm_var_mm.class_lists.load_classes`, to choose from.
    """
    wanted: Wanted = ANY

    def __init__(self, classes: Union[str, Sequence, None] = None) -> None:
        self.classes = None if classes is None else load_classes(classes)

    def __call__(self, clip: Clip) -> Answer:
        """Answer a clip.

        Raises:
            ValueError: The layout names no trunk.
        """
        if not clip.layout.has_trunk:
            raise ValueError(no_trunk(clip))
        return by_joints(clip, self.classes)


class Window(NamedTuple):
    """The frames of a window, and the landmarks of each if a pose was
    estimated."""
    frames: Sequence[Frame]
    landmarks: Optional[Sequence[blazepose.Landmarks]] = None

    def rate(self, nominal: Optional[float], usual: float) -> float:
        """Return its frames a second: those of the source, unless frames
        between its first and its last are missing or only the clock tells.

        Args:
            nominal (float, optional): Of the source.
            usual (float): For a single frame of which nothing is known.
        """
        first, last = self.frames[0], self.frames[-1]
        between = len(self.frames) - 1
        if nominal and last.number - first.number == between:
            return nominal
        if not between or last.time <= first.time:
            return nominal or usual
        return float(np.clip(between / (last.time - first.time), *RATES))

    def span(self, nominal: Optional[float], usual: float
             ) -> Tuple[float, float]:
        """Return the seconds at which it begins and ends; ``nominal`` and
        ``usual`` as of :meth:`rate`."""
        frame = 1 / (nominal or self.rate(nominal, usual))
        return self.frames[0].time, self.frames[-1].time + frame


def clip_of(window: Window, source: Source, wanted: Wanted, how: Reading
            ) -> Optional[Clip]:
    """Return the clip of a window, as ``ActionInferencer`` reads one of these
    frames; None where nobody is seen.

    Raises:
        ValueError: The model cannot read it; says why.
    """
    fps = window.rate(source.fps, wanted.fps)
    contents = [frame.content for frame in window.frames]
    if window.landmarks is not None:
        seen = blazepose.stack(window.landmarks)
        if not seen.visible.any():
            return None
        return of_landmarks(source.name, source.name, seen, fps, wanted, how,
                            contents[0]['shape'])
    if 'image' in contents[0]:
        # A list, not an array: nothing is copied but what the model samples.
        return Clip(source.name, source.name, dict(
            array=[c['image'] for c in contents], start_index=0,
            total_frames=len(contents), modality='RGB', avg_fps=fps), fps,
            len(contents))
    joints: Dict[str, Any] = dict(
        keypoint=np.stack([c['joints'] for c in contents], 1), fps=fps)
    if 'score' in contents[0]:
        joints['keypoint_score'] = np.stack([c['score'] for c in contents], 1)
    if source.img_shape is not None:
        joints['img_shape'] = source.img_shape
    if not np.nan_to_num(joints['keypoint']).any():
        return None
    return read_input(source.name, joints, wanted,
                      Reading(layout=source.layout))
