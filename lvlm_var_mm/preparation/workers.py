"""Helpers of the one-off preparations: one run a folder, and workers that do
not outlive it."""
import os
import signal
import threading
from contextlib import contextmanager
from multiprocessing import get_all_start_methods, parent_process
from pathlib import Path
from typing import Iterator

from filelock import FileLock, Timeout

# Forked, a worker does not import the whole stack anew.
START = 'fork' if 'fork' in get_all_start_methods() else 'spawn'


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Make a folder and keep other runs from writing to it.

    Raises:
        FileExistsError: Another run writes there right now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / '.lock')
    try:
        # The workers of a run that was killed need a moment to notice.
        lock.acquire(timeout=5)
    except Timeout:
        raise FileExistsError(
            f'another preparation writes to {folder}') from None
    try:
        yield
    finally:
        lock.release()


def live_with_parent() -> None:
    """Start of a worker process: leave Ctrl-C to the parent, and end when it
    was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
