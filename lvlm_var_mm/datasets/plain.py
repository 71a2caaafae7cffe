"""Arrays and plain containers in a file that holds no code: NumPy's ``.npz``,
with JSON beside the arrays.

``content`` of the file is the JSON, in which an array is where its numbers
lie: ``{"$array": [dtype, start, shape]}`` in the file's array of that dtype.
Zip keeps a checksum of each part, so damage is found.
"""
import io
import json
import math
import os
import zipfile
from typing import IO, Any, Callable, Dict, List, Tuple, Union

import numpy as np

ARRAY, TUPLE, CONTENT = '$array', '$tuple', 'content'
KINDS = 'biufSU'  # of dtypes: booleans, numbers, text; no objects
PathLike = Union[str, os.PathLike]


def save_plain(file: IO[bytes], content: Any) -> None:
    """Write arrays in dicts, lists and tuples of text, numbers and None.

    Args:
        file (IO): Open for writing, of :func:`~lvlm_var_mm.atomic.replaced`.
        content (Any): The keys of dicts are text.

    Raises:
        ValueError: There is something else in it; says what.
    """
    tables: Dict[str, List[np.ndarray]] = {}
    ends: Dict[str, int] = {}

    def packed(value):
        if isinstance(value, np.ndarray) and value.dtype.kind in KINDS:
            kind = value.dtype.str
            start = ends.setdefault(kind, 0)
            ends[kind] += value.size
            tables.setdefault(kind, []).append(value.reshape(-1))
            return {ARRAY: [kind, start, list(value.shape)]}
        if isinstance(value, np.generic) and value.dtype.kind in KINDS:
            return packed(value.item())
        if isinstance(value, dict) and all(
                isinstance(k, str) and not k.startswith('$') for k in value):
            return {k: packed(v) for k, v in value.items()}
        if isinstance(value, list):
            return [packed(v) for v in value]
        if isinstance(value, tuple):
            return {TUPLE: [packed(v) for v in value]}
        if value is None or isinstance(value, (str, int, float)):
            return value
        raise ValueError(f'{type(value).__name__} {value!r:.60} cannot be '
                         'kept: only arrays, numbers, text, dicts with keys '
                         'of text, lists and tuples can')

    text = json.dumps(packed(content)).encode()
    np.savez(file, **{CONTENT: np.frombuffer(text, np.uint8)},
             **{kind: np.concatenate(parts)
                for kind, parts in tables.items()})


def load_plain(path: PathLike) -> Any:
    """Read what :func:`save_plain` has written.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is damaged, or another file; names it.
    """
    tables = load_arrays(path)

    def unpacked(value):
        if isinstance(value, list):
            return [unpacked(v) for v in value]
        if not isinstance(value, dict):
            return value
        if TUPLE in value:
            return tuple(unpacked(v) for v in value[TUPLE])
        if ARRAY not in value:
            return {k: unpacked(v) for k, v in value.items()}
        kind, start, shape = value[ARRAY]
        table, size = tables[kind], math.prod(shape)
        if min([start, *shape]) < 0 or start + size > len(table):
            raise ValueError('an array lies outside its table')
        return table[start:start + size].reshape(shape)

    try:
        return unpacked(json.loads(tables[CONTENT].tobytes().decode()))
    except Exception as e:  # the same
        raise ValueError(f'{path} is damaged, or was not written by this '
                         f'package ({type(e).__name__}: {e})') from e


def load_arrays(path: PathLike) -> Dict[str, np.ndarray]:
    """Read the arrays of an ``.npz`` that was not compressed, each wholly, so
    that its checksum is looked at.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is damaged, compressed or holds objects; names it.
    """
    room = os.path.getsize(path)
    with open(path, 'rb'):  # or say why not
        pass
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > room:
                raise ValueError('it is larger than its file')
            return {name.removesuffix('.npy'): _array(archive.read(name))
                    for name in archive.namelist()}
    except Exception as e:  # a damaged zip may raise anything
        raise ValueError(f'{path} is damaged, or no .npz of this package '
                         f'({type(e).__name__}: {e})') from e


def parsed(read: Callable[..., Any], *args, **kwargs) -> Any:
    """Call what reads the head of a ``.npy``, and once more if Python's parser
    fails: before 3.11.8 and 3.12.1 CPython loses count of its depth where
    another thread, or the garbage collector, parses as well (gh-106905)."""
    try:
        return read(*args, **kwargs)
    except SystemError:
        return read(*args, **kwargs)


def _array(data: bytes) -> np.ndarray:
    # In memory first: a head that claims more numbers than there are fails
    # before room for them is taken.
    shape, columns, dtype, length = parsed(_head, data)
    rest = memoryview(data)[length:]
    if dtype.hasobject or len(rest) != math.prod(shape) * dtype.itemsize:
        raise ValueError('an array is not as long as its head says')
    return np.frombuffer(rest, dtype).reshape(
        shape, order='F' if columns else 'C')


def _head(data: bytes) -> Tuple[Tuple[int, ...], bool, np.dtype, int]:
    """Shape, order, type, and the length of the head itself."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = (np.lib.format.read_array_header_1_0 if version == (1, 0) else
            np.lib.format.read_array_header_2_0)
    return (*read(file), file.tell())
