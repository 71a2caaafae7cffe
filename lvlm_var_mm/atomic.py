"""Write files and folders whole or not at all.

A kill or a full disk in the middle of a write leaves what was there before.
The new content is written beside its place, flushed to the disk, and renamed;
only then does the old one go. Everything in this package that writes for
others to read does so through this module.
"""
import errno
import os
import os.path as osp
import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator, Optional, Union

PathLike = Union[str, Path]
PART, OLD = '.part', '.old'
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
ROOM = 2**16  # bytes; more than a block of any file system


@contextmanager
def replaced(path: PathLike, mode: str = 'wb',
             encoding: Optional[str] = None) -> Iterator[IO]:
    """Open a file that takes the place of ``path`` when it is complete.

    Args:
        path (str | Path): The file; a link stays a link.
        mode (str): ``'wb'`` or ``'w'``.
        encoding (str, optional): Of text. Defaults to UTF-8.

    Yields:
        IO: The open file.

    Raises:
        OSError: It cannot be written; names it. ``path`` is as before.
    """
    path = osp.realpath(path)
    text = None if 'b' in mode else encoding or 'utf-8'
    if osp.exists(path) and not osp.isfile(path):  # /dev/null, a pipe
        with open(path, mode, encoding=text) as f:
            yield f
        return
    part = beside(path, PART)
    try:
        with named(path):
            with open(part, mode, encoding=text) as f:
                yield f
            commit(part, path)
    except BaseException:
        if osp.isfile(part):
            os.remove(part)
        raise


@contextmanager
def replaced_path(path: PathLike) -> Iterator[str]:
    """Name a file to be written by a library that takes no open file; it
    takes the place of ``path`` when it is complete.

    Args:
        path (str | Path): The file; a link stays a link.

    Yields:
        str: A path beside it, of the same suffix.

    Raises:
        OSError: It cannot be written, even if the library that wrote it said
            nothing; names it. ``path`` is as before.
    """
    path = osp.realpath(path)
    part = beside(path, PART + osp.splitext(path)[1])
    try:
        with named(path):
            yield part
            check_room(part)
            commit(part, path)
    except BaseException:
        if osp.isfile(part):
            os.remove(part)
        raise


def check_room(path: PathLike) -> None:
    """Raise the error of a full disk that the writer of a file kept to
    itself, as OpenCV's do: what did not fit does not fit now.

    Raises:
        OSError: Nothing more can be written to it, or it is not there.
    """
    with open(path, 'r+b') as f:  # makes no file that is not there
        size = f.seek(0, os.SEEK_END)
        f.write(bytes(ROOM))
        f.flush()
        f.truncate(size)


def write_text(path: PathLike, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with replaced(path, 'w') as f:
        f.write(text)


def commit(part: PathLike, path: PathLike) -> None:
    """Let a complete file, written beside ``path``, take its place.

    Args:
        part (str | Path): The new file, closed.
        path (str | Path): On the same file system.
    """
    _sync(part)
    os.replace(part, path)
    _sync(osp.dirname(osp.abspath(path)))


@contextmanager
def replaced_folder(path: PathLike) -> Iterator[Path]:
    """Make a folder that takes the place of ``path`` when it is complete.

    Args:
        path (str | Path): The folder; an older one there stays until the new
            one is complete.

    Yields:
        Path: The new folder, empty.

    Raises:
        OSError: It cannot be written; names it. ``path`` is as before.
    """
    part = begin_folder(path)
    try:
        with named(path):
            yield part
            commit_folder(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def named(path: PathLike) -> Iterator[None]:
    """Let errors of writing name ``path``: a full disk names no file, and
    libraries in Rust (safetensors, tokenizers) raise no ``OSError``."""
    try:
        yield
    except OSError as e:
        if e.filename is not None or not (e.errno or type(e) is OSError):
            raise  # named already, or of another kind, such as a time-out
        raise OSError(e.errno or errno.EIO, e.strerror or str(e),
                      str(path)) from e
    except Exception as e:
        rust = re.search(r'\(os error (\d+)\)', str(e))
        if rust is None:
            raise
        number = int(rust[1])
        raise OSError(number, os.strerror(number), str(path)) from e


@contextmanager
def full_disk_named(folder: PathLike) -> Iterator[None]:
    """Let errors of a full disk name ``folder`` where they name no file, as
    those of other libraries that write there do."""
    try:
        yield
    except OSError as e:
        if e.errno not in FULL or e.filename:
            raise
        raise OSError(e.errno, e.strerror, str(folder)) from e


def begin_folder(path: PathLike) -> Path:
    """Make the empty folder beside ``path`` that :func:`commit_folder` puts
    in its place; put back what a run that was killed had moved aside."""
    part, old = (Path(beside(path, end)) for end in (PART, OLD))
    if old.exists() and not osp.lexists(path):
        os.replace(old, path)
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    part.mkdir(parents=True)
    return part


def commit_folder(part: PathLike, path: PathLike) -> None:
    """Let a complete folder take the place of ``path``, and delete the old
    one."""
    flush_folder(part)
    old = beside(path, OLD)
    there = osp.lexists(path)
    if there:  # two folders cannot change places in one step
        os.replace(path, old)
    os.replace(part, path)
    _sync(osp.dirname(osp.abspath(path)))
    if there:
        shutil.rmtree(old, ignore_errors=True)


def flush_folder(path: PathLike) -> None:
    """Wait until all that is in a folder is on the disk."""
    for folder, _, files in os.walk(path):
        for file in files:
            _sync(osp.join(folder, file))
        _sync(folder)


def beside(path: PathLike, end: str) -> str:
    """Return the hidden name beside a path: ``a/b`` -> ``a/.b.part``."""
    folder, name = osp.split(osp.normpath(path))
    return osp.join(folder, f'.{name}{end}')


def _sync(path: PathLike) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as e:
        # Some network file systems have no fsync for folders.
        if not osp.isdir(path):
            raise e
    finally:
        os.close(number)
