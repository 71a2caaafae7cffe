"""Bounds of what a server takes, and the first look at an upload."""
from pathlib import Path
from typing import NamedTuple, Tuple

from lvlm_var_mm.apis.inputs import JOINTS, VIDEOS

PICKLES = '.pkl', '.pickle'
MEGABYTE = 2**20


class Limits(NamedTuple):
    """The bounds of a server.

    Attributes:
        megabytes (float): Of an upload.
        frames (int): Of a clip.
        pixels (int): Of a frame of a video.
        waiting (int): Requests in the queue; those beyond are refused.
        kept (int): Seconds that uploads and answers stay on disk.
        disk (int): Megabytes that all of these may take together.
        memory (int): Megabytes that reading a file may take.
        seconds (int): That reading a file may take.
    """
    megabytes: float = 64
    frames: int = 3000
    pixels: int = 4096 * 2304
    waiting: int = 16
    kept: int = 600
    disk: int = 4096
    memory: int = 2048
    seconds: int = 60

    def check(self) -> 'Limits':
        """Return these limits.

        Raises:
            ValueError: One of them is not above 0.
        """
        for name, value in self._asdict().items():
            if not value > 0:
                raise ValueError(f'`{name}` is {value}, must be above 0')
        return self


def endings_of(videos: bool, joints: bool = True) -> Tuple[str, ...]:
    """Return the endings of the files that are taken: never pickles, which
    can run code where they are not read with care."""
    found = tuple(e for e in JOINTS if e not in PICKLES) if joints else ()
    return found + VIDEOS if videos else found


def check_upload(path: Path, endings: Tuple[str, ...], limits: Limits
                 ) -> None:
    """Refuse what need not even be opened.

    Args:
        path (Path): The upload.
        endings (tuple[str]): Of :func:`endings_of`.
        limits (Limits): Of the server.

    Raises:
        ValueError: It is a pickle, of another kind than ``endings``, or too
            large; says what to do.
    """
    ending = path.suffix.lower()
    if ending in PICKLES:
        raise ValueError('is a pickle, and a server reads none: save the '
                         'joints as .npz, with `keypoint` and `fps`')
    if ending not in endings:
        asked = (': start the server with --pose mediapipe or a model of '
                 'videos' if ending in VIDEOS else
                 f', but {", ".join(endings[:5])} ... are')
        raise ValueError(f'has the ending {ending or "(none)"}, which is not '
                         f'read here{asked}')
    if path.stat().st_size > limits.megabytes * MEGABYTE:
        raise ValueError(f'is larger than {limits.megabytes:g} MB, the '
                         'limit of this server')
