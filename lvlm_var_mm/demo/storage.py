"""The folder of uploads and answers: what is in it, and how it empties."""
import os
import time
from pathlib import Path
from typing import Iterator, Tuple

from .limits import MEGABYTE


def sweep(folder: Path, seconds: float) -> None:
    """Delete what is older, and the folders that are empty then. Gradio
    deletes what it knows of; not what a client left that hung up in the
    middle of an upload."""
    before = time.time() - seconds
    for path, status in _files(folder):
        if max(status.st_mtime, status.st_ctime) < before:
            path.unlink(missing_ok=True)
    for inner, _, _ in os.walk(folder, topdown=False):
        try:
            if Path(inner) != folder and os.stat(inner).st_mtime < before:
                os.rmdir(inner)
        except OSError:  # not empty, or gone
            pass


def megabytes_in(folder: Path) -> float:
    """Return how much lies in a folder."""
    return sum(status.st_size for _, status in _files(folder)) / MEGABYTE


def _files(folder: Path) -> Iterator[Tuple[Path, os.stat_result]]:
    for inner, _, names in os.walk(folder):
        for name in names:
            path = Path(inner, name)
            try:
                yield path, path.lstat()
            except FileNotFoundError:  # deleted meanwhile
                pass
