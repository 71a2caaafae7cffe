"""Guess the joint layout of a file, or take the one that the user names."""
import json
import zipfile
from pathlib import Path
from typing import Optional

import numpy as np

from lvlm_var_mm.datasets.pickles import load_pickle
from lvlm_var_mm.datasets.plain import parsed
from lvlm_var_mm.datasets.store import is_store
from lvlm_var_mm.layouts import LAYOUTS, Layout, load_layout
from lvlm_var_mm.pose import read_results

BODY_25 = 25  # joints of OpenPose in a picture, of Kinect v2 in space


def layout_of_file(path: Path, own: Optional[Layout] = None) -> Layout:
    """Return the layout of a file that holds one clip, by its number of
    joints.

    Args:
        path (Path): Raw file of NTU RGB+D, folder of OpenPose, or any other.
        own (Layout, optional): See :func:`layout_by_shape`.

    Raises:
        ValueError: It cannot be read, or has as many joints as no layout;
            names the file.
    """
    if path.is_dir() and not is_store(path):
        return LAYOUTS['openpose18']
    if path.suffix.lower() == '.skeleton':
        return LAYOUTS['ntu25']
    return layout_by_shape(parsed(_shape, path), path, own)


def _shape(path: Path) -> tuple:
    """Shape of the keypoints of a file that holds one clip; empty of any other
    file."""
    suffix = path.suffix.lower()
    try:
        if suffix == '.npy':
            return np.load(path, mmap_mode='r').shape
        if suffix == '.npz':
            with np.load(path) as arrays:
                name = 'keypoint' if 'keypoint' in arrays else arrays.files[0]
                return arrays[name].shape
        if suffix in ('.pkl', '.pickle'):
            content = load_pickle(str(path))
            if not isinstance(content, dict) or 'keypoint' not in content:
                raise ValueError(
                    'it holds many clips, and one is expected here'
                    if isinstance(content, list)
                    or isinstance(content, dict) and 'annotations' in content
                    else 'it holds neither `annotations` nor one with '
                    '`keypoint`')
            return np.shape(content['keypoint'])
        if suffix == '.json':
            return read_results(path)['keypoint'].shape
    except (OSError, ValueError, EOFError, IndexError, KeyError,
            TypeError, zipfile.BadZipFile) as e:
        raise ValueError(f'{path} cannot be read: {e}') from e
    return ()


def layout_by_shape(shape: tuple, path: Path,
                    own: Optional[Layout] = None) -> Layout:
    """Return the layout of keypoints of this shape.

    Args:
        shape (tuple): Such as (M, T, V, C).
        path (Path): File or name of the clip, for the error alone.
        own (Layout, optional): That of the model which will read the clip;
            it goes before others with as many joints.

    Raises:
        ValueError: None of the known ones has so many joints.
    """
    number = shape[-2] if len(shape) > 2 else None
    if own is not None and own.num_joints == number:
        return own
    if number == BODY_25 and shape[-1] == 2:
        return LAYOUTS['openpose18']
    for layout in LAYOUTS.values():
        if layout.num_joints == number:
            return layout
    raise ValueError(
        f'{path} has keypoints of shape {shape}, which is none of '
        f'{", ".join(LAYOUTS)}: give --layout, by name or as a JSON file '
        'with `num_node`, `inward`, `center` and `joints`')


def given_layout(source: Optional[str]) -> Optional[Layout]:
    """Return the layout that a user names, None for None.

    Args:
        source (str, optional): A name, or a JSON file with ``num_node``,
            ``inward``, ``center`` and ``joints``.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Unknown name, or something else is in the file.
    """
    if source is None:
        return None
    if not source.endswith('.json'):
        return load_layout(source)
    if not Path(source).is_file():
        raise FileNotFoundError(f'no file {source}')
    try:
        return load_layout(json.loads(Path(source).read_text('utf-8')))
    except (ValueError, TypeError) as e:
        raise ValueError(f'{source}: {e}') from e
