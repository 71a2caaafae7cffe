"""Make videos small once, so that training does not decode full size anew in
every epoch.

The pictures are those that training reads, from decord, made smaller by area
averaging and written by OpenCV as MPEG-4 Part 2, the codec of NTU RGB+D's own
AVIs, where the container takes it; frame i stays frame i. A finished file
appears in one step, after it was read back; so whatever interrupts the work,
the next run does the rest.
"""
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import cv2
import decord
import numpy as np
from tqdm import tqdm

from lvlm_var_mm.atomic import check_room, commit, named
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.video import check_container
from .workers import START, alone_in, cores, live_with_parent

# What is read, and the container that it is written to under its own name.
CONTAINERS = {
    '.avi': 'XVID', '.mp4': 'mp4v', '.m4v': 'mp4v', '.mov': 'mp4v',
    '.mkv': 'XVID', '.3gp': 'mp4v', '.ts': 'mp4v', '.webm': 'VP80',
    '.mpg': 'PIM1', '.mpeg': 'PIM1', '.wmv': 'WMV2', '.flv': 'FLV1'
}
# Those whose head counts the frames; of others OpenCV makes an estimate.
COUNTED = '.avi', '.mp4', '.m4v', '.mov', '.3gp'
# Some writers count a frame or two in the header that they never finished.
HEADER_SLACK = 2
# decord 0.6 takes rows much narrower than this for pictures of 4 channels.
SMALLEST = 64
PART = '.part'
BATCH = 256  # videos of one pool of workers


class Reencoded(NamedTuple):
    """The result of a run."""
    written: int
    kept: int  # made by an earlier run
    copied: int  # not larger than asked for in the first place
    corrupt: Dict[str, str]  # name -> what is wrong, or cannot be written
    others: List[str]  # files that are no videos by their ending
    bytes_before: int  # of all that are now there
    bytes_after: int


def reencode_folder(source: Union[str, Path],
                    out: Union[str, Path],
                    short_side: int = 256,
                    processes: Optional[int] = None,
                    progress: bool = True) -> Reencoded:
    """Re-encode every video below a folder, under the same names.

    Args:
        source (str | Path): The folder; folders inside it are kept.
        out (str | Path): The folder to write, outside of ``source``.
        short_side (int): Pixels. A video that is no larger is copied.
        processes (int, optional): Default: one per core.
        progress (bool): Show a progress bar.

    Returns:
        Reencoded: A corrupt video is named in it and left out.

    Raises:
        FileNotFoundError: No such folder, or no video in it.
        FileExistsError: Another run writes there right now.
        ValueError: ``out`` lies within ``source``, or ``short_side`` is
            below :data:`SMALLEST`.
    """
    source, out = Path(source).resolve(), Path(out).resolve()
    if short_side < SMALLEST:
        raise ValueError(f'short_side is {short_side}, must be {SMALLEST} or '
                         'more')
    if not source.is_dir():
        raise FileNotFoundError(f'no folder {source}')
    if out == source or source in out.parents:
        raise ValueError(f'{out} lies within {source}: write elsewhere, or '
                         'the next run would take its results for sources')
    files = sorted(p for p in source.rglob('*')
                   if p.is_file() and not p.name.startswith('.'))
    names = [str(p.relative_to(source)) for p in files
             if p.suffix.lower() in CONTAINERS]
    if not names:
        raise FileNotFoundError(
            f'{source} holds no video ({", ".join(CONTAINERS)})')
    with alone_in(out):
        for left in out.rglob(f'.*{PART}.*'):
            left.unlink()
        results = _work(names, source, out, short_side, processes, progress)
    done = [n for n, (what, _) in results.items() if what != 'corrupt']
    count = [what for what, _ in results.values()].count
    return Reencoded(
        count('written'), count('kept'), count('copied'),
        {n: why for n, (what, why) in sorted(results.items())
         if what == 'corrupt'},
        [str(p.relative_to(source)) for p in files
         if p.suffix.lower() not in CONTAINERS],
        sum((source / n).stat().st_size for n in done),
        sum((out / n).stat().st_size for n in done))


def _work(names, source, out, short_side, processes,
          progress) -> Dict[str, Tuple[str, str]]:
    """Name -> what was done and, for a corrupt video, why not."""
    results: Dict[str, Tuple[str, str]] = {}
    processes = processes or cores()
    bar = tqdm(total=len(names), unit='video', smoothing=.05,
               disable=not progress)

    def run(some: List[str], workers: int) -> None:
        pool = ProcessPoolExecutor(
            min(workers, len(some)), mp_context=get_context(START),
            initializer=live_with_parent)
        try:
            jobs = {
                pool.submit(reencode, source / n, out / n, short_side): n
                for n in some
            }
            for job in as_completed(jobs):
                try:
                    results[jobs[job]] = job.result()
                except BrokenProcessPool:
                    continue
                bar.update()
        finally:
            # On Ctrl-C what runs is finished, what waits is dropped.
            pool.shutdown(cancel_futures=True)

    with bar, _one_thread():
        for start in range(0, len(names), BATCH):
            batch = names[start:start + BATCH]
            run(batch, processes)
            # A decoder that crashes takes everything in its pool with it; one
            # by one the others get their turn, and the culprit shows.
            for name in [n for n in batch if n not in results]:
                run([name], 1)
                results.setdefault(name, ('corrupt', 'crashes its decoder'))
    return results


@contextmanager
def _one_thread():
    """OpenCV without threads of its own: its pool does not survive the fork
    of a worker, which would wait for them for ever."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def reencode(source: Path, target: Path, short_side: int) -> Tuple[str, str]:
    """Re-encode one video, unless it is done.

    Returns:
        tuple: ``'written'``, ``'kept'``, ``'copied'`` or ``'corrupt'``; and
        what is wrong with a corrupt one, or one that its container does not
        take.

    Raises:
        OSError: The target cannot be written, as on a full disk.
    """
    try:
        video = _open(source)
        height, width = video[0].shape[:2]
        size = _smaller(width, height, short_side)
        if (target.is_file()
                and target.stat().st_mtime >= source.stat().st_mtime
                and not _difference(video, target, size)):
            return 'kept', ''
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f'.{target.stem}{PART}{target.suffix}')
        try:
            with named(target):
                if size == (width, height):
                    what = 'copied'
                    for _ in _frames(video):
                        pass  # all of it can be read
                    shutil.copyfile(source, part)
                else:
                    what = 'written'
                    _write(video, part, size)
                check_room(part)  # OpenCV says nothing of a full disk
                wrong = _difference(video, part, size)
                if wrong:
                    raise _VideoError(f'what was written has {wrong}')
                commit(part, target)
        finally:
            part.unlink(missing_ok=True)
    except CorruptSampleError as e:
        return 'corrupt', e.problem
    except _UNREADABLE as e:
        # decord puts its call stack first and the reason last.
        return 'corrupt', (str(e).strip().splitlines() or [repr(e)])[-1]
    return what, ''


class _VideoError(ValueError):
    pass


_UNREADABLE = (_VideoError, decord.DECORDError,
               decord.DECORDLimitReachedError, RuntimeError)


def _open(path: Path) -> decord.VideoReader:
    """A video that has all the frames that it declares."""
    check_container(str(path))
    video = decord.VideoReader(str(path), num_threads=1)
    declared = int(cv2.VideoCapture(str(path)).get(
        cv2.CAP_PROP_FRAME_COUNT)) if path.suffix.lower() in COUNTED else 0
    if not len(video) or len(video) + HEADER_SLACK < declared:
        raise _VideoError(f'{declared} frames are declared, {len(video)} are '
                          'there (is the file truncated?)')
    return video


def _frames(video: decord.VideoReader) -> Iterator[np.ndarray]:
    """(H, W, 3), RGB."""
    video.seek(0)
    for _ in range(len(video)):
        yield video.next().asnumpy()


def _smaller(width: int, height: int, short_side: int) -> Tuple[int, int]:
    """Width and height, even, as the codec wants them; never larger."""
    scale = short_side / min(width, height)
    if scale >= 1:
        return width, height
    return 2 * round(width * scale / 2), 2 * round(height * scale / 2)


def _write(video: decord.VideoReader, path: Path, size) -> None:
    codec = cv2.VideoWriter_fourcc(*CONTAINERS[path.suffix.lower()])
    path.touch()  # or say why not
    fps = video.get_avg_fps()
    writer = cv2.VideoWriter(str(path), codec, fps, size)
    if not writer.isOpened():
        raise _VideoError(f'OpenCV cannot write a {path.suffix} of '
                          f'{fps:.3g} frames a second')
    try:
        for frame in _frames(video):
            frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    finally:
        writer.release()


def _difference(video: decord.VideoReader, path: Path, size) -> str:
    """Say what is wrong with the video at ``path``; nothing if it is as
    wanted."""
    try:
        made = decord.VideoReader(str(path), num_threads=1)
    except _UNREADABLE:
        return 'no frames that can be read'
    if len(made) != len(video):
        return f'{len(made)} frames instead of {len(video)}'
    if abs(made.get_avg_fps() / video.get_avg_fps() - 1) > 1e-3:
        return f'{made.get_avg_fps()} fps instead of {video.get_avg_fps()}'
    height, width = made[0].shape[:2]
    return '' if (width, height) == size else f'{width} x {height} pixels'
