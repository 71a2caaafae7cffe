"""The files of a store, opened with a look at whether they are whole.

Whatever is in them, nothing of it runs: they are raw numbers, ``.npy`` without
objects, and JSON. What decides which sample is which has a checksum.
"""
import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .plain import parsed

META, INDEX, EXTRAS = 'meta.json', 'index.npy', 'extras.json'
FORMAT = 1
# What goes into the store beside the keypoints where a sample has it; the
# first axes of an array tell how many rows that makes.
PER_JOINT = 'keypoint', 'keypoint_score'  # (M, T, V, ...)
PER_FRAME = 'video_frames', 'boxes'  # (T, ...)
# Files with a checksum in META; arrays would take long to read.
SUMMED = INDEX, EXTRAS
FIELDS = 'name', 'label', 'persons', 'frames', 'joint_row', 'frame_row'
KINDS = 'biuf'  # of dtypes: booleans and numbers


def opened(folder: Path) -> Tuple[Dict, np.ndarray, Optional[List[Dict]]]:
    """Open all but the arrays.

    Returns:
        tuple: META; the index, (N, ) records; what samples have beside
        arrays, if any has something.

    Raises:
        ValueError: A newer format, or a damaged file; names it.
    """
    path = folder / META
    meta = _json(path, dict)
    if not isinstance(meta.get('format'), int) or not isinstance(
            meta.get('arrays'), dict) or 'keypoint' not in meta['arrays'] or (
            not isinstance(meta.get('num_joints'), int)
            or not isinstance(meta.get('common', {}), dict)):
        raise _damaged(path, 'it lacks `format`, `arrays` or `num_joints`')
    if meta['format'] > FORMAT:
        raise ValueError(f'{folder}: format {meta["format"]} is newer than '
                         f'this version reads ({FORMAT})')
    sums = meta.get('sha256', {})  # none in older stores
    if not isinstance(sums, dict):
        raise _damaged(path, '`sha256` is no object')
    for name, wanted in sums.items():
        if wanted != (digest(meta) if name == META else
                      sha256(folder / name) if name in SUMMED else ''):
            raise _damaged(folder / name, 'it has changed since it was '
                           'written')
    path = folder / INDEX
    try:
        index = parsed(np.load, path, mmap_mode='r')
        if index.dtype.names != FIELDS or index.ndim != 1 or not len(index):
            raise ValueError('it lists no samples')
    except Exception as e:  # a damaged head may raise anything
        raise _damaged(path, e) from e
    path = folder / EXTRAS
    extras = _json(path, list) if path.is_file() else None
    if extras is not None and (len(extras) != len(index) or not all(
            isinstance(e, dict) for e in extras)):
        raise _damaged(path, f'it is not of the {len(index)} samples')
    return meta, index, extras


def mapped(folder: Path, meta: Dict,
           index: np.ndarray) -> Dict[str, np.ndarray]:
    """Map the arrays of a store into memory.

    Raises:
        ValueError: One is missing, cut short or of no numbers, or the index
            asks for rows that it does not have; names the file.
    """
    arrays = {}
    for name, kind in meta['arrays'].items():
        file = folder / f'{name}.bin'
        try:
            text, *shape = kind
            dtype, shape = np.dtype(text), tuple(map(int, shape))
            if (name not in PER_JOINT + PER_FRAME or dtype.kind not in KINDS
                    or not shape or min(shape) < 0):
                raise ValueError('not rows of numbers')
        except (TypeError, ValueError) as e:
            raise _damaged(folder / META, f'array {name!r} is {kind!r}: {e}'
                           ) from e
        size = dtype.itemsize
        for length in shape:
            size *= length
        if not file.is_file() or file.stat().st_size != size:
            raise ValueError(f'{file} is missing or was cut short: delete '
                             'the store and prepare it again')
        arrays[name] = (np.memmap(file, dtype, 'r', shape=shape) if size else
                        np.zeros(shape, dtype))
        first, rows = ('joint_row', index['persons'].astype(np.int64) *
                       index['frames']) if name in PER_JOINT else (
                           'frame_row', index['frames'])
        first = index[first]
        if min(first.min(), index['persons'].min(), rows.min()) < 0 or (
                first > shape[0] - rows).any():
            raise _damaged(folder / INDEX, f'it asks for rows of {name} that '
                           'are not there')
    return arrays


def digest(meta: Dict) -> str:
    """Hash what META says beside its checksums."""
    text = json.dumps({k: v for k, v in meta.items() if k != 'sha256'},
                      sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(path: Path) -> Optional[str]:
    """Hash a file; None if it is not there."""
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _json(path: Path, kind: type) -> Any:
    try:
        content = json.loads(path.read_text('utf-8'))
        if not isinstance(content, kind):
            raise ValueError(f'a {type(content).__name__}')
    except (ValueError, RecursionError) as e:
        raise _damaged(path, e) from e
    return content


def _damaged(path: Path, why: Any) -> ValueError:
    return ValueError(f'{path} is damaged ({why}): delete the store and '
                      'prepare it again')
