"""Long recordings: what happens when, by windows that slide over them.

Time is cut into steps of one stride. A step's scores are the mean of those of
the windows that cover it; steps of one class side by side are a segment.
Everything goes on step by step, so that memory does not grow with the length.
"""
from collections import deque
from itertools import islice
from pathlib import Path
from typing import (Any, Deque, Dict, Iterable, Iterator, NamedTuple, Optional,
                    Sequence, Tuple)

import decord
import numpy as np

from lvlm_var_mm.pose import blazepose
from .clips import Clip, Reading
from .inferencer import ActionInferencer
from .inputs import VIDEOS
from .reading import of_landmarks, read_input
from .ring import Ring

Part = Tuple[int, int, Optional[Clip]]  # first frame, the one behind, clip


class Step(NamedTuple):
    """A stride of a recording; no scores where nobody is seen."""
    start: float  # seconds
    end: float
    scores: Optional[np.ndarray]  # (classes, )


class Segment(NamedTuple):
    """A time of one class; None where nobody is seen or no score is high
    enough."""
    start: float  # seconds
    end: float
    label: Optional[int]
    score: float  # the mean over its steps


class Grid(NamedTuple):
    """Windows in frames: their length and stride. A window is ``size``
    strides."""
    length: int
    stride: int

    @property
    def size(self) -> int:
        return self.length // self.stride

    def starts(self, frames: int) -> range:
        """Find where windows begin; each covers a frame that those before do
        not."""
        more = max(0, frames - self.length)
        return range(0, more + self.stride, self.stride) if (
            more % self.stride) else range(0, more + 1, self.stride)


def grid_of(window: float, stride: float, fps: float) -> Grid:
    """Return windows and strides of so many seconds as whole frames. A window
    is as near to its length as whole strides allow, the stride gives way.

    Raises:
        ValueError: Not 0 < stride <= window.
    """
    if not 0 < stride <= window:
        raise ValueError(f'windows of {window:g} s every {stride:g} s: the '
                         'stride must be above 0 and at most the window')
    length = max(1, round(window * fps))
    step = max(1, round(length / max(1, round(window / stride))))
    return Grid(step * max(1, round(length / step)), step)


class Scan:
    """The steps of a recording, each as soon as its windows are through.

    A video is decoded window by window, and with ``how.pose`` frame by frame.
    Files of joints are in memory, about half a kilobyte a frame and person.

    Args:
        inferencer (ActionInferencer): With the model.
        source: One input, see :class:`ActionInferencer`; persons are seen
            together.
        window, stride (float): Seconds.
        batch_size (int): Windows that the model reads at a time.
        how (Reading, optional): How the input is read.

    Attributes:
        window, stride (float): Seconds, of whole frames.

    Raises:
        FileNotFoundError, ValueError: See :func:`.reading.read_input`.
        ImportError: ``how.pose`` is not installed.
    """

    def __init__(self, inferencer: ActionInferencer, source: Any,
                 window: float = 2., stride: float = .5, batch_size: int = 8,
                 how: Optional[Reading] = None) -> None:
        if batch_size < 1:
            raise ValueError(f'`batch_size` is {batch_size}, must be 1 or '
                             'more')
        self.fps, self.grid, parts = _opened(inferencer, source, window,
                                             stride, how or Reading())
        self.window = self.grid.length / self.fps
        self.stride = self.grid.stride / self.fps
        self._scored = _scored(inferencer, parts, batch_size)

    def __iter__(self) -> Iterator[Step]:
        # Windows that reach into the step at hand: where each ends, its
        # scores.
        open_windows: Deque[Tuple[int, Optional[np.ndarray]]] = deque()
        at, end, stride = 0, 0, self.grid.stride

        def step() -> Step:
            while open_windows and open_windows[0][0] <= at:
                open_windows.popleft()
            there = [s for _, s in open_windows if s is not None]
            return Step(at / self.fps, min(at + stride, end) / self.fps,
                        np.mean(there, 0) if there else None)

        for at, end, scores in self._scored:
            open_windows.append((end, scores))
            yield step()
        for at in range(at + stride, end, stride):
            yield step()


def segments(steps: Iterable[Step], threshold: float = 0.
             ) -> Iterator[Segment]:
    """Merge steps of one class.

    Args:
        steps (iterable): In their order.
        threshold (float): A best score below it is none.
    """
    current: Optional[Segment] = None
    count = 0
    for step in steps:
        best, score = None, 0.
        if step.scores is not None:
            best = int(step.scores.argmax())
            score = float(step.scores[best])
        if score < threshold:
            best = None
        if current is not None and current.label == best:
            count += 1
            score = current.score + (score - current.score) / count
            current = current._replace(end=step.end, score=score)
            continue
        if current is not None:
            yield current
        current, count = Segment(step.start, step.end, best, score), 1
    if current is not None:
        yield current


# ------------------------------------------------------------------ reading
def _scored(inferencer: ActionInferencer, parts: Iterable[Part],
            batch_size: int
            ) -> Iterator[Tuple[int, int, Optional[np.ndarray]]]:
    parts = iter(parts)
    while True:
        batch = list(islice(parts, batch_size))
        if not batch:
            return
        data = [inferencer.pipeline(dict(clip.results))
                for *_, clip in batch if clip is not None]
        samples = iter(inferencer.forward(
            inferencer.collate_fn(data), reasons=False) if data else ())
        for first, end, clip in batch:
            yield first, end, None if clip is None else next(
                samples).pred_score.float().cpu().numpy()


def _opened(inferencer: ActionInferencer, source: Any, window: float,
            stride: float, how: Reading
            ) -> Tuple[float, Grid, Iterator[Part]]:
    """Frames a second, the windows, and what lies in each."""
    wanted = inferencer.wanted
    if isinstance(source, str):
        source = Path(source).expanduser()
    is_video = isinstance(source, Path) and source.suffix.lower() in VIDEOS
    if is_video and how.pose and not wanted.video:
        if not source.exists():
            raise FileNotFoundError(f'no file {source}')
        video = decord.VideoReader(str(source), num_threads=1)
        fps = video.get_avg_fps() or how.fps or wanted.fps
        grid = grid_of(window, stride, fps)
        return fps, grid, _posed(inferencer, source, video[0].shape[:2], fps,
                                 grid, how)
    name = getattr(source, 'name', 'input')
    clip = read_input(name, source, wanted, how)
    grid = grid_of(window, stride, clip.fps)
    return clip.fps, grid, (
        (start, min(start + grid.length, clip.frames),
         cut(clip, start, min(start + grid.length, clip.frames)))
        for start in grid.starts(clip.frames))


def cut(clip: Clip, start: int, end: int) -> Optional[Clip]:
    """Return some frames of a clip, None where nobody is seen in them."""
    results: Dict[str, Any] = {k: v for k, v in clip.results.items()
                               if k not in ('events', 'events_key')}
    results['total_frames'] = end - start
    if clip.keypoint is None:
        if 'array' in results:
            results['array'] = results['array'][start:end]
        else:
            results['window'] = start, end
        return Clip(clip.name, clip.source, results, clip.fps, end - start)
    for key in ('keypoint', 'keypoint_score'):
        if results.get(key) is not None:
            results[key] = results[key][:, start:end]
    keypoint = clip.keypoint[:, start:end]
    if not keypoint.any():
        return None
    return Clip(clip.name, clip.source, results, clip.fps, end - start,
                keypoint, clip.layout)


def _posed(inferencer: ActionInferencer, path: Path,
           img_shape: Tuple[int, int], fps: float, grid: Grid, how: Reading
           ) -> Iterator[Part]:
    """Landmarks of the last window alone are kept."""
    ring = Ring(grid.length, grid.stride)

    def part(end: int, kept: Sequence[blazepose.Landmarks]) -> Part:
        seen = blazepose.stack(kept)
        clip = None
        if seen.visible.any():
            clip = of_landmarks(path.name, str(path), seen, fps,
                                inferencer.wanted, how, img_shape)
        return end - len(kept), end, clip

    end = 0
    for end, landmarks in enumerate(blazepose.look_at_video(str(path)), 1):
        kept = ring.add(end, landmarks)
        if kept:
            yield part(end, kept)
    kept = ring.rest()
    if kept:
        yield part(end, kept)
