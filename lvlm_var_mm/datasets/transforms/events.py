"""Body-part events in a pipeline, for whatever names or checks tokens."""
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.kinematics import Axes, observe
from lvlm_var_mm.kinematics.axes import usual_up
from lvlm_var_mm.kinematics.rows import COLUMNS, to_decidable, to_rows
from lvlm_var_mm.kinematics.vocabulary import VERSION
from lvlm_var_mm.layouts import Layout, load_layout
from mmaction.registry import TRANSFORMS

Kept = Tuple[np.ndarray, np.ndarray]  # events (Q, 5), decidable (E, )
Name = Tuple[str, Optional[int]]  # frame_dir, sample_idx


def events_key(layout: Union[str, dict, Layout], fps: float,
               up: Optional[Sequence[float]] = None,
               mirrored: bool = False) -> str:
    """Return what events depend on beside the joints, as a text: equal keys,
    equal events."""
    layout = load_layout(layout)
    up = ' '.join(f'{x:g}' for x in up or layout.up)
    return (f'{VERSION}; {" ".join(COLUMNS)}, decidable; '
            f'{" ".join(layout.joints)}; {fps:g} fps; up {up}'
            + '; mirrored' * mirrored
            # Older tables counted joints in pictures that have no score.
            + '; as seen' * layout.picture)


def declared(layout: Union[str, dict, Layout], dims: int,
             up: Optional[Sequence[float]] = None,
             mirrored: bool = False) -> Axes:
    """Return the axes of a data set as its config has them: a clip in which
    somebody lies does not ask anew."""
    return Axes(tuple(up or usual_up(load_layout(layout), dims)), mirrored)


def name_of(results: Dict) -> Optional[Name]:
    """Return what tells a clip from all others of a data set, None without a
    ``frame_dir``: parts of one video may share that."""
    name = results.get('frame_dir')
    return None if name is None else (name, results.get('sample_idx'))


@TRANSFORMS.register_module()
class BodyPartEvents(BaseTransform):
    """Measure what the persons of a clip do, from their joints as recorded:
    before anything turns, resamples or cuts them.

    Those that the results bring, of a store or a pickle that kept them, are
    taken if they were measured as here; a data set in memory has them
    measured before it is read (:mod:`lvlm_var_mm.datasets.events`). Other
    clips are remembered by ``frame_dir`` and ``sample_idx``, except those that
    a :class:`~.disturb.Disturbance` has changed.

    Required Keys: keypoint, or keypoint_3d and video_frames of a paired data
    set, whose events then are on the clock of the video. Optional Keys:
    events, decidable, events_key and disturbed. Added Keys: events,
    decidable, fps.
    ``events`` is float32 (Q, 5), a row for each event of any person: its
    number in ``lvlm_var_mm.kinematics.NAMES``, its start and its end in
    seconds, its magnitude and the person. ``decidable`` is bool (E, ), of
    which kinds the joints tell whether they happened. Both together make an
    observation: :func:`lvlm_var_mm.kinematics.observation_of`.

    Args:
        layout (str | dict): Names of the joints, see
            :func:`lvlm_var_mm.layouts.load_layout`.
        fps (float): Frames per second, where the results have no ``fps``.
        up (sequence, optional): The direction that points up, one for the
            whole data set. Defaults to that of the layout, mostly y, and to
            -y in a picture; the doctor questions it.
        mirrored (bool): Whether coordinates are those of a mirror.

    Attributes:
        key (str): Of :func:`events_key`.
    """

    def __init__(self,
                 layout: Union[str, Dict],
                 fps: float = 30.,
                 up: Optional[Sequence[float]] = None,
                 mirrored: bool = False) -> None:
        self.layout, self.fps = load_layout(layout), fps
        self.up, self.mirrored = up, mirrored
        self.key = events_key(layout, fps, up, mirrored)
        self._seen: Dict[Name, Kept] = {}

    def remember(self, events: Dict[Name, Kept]) -> None:
        """Take the events of clips and what can be decided, by
        :func:`name_of`."""
        self._seen.update(events)

    def transform(self, results: Dict) -> Dict:
        fps = results.setdefault('fps', self.fps)
        # Those of a pair are on another clock.
        if results.pop('events_key', None) == self.key and (
                'keypoint_3d' not in results):
            return results
        # Neither taken from the clip as it was recorded, nor kept for it.
        name = None if results.get('disturbed') else name_of(results)
        kept = self._seen.get(name)
        if kept is None:
            joints, first = joints_of(results)
            seen = observe(joints, self.layout, fps, declared(
                self.layout, joints.shape[-1], self.up, self.mirrored))
            kept = to_rows(seen), to_decidable(seen)
            kept[0][:, 1:3] += first / fps
            if name is not None:
                self._seen[name] = kept
        results['events'], results['decidable'] = kept
        return results


def joints_of(results: Dict) -> Tuple[np.ndarray, int]:
    """Return joints (M, T, V, C), those without a score as zeros, and the
    number of the first frame; of a pair T counts the frames of the video, from
    the first to the last that shows somebody."""
    if 'keypoint_3d' not in results:
        joints, score = results['keypoint'], results.get('keypoint_score')
        if score is not None:
            joints = joints * (score > 0)[..., None]
        return joints, 0
    joints, frames = results['keypoint_3d'], results.get('video_frames')
    if frames is None or not len(frames):
        return joints, 0
    first = int(frames[0])
    persons, _, *point = joints.shape
    whole = np.full((persons, frames[-1] + 1 - first, *point), np.nan,
                    joints.dtype)
    whole[:, frames - first] = joints
    return whole, first


@TRANSFORMS.register_module()
class ClipSpan(BaseTransform):
    """Note what part of a video was sampled: with it and
    :class:`BodyPartEvents` the codes of videos have names, and their
    narratives times. Stands behind the sampling; ``ResampleFrames`` says it of
    skeletons.

    Of several clips it is the first, whose tokens the narrative describes.
    Where a short video was looped, there is none.

    A ``Flip`` in the pipeline would make left right, and names wrong.

    Required Keys: frame_inds, clip_len, frame_interval, and fps or avg_fps.
    Added Keys: span, seconds of the beginning and of the end.
    """

    def transform(self, results: Dict) -> Dict:
        fps = results.get('fps') or results['avg_fps']
        frames = results['frame_inds'].flatten()[:results['clip_len']]
        between = np.diff(frames)
        if (between >= 0).all():
            # UniformSample has no interval of its own.
            step = results['frame_interval'] or between.mean()
            results['span'] = (float(frames[0] / fps),
                               float((frames[-1] + step) / fps))
        return results
