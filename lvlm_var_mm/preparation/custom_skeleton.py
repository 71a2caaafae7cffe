"""One clip of skeletons, out of any of the forms it may come in.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
import json
import zipfile
from pathlib import Path
from typing import Dict, Optional, Tuple

import numpy as np

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton
from lvlm_var_mm.datasets.pickles import load_pickle
from lvlm_var_mm.layouts import Layout

# OpenPose's BODY_25 without the middle of the hips and the feet, in the order
# of its older 18 (output format in the documentation of OpenPose).
BODY_25 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18]
# Layouts of pictures: a third coordinate is the score.
PICTURE = 'coco17', 'openpose18'
_UNREADABLE = (OSError, EOFError, ValueError, KeyError, TypeError,
               AttributeError, ImportError, IndexError,
               zipfile.BadZipFile)


def read_clip(path: Path, layout: Layout, max_persons: int = 2,
              img_shape: Optional[Tuple[int, int]] = None) -> Dict:
    """Read a clip.

    Args:
        path (Path): ``.npy`` with (M, T, V, C) or (T, V, C); ``.npz`` with
            such a ``keypoint`` and by option ``keypoint_score`` (M, T, V);
            ``.pkl``, an annotation of MMAction2's PoseDataset, only from
            where you trust; ``.skeleton`` of NTU RGB+D; or a folder of
            OpenPose's ``*_keypoints.json``, a frame each.
        layout (Layout): Of the joints.
        max_persons (int): M at most, the first that are seen.
        img_shape (tuple[int, int], optional): Height and width of the
            picture, for 2D that does not say its own; 1 1 where coordinates
            are parts of it.

    Returns:
        dict: ``keypoint`` float32 (M, T, V, C) and, of 2D, ``keypoint_score``
        (M, T, V), 1 where none is known, and ``img_shape``.

    Raises:
        CorruptSampleError: Anything else.
        ValueError: 2D without ``img_shape``.
    """
    try:
        raw = _read(path, max_persons)
        keypoint = np.asarray(raw['keypoint'], np.float32)
        score = raw.get('keypoint_score')
    except CorruptSampleError:
        raise
    except _UNREADABLE as e:
        raise CorruptSampleError(
            path, f'cannot be read ({type(e).__name__}: {e})') from e
    if keypoint.ndim == 3:
        keypoint = keypoint[None]
    shape = keypoint.shape
    if len(shape) != 4 or not keypoint.size or shape[3] not in (2, 3):
        raise CorruptSampleError(
            path, f'has keypoints of shape {shape}, not (persons, frames, '
            'joints, 2 or 3)')
    if shape[2] == 25 and layout.name == 'openpose18':
        keypoint = keypoint[:, :, BODY_25]
        score = None if score is None else np.asarray(score)[..., BODY_25]
    if keypoint.shape[2] != layout.num_joints:
        raise CorruptSampleError(path, f'has {shape[2]} joints, layout '
                                 f'{layout.name} has {layout.num_joints}')
    if layout.name in PICTURE and keypoint.shape[3] == 3:
        keypoint, score = keypoint[..., :2], keypoint[..., 2]
    if not np.isfinite(keypoint).all():
        raise CorruptSampleError(path, 'has coordinates that are not finite')
    seen = np.flatnonzero(keypoint.any((1, 2, 3)))[:max_persons]
    if not len(seen):
        raise CorruptSampleError(path, 'shows nobody: all is zero')
    clip = dict(keypoint=np.ascontiguousarray(keypoint[seen]))
    if keypoint.shape[3] == 2:
        clip['keypoint_score'] = _score(path, score, keypoint)[seen]
        clip['img_shape'] = _img_shape(path, raw, img_shape)
    return clip


def _score(path: Path, score, keypoint: np.ndarray) -> np.ndarray:
    if score is None:
        return keypoint.any(-1).astype(np.float32)
    score = np.asarray(score, np.float32)
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


# ------------------------------------------------------------------ the forms
def _read(path: Path, max_persons: int) -> Dict:
    if path.is_dir():
        return _openpose(path)
    if path.suffix == '.skeleton':
        return real_persons(read_skeleton(path), max_persons)
    if path.suffix == '.npy':
        return dict(keypoint=np.load(path))
    if path.suffix == '.npz':
        with np.load(path) as arrays:
            names = arrays.files
            if 'keypoint' not in names and len(names) != 1:
                raise ValueError(f'has {names}, but no `keypoint`')
            return {'keypoint': arrays[names[0]],
                    **{name: arrays[name] for name in names}}
    if path.suffix in ('.pkl', '.pickle'):
        content = load_pickle(str(path))
        return dict(content, keypoint=content['keypoint'])
    raise CorruptSampleError(
        path, f'is no form of skeletons that is known ({path.suffix or "no"} '
        'ending; .npy, .npz, .pkl, .skeleton or a folder of OpenPose)')


def _openpose(folder: Path) -> Dict:
    """Persons are numbered as in each frame: OpenPose does not follow
    them."""
    files = sorted(folder.glob('*_keypoints.json'))
    if not files:
        raise CorruptSampleError(folder, 'has no *_keypoints.json')
    frames = []
    for file in files:
        people = json.loads(file.read_text('utf-8'))['people']
        frames.append([np.reshape(p['pose_keypoints_2d'], (-1, 3))
                       for p in people])
    joints = {len(person) for frame in frames for person in frame}
    if len(joints) != 1:
        raise CorruptSampleError(folder, 'shows nobody' if not joints else
                                 f'mixes skeletons of {sorted(joints)} joints')
    keypoint = np.zeros((max(map(len, frames)), len(files), joints.pop(), 3))
    for t, frame in enumerate(frames):
        for m, person in enumerate(frame):
            keypoint[m, t] = person
    return dict(keypoint=keypoint[..., :2], keypoint_score=keypoint[..., 2])
