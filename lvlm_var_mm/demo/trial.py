"""Read an upload for the first time: in a process of its own, whose memory and
time are bounded, so that no file can take the server down."""
import multiprocessing
import sys
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Optional

import cv2
import decord

from lvlm_var_mm.apis.clips import MOST_PERSONS, Reading
from lvlm_var_mm.apis.inputs import VIDEOS
from lvlm_var_mm.apis.problems import told
from lvlm_var_mm.datasets.ntu import skeleton_scan  # noqa: F401, in time
from lvlm_var_mm.datasets.video import check_container, check_video
from lvlm_var_mm.layouts import Layout, load_layout
from lvlm_var_mm.preparation.custom_skeleton import read_clip
from lvlm_var_mm.preparation.file_layout import layout_of_file
from .limits import MEGABYTE, Limits


class Trial:
    """Tries to read files, each in a fork of a process that has the imports.

    Args:
        limits (Limits): Of the server.
        how (Reading): How files are read.

    Attributes:
        own (Layout, optional): Of the model, which files with as many joints
            are taken to have.
    """

    def __init__(self, limits: Limits, how: Reading) -> None:
        self.limits, self.how = limits, how
        self.own: Optional[Layout] = None
        # Not `fork`: the server has threads, and a lock may be held.
        self._context = multiprocessing.get_context('forkserver')
        self._context.set_forkserver_preload([__name__])
        forkserver.ensure_running()  # imports while the model is loaded

    def wait(self) -> None:
        """Return when it has its imports, so that no file waits for them."""
        process = self._context.Process(target=_bound_memory, args=(1, ))
        process.start()
        process.join()
        process.close()

    def __call__(self, path: Path) -> Optional[str]:
        """Read a file.

        Returns:
            str | None: What is wrong with it, in one line that names it; None
            where it can be read.
        """
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_try, args=(
                theirs, str(path), self.limits, self.how, self.own),
            daemon=True)
        process.start()
        theirs.close()
        try:
            if not ours.poll(self.limits.seconds):
                return (f'{path} takes longer than {self.limits.seconds} s '
                        'to read, the limit of this server')
            return ours.recv()
        except EOFError:  # it ended without a word
            process.join()
            return (f'{path} cannot be read: its reader ended with '
                    f'{process.exitcode}')
        finally:
            ours.close()
            process.kill()
            process.join()
            process.close()


def _try(pipe: Any, path: str, limits: Limits, how: Reading,
         own: Optional[Layout] = None) -> None:
    _bound_memory(limits.memory)
    try:
        read_within(Path(path), limits, how, own)
        problem = None
    except MemoryError:
        problem = (f'{path} takes more than {limits.memory} MB of memory to '
                   'read, the limit of this server')
    except Exception as e:  # a file may be anything
        problem = told(path, e)
    pipe.send(problem)


def _bound_memory(megabytes: int) -> None:
    """Let this process take so much more than it has; only Linux tells how
    much that is."""
    if sys.platform != 'linux':
        return
    import resource
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def read_within(path: Path, limits: Limits, how: Reading,
                own: Optional[Layout] = None) -> None:
    """Read a file of joints, or the ends of a video.

    Raises:
        ValueError, CorruptSampleError: It cannot be read, or has more frames
            or larger ones than ``limits`` allow.
    """
    if path.suffix.lower() in VIDEOS:
        check_container(str(path))
        head = cv2.VideoCapture(str(path))
        width, height = (int(head.get(key)) for key in (
            cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        head.release()
        if width * height > limits.pixels:
            raise ValueError(f'has frames of {width} x {height}, larger than '
                             'this server takes: scale it down')
        check_video(str(path))
        frames = len(decord.VideoReader(str(path), num_threads=1))
    else:
        layout = load_layout(how.layout) if how.layout else (
            layout_of_file(path, own))
        frames = read_clip(path, layout, MOST_PERSONS, how.img_shape)[
            'keypoint'].shape[1]
    if frames > limits.frames:
        raise ValueError(
            f'has {frames} frames, and this server takes {limits.frames}: '
            'cut it, or use tools/infer.py --window for long recordings')
