"""Read whatever a user has into what a test pipeline begins with."""
import os
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union

import decord
import numpy as np

from lvlm_var_mm.datasets.annotations import tidy
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.video import check_video
from lvlm_var_mm.layouts import Layout, load_layout
from lvlm_var_mm.pose import blazepose, convert
from lvlm_var_mm.preparation.custom_skeleton import read_clip, without_feet
from lvlm_var_mm.preparation.file_layout import layout_by_shape, layout_of_file
from .clips import MOST_PERSONS, Clip, Reading
from .inputs import JOINTS, VIDEOS, Source
from .problems import file_of, told
from .wanted import Wanted

NTU_RATE = 30.  # frames per second of NTU RGB+D, which its files do not say


def read_clips(name: str, source: Source, wanted: Wanted, how: Reading
               ) -> Tuple[Dict[str, Any], List[Clip]]:
    """Read one input, whatever it is.

    Returns:
        tuple: The prediction so far, ``name`` and ``source`` with ``frames``,
        ``fps``, ``seconds`` and perhaps ``notes``, or with an ``error``; and
        the clips, one for each person with an answer of its own.

    Raises:
        ImportError: ``how.pose`` is not installed.
    """
    where = file_of(name, source)
    prediction: Dict[str, Any] = dict(name=name, source=where)
    try:
        clip = read_input(name, source, wanted, how)
    except ImportError:
        raise
    except Exception as e:  # a file may be anything
        if os.environ.get('LVLM_VAR_TRACEBACK'):
            raise
        return dict(prediction, error=told(where, e, name)), []
    prediction.update(frames=clip.frames, fps=clip.fps,
                      seconds=round(clip.frames / clip.fps, 3))
    if clip.notes:
        prediction['notes'] = clip.notes
    if how.persons == 'each' and clip.keypoint is None:
        prediction['notes'] = [*clip.notes, 'the model reads whole pictures: '
                               'one answer for all who are in them']
    elif how.persons == 'each':
        return prediction, clip.each()
    return prediction, [clip]


def read_input(name: str, source: Source, wanted: Wanted, how: Reading
               ) -> Clip:
    """Read one input.

    Args:
        name (str): What it is called.
        source: As :func:`listed` gives it.
        wanted (Wanted): What the model takes.
        how (Reading): What the user says of it.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is nothing that the model can read; says why, and what
            to do.
        ImportError: ``how.pose`` is not installed.
    """
    if isinstance(source, dict):
        return _annotation(name, source, wanted, how)
    if isinstance(source, np.ndarray):
        return _array(name, source, wanted, how)
    if not isinstance(source, Path):
        raise ValueError(f'is a {type(source).__name__}: give a path, an '
                         'array or an annotation')
    if not source.exists():
        raise FileNotFoundError('no such file or folder')
    if source.suffix.lower() in VIDEOS:
        return _video(name, source, wanted, how)
    if wanted.video:
        raise ValueError('is no video, and the model reads videos '
                         f'({", ".join(VIDEOS[:5])} ...) or arrays of '
                         'frames')
    if source.is_dir() and next(source.glob('*_keypoints.json'), None) is None:
        raise ValueError('has nothing in it that can be read: '
                         f'{", ".join(JOINTS)}, videos, or *_keypoints.json '
                         'of OpenPose')
    if source.is_file() and source.suffix.lower() not in JOINTS:
        raise ValueError(f'is of no kind that can be read: {", ".join(JOINTS)}'
                         f', or a video ({", ".join(VIDEOS[:5])} ...)')
    layout = load_layout(how.layout) if how.layout else layout_of_file(
        source, wanted.layout)
    most = max(wanted.persons, 2) if how.persons == 'together' else (
        MOST_PERSONS)
    try:
        found = read_clip(source, layout, most, how.img_shape)
    except CorruptSampleError as e:
        raise ValueError(e.problem) from e
    if source.suffix.lower() == '.skeleton':
        found.setdefault('fps', how.fps or NTU_RATE)
    return _skeleton(name, str(source), found, layout, wanted, how)


def _annotation(name: str, source: Dict, wanted: Wanted, how: Reading
                ) -> Clip:
    file = str(source.get('source') or name)
    if 'keypoint' not in source and source.get('filename'):
        clip = _video(name, Path(source['filename']), wanted, how,
                      'boxes' in source)
        clip.results = {**{k: v for k, v in source.items()
                           if k not in ('label', 'source')}, **clip.results}
        return clip
    if wanted.video:
        raise ValueError('is an annotation of joints, and the model reads '
                         'videos')
    if np.ndim(source.get('keypoint')) != 4:
        raise ValueError(
            f'has `keypoint` of shape {np.shape(source.get("keypoint"))}, not '
            '(persons, frames, joints, coordinates)')
    found = tidy({'frame_dir': name, **{
        k: v for k, v in source.items()
        if k not in ('label', 'source') and v is not None}}, file)
    layout = load_layout(how.layout) if how.layout else layout_by_shape(
        found['keypoint'].shape, Path(file), wanted.layout)
    keypoint, score = without_feet(found['keypoint'],
                                   found.get('keypoint_score'), layout)
    found['keypoint'] = keypoint
    if score is not None:
        found['keypoint_score'] = score
    return _skeleton(name, file, found, layout, wanted, how)


def _array(name: str, array: np.ndarray, wanted: Wanted, how: Reading
           ) -> Clip:
    """Frames (T, H, W, 3) uint8, else joints (M, T, V, C) or (T, V, C)."""
    if array.dtype != np.uint8:
        found = array[None] if array.ndim == 3 else array
        return _annotation(name, dict(keypoint=found), wanted, how)
    if array.ndim != 4 or array.shape[-1] != 3 or not array.size:
        raise ValueError(f'is an array of shape {array.shape}, not (frames, '
                         'height, width, 3)')
    fps = how.fps or wanted.fps
    if how.pose:
        return _posed(name, name, blazepose.look(array), array, fps, wanted,
                      how)
    if not wanted.video:
        raise ValueError(NO_POSE)
    return Clip(name, name, dict(
        array=array, total_frames=len(array), start_index=0, modality='RGB',
        avg_fps=fps), fps, len(array), video=array)


ONE_PERSON = ('BlazePose follows one person: for an answer of each, give '
              'joints of several, such as results of MMPose or rtmlib')
NO_POSE = ('is a video, and the model reads joints: estimate them with '
            'pose=\'mediapipe\' (--pose mediapipe), or give joints in a file')


def _video(name: str, path: Path, wanted: Wanted, how: Reading,
           boxes: bool = False) -> Clip:
    if not wanted.video and not how.pose:
        raise ValueError(NO_POSE)
    if wanted.boxes and not boxes:
        raise ValueError(
            'does not say where persons are, and the model sees no more than '
            'them (PersonCrop): give an annotation with `filename`, `boxes` '
            'and what else the pipeline reads')
    try:
        check_video(path)
    except CorruptSampleError as e:
        raise ValueError(e.problem) from e
    video = decord.VideoReader(str(path), num_threads=1)
    fps = video.get_avg_fps() or how.fps or wanted.fps
    if how.pose and not wanted.video:
        return _posed(name, str(path), blazepose.look_at_video(str(path)),
                      str(path), fps, wanted, how)
    return Clip(name, str(path), dict(
        filename=str(path), start_index=0, modality='RGB'), fps, len(video),
        video=str(path))


def _posed(name: str, source: str, landmarks: Iterator[blazepose.Landmarks],
           video: Union[str, np.ndarray], fps: float, wanted: Wanted,
           how: Reading) -> Clip:
    seen = blazepose.stack(landmarks)
    clip = of_landmarks(name, source, seen, fps, wanted, how,
                        _img_shape(video))
    clip.video = video
    if how.persons == 'each':
        clip.notes.append(ONE_PERSON)
    return clip


def _img_shape(video: Union[str, np.ndarray]) -> Tuple[int, int]:
    frame = decord.VideoReader(video, num_threads=1)[0].asnumpy() if (
        isinstance(video, str)) else video[0]
    return frame.shape[:2]


def of_landmarks(name: str, source: str, seen: blazepose.Landmarks,
                 fps: float, wanted: Wanted, how: Reading,
                 img_shape: Tuple[int, int]) -> Clip:
    """Make a clip of BlazePose's landmarks of T frames.

    Raises:
        ValueError: Nobody is seen in any frame.
    """
    if not seen.visible.any():
        raise ValueError(f'shows nobody whom BlazePose finds in '
                         f'{len(seen.visible)} frames')
    if wanted.dims == 2:
        found = dict(blazepose.in_picture(seen), img_shape=img_shape)
    else:
        found = dict(keypoint=blazepose.in_space(seen)['keypoint'])
    clip = _skeleton(name, source, dict(found, fps=fps), blazepose.LAYOUT,
                     wanted, how)
    if clip.keypoint.shape[3] == 3:
        there = seen.visible >= blazepose.VISIBLE
        clip.in_picture = np.where(there[..., None], seen.pixels, 0)[None], (
            blazepose.LAYOUT)
    return clip


def _skeleton(name: str, source: str, found: Dict, layout: Layout,
              wanted: Wanted, how: Reading) -> Clip:
    keypoint, score = found['keypoint'], found.get('keypoint_score')
    notes = []
    if keypoint.shape[2] != layout.num_joints:
        raise ValueError(f'has {keypoint.shape[2]} joints, layout '
                         f'{layout.name} has {layout.num_joints}')
    if wanted.dims not in (None, keypoint.shape[3]):
        raise ValueError(
            f'has joints of {keypoint.shape[3]} coordinates, and the model '
            f'reads {wanted.dims}: give 3D joints, or videos with pose='
            "'mediapipe' (--pose mediapipe)" if wanted.dims == 3 else
            f'has joints of {keypoint.shape[3]} coordinates, and the model '
            f'reads {wanted.dims}, pixels of a picture')
    keypoint, score = _finite(keypoint, score)
    if wanted.layout and layout.joints != wanted.layout.joints:
        keypoint, score = convert(keypoint, score, layout, wanted.layout)
        notes.append(f'joints of {layout.name} were made those of '
                     f'{wanted.layout.name}')
        layout = wanted.layout
    results = {k: v for k, v in found.items()
               if k not in ('frame_dir', 'in_parts')}
    if found.get('fps') or how.fps:
        results['fps'] = float(found.get('fps') or how.fps)
    if keypoint.shape[3] == 2:
        shape = found.get('img_shape', how.img_shape)
        if shape is None:
            raise ValueError('is 2D and does not say how large the picture '
                             'is: give img_shape=(height, width) '
                             '(--img-shape HEIGHT WIDTH)')
        results.update(img_shape=tuple(shape), original_shape=tuple(shape))
        if score is None:
            score = keypoint.any(-1).astype(np.float32)
    if score is not None and keypoint.shape[3] == 2:
        results['keypoint_score'] = score
    if 'fps' not in results:
        notes.append(f'{wanted.fps:g} frames a second are assumed: give '
                     'another number by fps (--fps)')
    results.update(keypoint=keypoint, total_frames=keypoint.shape[1],
                   start_index=0, modality='Pose')
    seen = keypoint if score is None else keypoint * (score > 0)[..., None]
    return Clip(name, source, results, results.get('fps', wanted.fps),
                keypoint.shape[1], seen, layout, notes=notes)


def _finite(keypoint: np.ndarray, score: Optional[np.ndarray]
            ) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """A joint that is NaN was not seen."""
    lost = np.isnan(keypoint).any(-1, keepdims=True)
    keypoint = np.where(lost, keypoint.dtype.type(0), keypoint)
    if not keypoint.any():
        raise ValueError('shows nobody: all is zero or NaN')
    if not np.isfinite(keypoint).all() or (
            score is not None and not np.isfinite(score).all()):
        raise ValueError('has coordinates or scores that are not finite')
    return keypoint, score
