"""One clip of skeletons, out of any of the forms it may come in.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
import json
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np
from numpy.typing import ArrayLike

from lvlm_var_mm.datasets.annotations import checked_rate
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton
from lvlm_var_mm.datasets.pickles import load_pickle
from lvlm_var_mm.datasets.plain import parsed
from lvlm_var_mm.kinematics.questions import far_outside, in_parts, is_score
from lvlm_var_mm.layouts import Layout
from lvlm_var_mm.pose import follow, read_results

# OpenPose's BODY_25 without the middle of the hips and the feet, in the order
# of its older 18 (output format in the documentation of OpenPose).
BODY_25 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]


def read_clip(path: Path, layout: Layout, max_persons: int = 2,
              img_shape: Optional[Tuple[int, int]] = None) -> Dict:
    """Read a clip.

    Args:
        path (Path): ``.npy`` with (M, T, V, C) or (T, V, C), of C = 4 the
            last is a score; ``.npz`` with such a ``keypoint`` and by option
            ``keypoint_score`` (M, T, V), ``fps`` or ``timestamps`` (T, ) in
            seconds; ``.pkl``, an annotation of MMAction2's PoseDataset, only
            from where you trust; ``.skeleton`` of NTU RGB+D; ``.json`` of
            MMPose or rtmlib (:mod:`lvlm_var_mm.pose.results`); or a folder of
            OpenPose's ``*_keypoints.json``, one per frame. A joint that is
            NaN, zero or has no score is missing.
        layout (Layout): Of the joints.
        max_persons (int): M at most, the first that are seen.
        img_shape (tuple[int, int], optional): Height and width of the
            picture, for 2D that does not say its own; 1 1 where coordinates
            are parts of it.

    Returns:
        dict: ``keypoint`` float32 (M, T, V, C), zero where a joint is
        missing; where it is known ``fps``; and, of 2D, ``keypoint_score``
        (M, T, V), 1 where none is known, and ``img_shape``. Coordinates that
        are parts of a picture of known size are made its pixels, and
        ``in_parts`` says so.

    Raises:
        CorruptSampleError: Anything else.
        ValueError: 2D without ``img_shape``.
    """
    try:
        raw = parsed(_read, path, max_persons)
        keypoint = np.asarray(raw['keypoint'], np.float32)
        score = raw.get('keypoint_score')
    except CorruptSampleError:
        raise
    except Exception as e:  # a damaged file may raise anything
        raise CorruptSampleError(
            path, f'cannot be read ({type(e).__name__}: {e})') from e
    if keypoint.ndim == 3:
        keypoint = keypoint[None]
    recorded = keypoint.shape[1] if keypoint.ndim == 4 else 0
    total = raw.get('total_frames')  # the rest is padding
    if total is not None and keypoint.ndim == 4:
        persons, frames, joints = keypoint.shape[:3]
        try:
            number = int(total)
        except (TypeError, ValueError):
            number = 0
        if not 0 < number <= frames:
            raise CorruptSampleError(path, f'has `total_frames` {total!r}, '
                                     f'but {frames} frames in `keypoint`')
        keypoint = keypoint[:, :number]
        if score is not None and np.size(score) == (
                persons * frames * joints):
            score = np.reshape(score, (persons, frames, joints))[:, :number]
    shape = keypoint.shape
    if len(shape) != 4 or not keypoint.size or shape[3] not in (2, 3, 4):
        raise CorruptSampleError(
            path, f'has keypoints of shape {shape}, not (persons, frames, '
            'joints, 2 or 3)')
    keypoint, score = without_feet(keypoint, score, layout)
    if keypoint.shape[2] != layout.num_joints:
        raise CorruptSampleError(path, f'has {shape[2]} joints, layout '
                                 f'{layout.name} has {layout.num_joints}')
    if shape[3] == 4 or layout.picture and shape[3] == 3 and is_score(
            keypoint[..., 2]):
        keypoint, score = keypoint[..., :-1], keypoint[..., -1]
    lost = np.isnan(keypoint).any(-1)
    if score is not None:
        score = _score(path, score, keypoint)
        lost |= score <= 0
        score = np.where(lost, np.float32(0), score)
    keypoint = np.where(lost[..., None], np.float32(0), keypoint)
    if not np.isfinite(keypoint).all():
        raise CorruptSampleError(path, 'has coordinates that are not finite')
    seen = np.flatnonzero(keypoint.any((1, 2, 3)))[:max_persons]
    if not len(seen):
        raise CorruptSampleError(path, 'shows nobody: all is zero, NaN or '
                                 'without a score')
    keypoint = np.ascontiguousarray(keypoint[seen])
    clip = dict(keypoint=keypoint, **_rate(path, raw, shape[1], recorded))
    if keypoint.shape[3] == 2:
        clip['keypoint_score'] = (keypoint.any(-1).astype(np.float32)
                                  if score is None else score[seen])
        shape = clip['img_shape'] = _img_shape(path, raw, img_shape)
        reach = np.abs(keypoint).max((0, 1, 2))
        if in_parts(reach, shape):
            clip.update(keypoint=keypoint * np.float32(shape[::-1]),
                        in_parts=True)
        elif far_outside(reach, shape):
            raise CorruptSampleError(
                path, f'has joints as far as {reach[0]:.0f}, {reach[1]:.0f}, '
                f'but its picture is {shape[1]} wide and {shape[0]} high: '
                'give --img-shape HEIGHT WIDTH in the unit of the joints')
    return clip


def without_feet(keypoint: np.ndarray, score: Optional[ArrayLike],
                 layout: Layout) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Choose, of OpenPose's 25 joints (M, T, 25, C) and their scores, the 18
    of its older order, if that is the layout; else return them as they
    are."""
    if keypoint.shape[2] != 25 or layout.name != 'openpose18':
        return keypoint, score
    return keypoint[:, :, BODY_25], (
        None if score is None else np.asarray(score)[..., BODY_25])


def _score(path: Path, score, keypoint: np.ndarray) -> np.ndarray:
    score = np.nan_to_num(np.asarray(score, np.float32), posinf=np.inf)
    if score.size != keypoint[..., 0].size or not np.isfinite(score).all():
        raise CorruptSampleError(
            path, f'has scores of shape {score.shape} that do not go with '
            f'keypoints of {keypoint.shape}, or are not finite')
    return score.reshape(keypoint.shape[:3])


def _img_shape(path: Path, raw: Dict, given) -> Tuple[int, int]:
    shape = raw.get('img_shape')
    if shape is None:
        shape = given
    if shape is None:
        raise ValueError(f'{path} is 2D and does not say how large the '
                         'picture is: give --img-shape HEIGHT WIDTH')
    height, width = shape
    return int(height), int(width)


def _rate(path: Path, raw: Dict, frames: int, recorded: int
          ) -> Dict[str, float]:
    """``fps``, if the file says it; of padding there may be timestamps."""
    try:
        times = raw.get('timestamps')
        if times is not None:
            if np.size(times) == recorded:
                times = np.ravel(times)[:frames]
            return dict(fps=frames_a_second(times, frames))
        fps = raw.get('fps')
        return {} if fps is None else dict(fps=checked_rate(float(fps)))
    except (TypeError, ValueError) as e:
        raise CorruptSampleError(path, f'has no usable clock: {e}') from e


def frames_a_second(timestamps: ArrayLike, frames: int) -> float:
    """Frames per second of a clip by the seconds (T, ) of its frames.

    Raises:
        ValueError: Another number of them, or they do not rise.
    """
    times = np.asarray(timestamps, np.float64).ravel()
    if len(times) != frames or frames < 2:
        raise ValueError(f'{len(times)} timestamps for {frames} frames; two '
                         'or more are needed')
    if not (np.diff(times) > 0).all():
        raise ValueError('timestamps that do not rise')
    return checked_rate((frames - 1) / (times[-1] - times[0]))


def read_timestamps(path: Path) -> np.ndarray:
    """Read the seconds of frames from ``.npy``, or from text with one number
    per line.

    Raises:
        CorruptSampleError: Something else is there.
    """
    try:
        if path.suffix == '.npy':
            return parsed(np.load, path).astype(np.float64)
        return np.loadtxt(path, np.float64, ndmin=1)
    except Exception as e:  # the same
        raise CorruptSampleError(path, f'no timestamps: {e}') from e


# ------------------------------------------------------------------ the forms
def _read(path: Path, max_persons: int) -> Dict:
    if path.is_dir():
        return _openpose(path)
    suffix = path.suffix.lower()
    if suffix == '.skeleton':
        return real_persons(read_skeleton(path), max_persons)
    if suffix == '.npy':
        return dict(keypoint=np.load(path))
    if suffix == '.npz':
        with np.load(path) as arrays:
            names = arrays.files
            if 'keypoint' not in names and len(names) != 1:
                raise ValueError(f'has {names}, but no `keypoint`')
            return {'keypoint': arrays[names[0]],
                    **{name: arrays[name] for name in names}}
    if suffix == '.json':
        return read_results(path)
    if suffix in ('.pkl', '.pickle'):
        content = load_pickle(str(path))
        return dict(content, keypoint=content['keypoint'])
    raise CorruptSampleError(
        path, f'is no form of skeletons that is known ({path.suffix or "no"} '
        'ending; .npy, .npz, .pkl, .skeleton, .json of MMPose or a folder of '
        'OpenPose)')


def _natural(file: Path) -> List:
    """2_keypoints.json before 10_keypoints.json."""
    return [int(part) if part.isdigit() else part
            for part in re.split(r'(\d+)', file.name)]


def _openpose(folder: Path) -> Dict:
    """OpenPose numbers persons anew in each frame: they are followed."""
    files = sorted(folder.glob('*_keypoints.json'), key=_natural)
    if not files:
        raise CorruptSampleError(folder, 'has no *_keypoints.json')
    frames = []
    for file in files:
        try:
            people = json.loads(file.read_text('utf-8'))['people']
            frames.append([
                np.reshape(p['pose_keypoints_2d'], (-1, 3)).astype(np.float64)
                for p in people])
        except Exception as e:  # whatever stands there
            raise CorruptSampleError(
                file, f'is no frame of OpenPose ({type(e).__name__}: '
                f'{str(e)[:80]})') from e
    joints = {len(person) for frame in frames for person in frame}
    if len(joints) != 1:
        raise CorruptSampleError(folder, 'shows nobody' if not joints else
                                 f'mixes skeletons of {sorted(joints)} joints')
    empty = np.zeros((0, joints.pop(), 3))
    frames = [np.stack(frame) if frame else empty for frame in frames]
    keypoint, score = follow([(f[..., :2], f[..., 2]) for f in frames])
    return dict(keypoint=keypoint, keypoint_score=score)
