"""Sources of a live answer: recordings, cameras and network streams.

Axis legend: M persons, T frames, V joints, C coordinates.
"""
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple, Union

import cv2
import decord
import numpy as np

from lvlm_var_mm.apis.clips import Clip, Reading
from lvlm_var_mm.apis.inputs import VIDEOS
from lvlm_var_mm.apis.problems import file_of, told
from lvlm_var_mm.apis.reading import NO_POSE, read_input
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.datasets.corrupt import CorruptSampleError, problem_of
from lvlm_var_mm.datasets.video import check_video, frames_of_video
from lvlm_var_mm.layouts import Layout
from lvlm_var_mm.pose import blazepose

# Milliseconds after which a network stream that says nothing is lost.
PATIENCE = 5000


class SourceLost(Exception):
    """Tell that a source gives no more frames, though it has not ended."""


class Source:
    """Base class of the sources.

    Attributes:
        name (str): For people; who asks, by what password, and the query of
            a URL are left out.
        fps (float, optional): Frames a second, None where only the clock
            tells.
        returns (bool): Whether it may be lost and come back.
        layout (Layout, optional): Of the joints, where it gives joints.
        img_shape (tuple[int, int], optional): Height and width of the picture
            in which 2D joints lie.
        notes (sequence[str]): What was assumed or converted.
    """
    name: str
    fps: Optional[float] = None
    returns = False
    layout: Optional[Layout] = None
    img_shape: Optional[Tuple[int, int]] = None
    notes: Sequence[str] = ()

    def read(self) -> Iterator[Dict[str, np.ndarray]]:
        """Open the source and yield its frames: dicts with ``image``, uint8
        (H, W, 3) RGB, or with ``joints`` (M, V, C) and by option ``score``
        (M, V).

        Raises:
            SourceLost: It cannot be opened, or gives no more.
        """
        raise NotImplementedError


class JointsFile(Source):
    """Play a recording of joints.

    Args:
        clip (Clip): As :func:`~lvlm_var_mm.apis.reading.read_input` gives it.
    """

    def __init__(self, clip: Clip) -> None:
        self.name, self.fps, self.layout = clip.source, clip.fps, clip.layout
        self.img_shape, self.notes = clip.results.get('img_shape'), clip.notes
        self._keypoint = clip.results['keypoint']
        self._score = clip.results.get('keypoint_score')

    def read(self) -> Iterator[Dict[str, np.ndarray]]:
        for t in range(self._keypoint.shape[1]):
            frame = dict(joints=self._keypoint[:, t])
            if self._score is not None:
                frame['score'] = self._score[:, t]
            yield frame


class VideoFile(Source):
    """Play a video file, by the decoder that test pipelines use.

    Args:
        path (Path): Of the file.
        fps (float): Frames a second, where the file does not say.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.name = str(path)
        self.fps = decord.VideoReader(
            self.name, num_threads=1).get_avg_fps() or fps

    def read(self) -> Iterator[Dict[str, np.ndarray]]:
        # One at a time: many at once would come late, and then all together.
        number, images = 0, frames_of_video(self.name, decoded=0)
        try:
            for number, image in enumerate(images, 1):
                yield dict(image=image)
        except decord.DECORDError as e:
            raise ValueError(f'{self.name} cannot be decoded behind frame '
                             f'{number}: {problem_of(e) or e}') from e


class Camera(Source):
    """Read a camera or a network stream through OpenCV.

    Args:
        address (int | str): Number of a camera, or a URL that FFmpeg opens,
            such as ``rtsp://...`` or ``http://...``.
    """
    returns = True

    def __init__(self, address: Union[int, str]) -> None:
        self.address = address
        self.name = f'camera {address}' if isinstance(address, int) else (
            re.sub(r'(?<=://).*@|\?.*', '', address))

    def read(self) -> Iterator[Dict[str, np.ndarray]]:
        if isinstance(self.address, int):
            capture = cv2.VideoCapture(self.address)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        else:
            capture = cv2.VideoCapture(self.address, cv2.CAP_FFMPEG, [
                cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, PATIENCE,
                cv2.CAP_PROP_READ_TIMEOUT_MSEC, PATIENCE])
        try:
            if not capture.isOpened():
                raise SourceLost('it cannot be opened')
            while True:
                there, image = capture.read()
                if not there:
                    raise SourceLost('it gives no more frames')
                yield dict(image=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        except cv2.error as e:
            raise SourceLost(f'OpenCV fails ({e.err})') from e
        finally:
            capture.release()


def open_source(address: Any, wanted: Wanted,
                how: Optional[Reading] = None) -> Source:
    """Find what a source is, and look whether the model can read it.

    Args:
        address: A file of joints or a video, the number of a camera, a URL,
            or joints (M, T, V, C) or an annotation as
            :class:`~lvlm_var_mm.apis.ActionInferencer` takes them.
        wanted (Wanted): What the model takes.
        how (Reading, optional): What the user says of it. A camera is not
            opened yet.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is nothing that the model can read; names the source.
        ImportError: ``how.pose`` is not installed.
    """
    how = how or Reading()
    if isinstance(address, str) and address.isdecimal():
        address = int(address)
    if isinstance(address, int) or (
            isinstance(address, str) and '://' in address):
        source = Camera(address)
        _check_pictures(source.name, wanted, how)
        return source
    if isinstance(address, str):
        address = Path(address).expanduser()
    if isinstance(address, Path) and address.suffix.lower() in VIDEOS:
        if not address.is_file():
            raise FileNotFoundError(f'no file {address}')
        _check_pictures(str(address), wanted, how)
        try:
            check_video(address)
        except CorruptSampleError as e:
            raise ValueError(f'{address} {e.problem}') from e
        return VideoFile(address, how.fps or wanted.fps)
    if isinstance(address, Path) and not address.exists():
        raise FileNotFoundError(
            f'no file {address}: give a file, the number of a camera or a URL')
    name = getattr(address, 'name', 'input')
    try:
        clip = read_input(name, address, wanted, replace(how, pose=None))
    except ValueError as e:
        raise ValueError(told(file_of(name, address), e)) from e
    if clip.keypoint is None:
        raise ValueError(f'{name} is an array of frames: give a video file, '
                         'which can be played')
    source = JointsFile(clip)
    source.name = str(address) if isinstance(address, Path) else name
    return source


def _check_pictures(name: str, wanted: Wanted, how: Reading) -> None:
    if wanted.boxes:
        raise ValueError(f'{name} does not say where persons are, and the '
                         'model sees no more than them (PersonCrop): take a '
                         'model of joints, or of whole pictures')
    if wanted.video:
        return
    if not how.pose:
        raise ValueError(f'{name} {NO_POSE}')
    if not blazepose.available():
        raise ImportError(blazepose.INSTALL)
