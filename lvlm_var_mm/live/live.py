"""Answer windows while they happen, by three stages that never queue up.

    capture -> [frame] -> see -> [window] -> answer -> [answer] -> you

Each stage is a thread, each [ ] a box for one thing (:class:`.box.Box`): what
comes too fast takes the place of what nobody has fetched yet, and is counted.
So the answer is always about what happened last, however slow the model is.
"""
import os
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import torch

from lvlm_var_mm.apis.answers import Answer
from lvlm_var_mm.apis.clips import Clip, Reading
from lvlm_var_mm.apis.problems import told
from lvlm_var_mm.apis.ring import Ring
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.apis.windows import grid_of
from lvlm_var_mm.pose import blazepose
from .answering import Window, clip_of
from .box import Box
from .capture import Capture, Frame
from .sources import Source

POLL = .1  # seconds after which a wait looks for Ctrl-C
GOODBYE = 7.  # seconds that a stage may take to end


class Live:
    """Watch a source and answer its windows.

        answering = ByModel(ActionInferencer(CONFIG, CHECKPOINT))
        source = open_source(0, answering.wanted, Reading(pose='mediapipe'))
        with Live(answering, source, how=Reading(pose='mediapipe')) as live:
            for answer in live:
                print(answer['class'], answer['latency_ms'])

    Args:
        answering (callable): :class:`.answering.ByModel` or
            :class:`.answering.ByJoints`, or whatever has ``wanted`` and makes
            an answer, a dict, of a :class:`~lvlm_var_mm.apis.clips.Clip`.
        source (Source): Of :func:`.sources.open_source`.
        window, every (float): Seconds that an answer is about, and seconds
            from one answer to the next.
        fast (bool): Take every frame and every window of a recording as soon
            as there is time for it: nothing is skipped.
        loop (bool): Play a recording again and again.
        how (Reading, optional): How frames are read: ``pose`` and
            ``persons``.
        tell (callable): Takes a line for people when a source is lost or
            back.

    Attributes:
        latest (tuple, optional): The last frame that was looked at, and its
            landmarks or None.

    Raises:
        ValueError: Not 0 < ``every`` <= ``window``; ``fast`` or ``loop``
            with a camera, whose frames would queue up; or ``persons='each'``
            of pictures.
    """

    def __init__(self, answering: Callable[[Clip], Answer], source: Source,
                 window: float = 2., every: float = .5, fast: bool = False,
                 loop: bool = False, how: Optional[Reading] = None,
                 tell: Callable[[str], None] = print) -> None:
        if source.returns and (fast or loop):
            raise ValueError(f'{source.name} is no recording: only those can '
                             'be played fast or in a loop')
        if how is not None and how.persons == 'each' and not source.layout:
            raise ValueError(
                f'{source.name} gives pictures, which have one answer '
                '(BlazePose follows one person): persons=\'each\' '
                '(--persons each) is for files of joints')
        grid = grid_of(window, every, source.fps or 1.)
        self._ring = Ring(grid.length, grid.stride) if source.fps else (
            Ring(window, every))
        self.answering, self.source = answering, source
        self.wanted: Wanted = answering.wanted
        self.how = how or Reading()
        self.tell, self._noted = tell, set()
        self.latest: Optional[Tuple[Frame, Any]] = None
        self._stop = threading.Event()
        self._capture = Capture(source, self._stop, fast, loop, tell)
        # An answer that was made is handed over; the model waits for that.
        self._boxes = Box(fast), Box(fast), Box(lossless=True)
        self._error: Optional[BaseException] = None
        self._answers, self._began = 0, time.perf_counter()
        self._told, self._start = (0, 0), 0.
        self._threads: List[threading.Thread] = []

    # ------------------------------------------------------------- for users
    def __enter__(self) -> 'Live':
        self._began = time.perf_counter()
        frames, windows, answers = self._boxes
        for stage, into in ((self._run_capture, frames),
                            (self._run_see, windows),
                            (self._run_answer, answers)):
            thread = threading.Thread(target=self._guarded,
                                      args=(stage, into), daemon=True,
                                      name=stage.__name__.strip('_'))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *args: Any) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Answer]:
        """Yield answers as they come, until the source ends.

        Yields:
            dict: What ``answering`` says; ``start`` and ``end``, seconds
            since the first frame; ``frames``, how many the window has;
            ``latency_ms``, from the last frame of the window to the answer;
            ``skipped`` and ``skipped_windows``, those left out since the
            answer before. Where nobody is seen, ``class`` is None; where the
            model fails, there is ``error``. With ``persons='each'`` and a
            source of several, what is said of each is in ``persons``.

        Raises:
            ValueError: The source cannot be opened.
        """
        while not self.done:
            answer = self.next(POLL)
            if answer is not None:
                yield answer

    def next(self, timeout: float) -> Optional[Answer]:
        """Return the next answer, None if there is none for ``timeout``
        seconds.

        Raises:
            ValueError: The source cannot be opened.
        """
        answer = self._boxes[-1].take(timeout)
        if self._error is not None:
            raise self._error
        return answer

    @property
    def done(self) -> bool:
        """Return whether the last answer has been fetched."""
        return self._error is None and self._boxes[-1].done

    def stop(self) -> bool:
        """End all stages.

        Returns:
            bool: Whether they ended in time. One that does not, such as a
            camera that hangs, ends with the program.
        """
        self._stop.set()
        for box in self._boxes:
            box.close(empty=True)
        end = time.monotonic() + GOODBYE
        for thread in self._threads:
            thread.join(max(0., end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def summary(self) -> Dict[str, Any]:
        """Return ``frames``, ``skipped``, ``answers``, ``skipped_windows``,
        ``reconnects`` and ``seconds`` so far."""
        frames, windows, _ = self._boxes
        return dict(
            frames=self._capture.frames, skipped=frames.skipped,
            answers=self._answers, skipped_windows=windows.skipped,
            reconnects=self._capture.reconnects,
            seconds=round(time.perf_counter() - self._began, 3))

    # ------------------------------------------------------------ the stages
    def _guarded(self, stage: Callable[[], None], into: Box) -> None:
        try:
            stage()
        except BaseException as e:  # it is raised where answers are fetched
            self._error = self._error or e
            self._stop.set()
            for box in self._boxes:
                box.close(empty=True)
        finally:
            into.close()

    def _run_capture(self) -> None:
        for frame in self._capture:
            self._boxes[0].put(frame)

    def _run_see(self) -> None:
        """Estimate poses where that is asked for, and put windows together."""
        visit = 0
        for frame, landmarks in self._seen():
            if frame.visit != visit:  # what lies between is not known
                visit = frame.visit
                if not self.source.returns:  # a recording that ended
                    self._hand_on(self._ring.rest())
                self._ring.clear()
                self._start = frame.time
            self.latest = frame, landmarks
            if landmarks is not None:  # the window needs no pictures
                frame = frame.without_image()
            self._hand_on(self._ring.add(self._end_of(frame),
                                         (frame, landmarks)))
        if not self._stop.is_set():
            self._hand_on(self._ring.rest())

    def _hand_on(self, kept: List[Tuple[Frame, Any]]) -> None:
        if kept:
            self._boxes[1].put(kept)

    def _end_of(self, frame: Frame) -> float:
        """Return where a frame ends on the ring: counted, or by the clock."""
        return frame.number + 1 if self.source.fps else (
            frame.time - self._start)

    def _seen(self) -> Iterator[Tuple[Frame, Any]]:
        if not self.how.pose or self.wanted.video or self.source.layout:
            for frame in self._boxes[0]:
                yield frame, None
            return
        at: List[Frame] = []

        def images() -> Iterator[Any]:
            for frame in self._boxes[0]:
                at[:] = [frame]
                yield frame.content['image']

        for landmarks in blazepose.look_at_large(images()):
            yield at[0], landmarks

    def _run_answer(self) -> None:
        for kept in self._boxes[1]:
            frames, landmarks = zip(*kept)
            window = Window(frames, None if landmarks[0] is None else
                            landmarks)
            answer = self._answered(window)
            self._answers += 1
            self._boxes[2].put(answer)

    def _note(self, *notes: str) -> None:
        """Tell each note once."""
        for note in dict.fromkeys(notes):
            if note not in self._noted:
                self._noted.add(note)
                self.tell(f'{self.source.name}: {note}')

    def _said(self, clip: Clip) -> Answer:
        """The answer to a clip, or with ``persons='each'`` those in it to
        each person; who is not seen for a while keeps the number."""
        if self.how.persons != 'each' or len(clip.keypoint) < 2:
            return self.answering(clip)
        clips = clip.each(alone=True)
        found = [self.answering(one) for one in clips]
        failed = [answer for answer in found if 'error' in answer]
        return failed[0] if failed else dict(persons=[
            dict(person=one.person, **answer)
            for one, answer in zip(clips, found)])

    def _answered(self, window: Window) -> Answer:
        start, end = window.span(self.source.fps, self.wanted.fps)
        answer: Answer = {'start': round(start, 3), 'end': round(end, 3),
                          'frames': len(window.frames), 'class': None}
        try:
            clip = clip_of(window, self.source, self.wanted, self.how)
            if clip is not None:
                self._note(*self.source.notes, *clip.notes)
                answer.update(self._said(clip))
                if 'persons' in answer:
                    del answer['class']  # each has one
        except torch.cuda.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError) as e:
            if os.environ.get('LVLM_VAR_TRACEBACK'):
                raise
            answer['error'] = told(self.source.name, e)
        latency = time.perf_counter() - window.frames[-1].captured
        skipped = tuple(box.skipped for box in self._boxes[:2])
        answer.update(latency_ms=round(1e3 * latency, 1),
                      skipped=skipped[0] - self._told[0],
                      skipped_windows=skipped[1] - self._told[1])
        self._told = skipped
        return answer
