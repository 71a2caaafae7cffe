"""Give the frames of a source at their time, and open it again when it is
lost."""
import time
from threading import Event
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

from .sources import Source, SourceLost

FIRST_WAIT, LONGEST_WAIT = .5, 15.  # seconds between two attempts


class Frame(NamedTuple):
    """A frame and its times.

    Attributes:
        visit (int): How often the source had been opened before: what lies
            between two visits is not known.
        number (int): Frames of this visit before it.
        time (float): Seconds since the first frame of all: by the rate of a
            recording, by the clock where there is none.
        captured (float): ``time.perf_counter()`` when it was there.
        content (dict): Of :meth:`.sources.Source.read`, or, once the pose is
            estimated, ``shape``, height and width of the picture.
    """
    visit: int
    number: int
    time: float
    captured: float
    content: Dict[str, Any]

    def without_image(self) -> 'Frame':
        """Return the same with the ``shape`` of the picture alone."""
        return self._replace(content=dict(
            shape=self.content['image'].shape[:2]))


class Capture:
    """Yield the frames of a source until it ends or is stopped.

    Args:
        source (Source): To be read.
        stop (Event): Ends it, and every wait.
        fast (bool): Do not keep to the rate of a recording.
        loop (bool): Play a recording again and again.
        tell (callable): Takes a line for people when the source is lost, and
            when it is back.

    Attributes:
        frames (int): So far.
        reconnects (int): Times that the source was lost and came back.
    """

    def __init__(self, source: Source, stop: Event, fast: bool = False,
                 loop: bool = False,
                 tell: Callable[[str], None] = print) -> None:
        self.source, self.stop, self.tell = source, stop, tell
        self.fast, self.loop = fast, loop
        self.frames = self.reconnects = 0

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames.

        Raises:
            ValueError: The source cannot be opened even once, or is a
                recording that is lost.
        """
        visit, wait = 0, FIRST_WAIT
        self._began: Optional[float] = None
        self._played = 0  # frames of a recording, over all visits
        while not self.stop.is_set():
            before = self.frames
            try:
                yield from self._visit(visit)
                if self.stop.is_set() or not (
                        self.loop or self.source.returns):
                    return
                problem = 'it ended'
            except SourceLost as e:
                problem = str(e)
                if not self.source.returns:
                    raise ValueError(f'{self.source.name}: {problem}') from e
            if self.stop.is_set():
                return
            visit += 1
            if not self.source.returns and self.loop:
                continue
            if not self.frames:
                raise ValueError(
                    f'{self.source.name}: {problem}. Look whether it is the '
                    'right one, switched on, and used by no other program')
            if self.frames > before:
                wait = FIRST_WAIT
            self.tell(f'{self.source.name}: {problem}; trying again in '
                      f'{wait:g} s')
            if self.stop.wait(wait):
                return
            wait = min(2 * wait, LONGEST_WAIT)

    def _visit(self, visit: int) -> Iterator[Frame]:
        fps, back = self.source.fps, False
        for number, content in enumerate(self.source.read()):
            if self.stop.is_set():
                return
            now = time.perf_counter()
            if self._began is None:
                self._began = now
            at = now - self._began
            if fps and not self.source.returns:
                at = self._played / fps
                late = now - self._began
                if not self.fast and late < at:
                    if self.stop.wait(at - late):
                        return
                    now = time.perf_counter()
                self._played += 1
            if self.source.returns and visit and not back:
                back = True
                self.reconnects += 1
                self.tell(f'{self.source.name}: it is back')
            self.frames += 1
            yield Frame(visit, number, at, now, content)
