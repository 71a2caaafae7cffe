"""Write answers into a folder: JSON, pictures, videos and a page."""
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import cv2
import numpy as np

from lvlm_var_mm.atomic import replaced, write_text
from lvlm_var_mm.visualization.answer import draw_answer
from lvlm_var_mm.visualization.overlay import write_overlay
from lvlm_var_mm.visualization.page import card_of, write_page
from .clips import Clip

JSON, PAGE, PICTURES, VIDEOS = ('predictions.json', 'index.html', 'pictures',
                                'videos')

LONGEST = 60  # characters of the name of a file, of four bytes perhaps


class AnswerFolder:
    """A folder that takes answers one after another.

    Args:
        path (str | Path): Made if it is not there.
        pictures (bool): Write ``pictures/NAME.png``.
        videos (bool): Write ``videos/NAME.mp4``, with skeleton, class and
            narrative over the frames.
        page (bool): Write ``index.html``, which needs no other file.

    Attributes:
        written (list[Path]): The files for all answers together, when it is
            closed.

    Raises:
        OSError: It cannot be written to.
    """

    def __init__(self, path: Union[str, Path], pictures: bool = True,
                 videos: bool = False, page: bool = False) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.pictures, self.videos, self.page = pictures, videos, page
        self.written: List[Path] = []
        self._predictions: List[Dict[str, Any]] = []
        self._cards: List[str] = []
        self._taken: set = set()

    def add(self, prediction: Dict[str, Any], clips: Sequence[Clip],
            answers: Sequence[Dict]) -> List[np.ndarray]:
        """Take the answers to one input.

        Args:
            prediction (dict): The input's.
            clips (sequence[Clip]): One for each answer.
            answers (sequence[dict]): None where the input has an error.

        Returns:
            list[np.ndarray]: The pictures, uint8 (H, W, 3) RGB.
        """
        drawn = [picture_of(clip, answer)
                 for clip, answer in zip(clips, answers)
                 if self.pictures]
        self._predictions.append(prediction)
        if self.page and 'error' in prediction:
            self._cards.append(card_of(prediction))
        for i, (clip, answer) in enumerate(zip(clips, answers)):
            person = '' if clip.person is None else f'_person{clip.person + 1}'
            stem = file_stem(clip.name + person, self._taken)
            if self.pictures:
                self._write_picture(stem, drawn[i])
            if self.videos:
                folder = self.path / VIDEOS
                folder.mkdir(exist_ok=True)
                write_overlay(folder / f'{stem}.mp4', answer, clip.fps,
                              clip.keypoint, clip.layout, clip.video,
                              clip.in_picture)
            if self.page:
                self._cards.append(card_of(
                    {**prediction, **answer}, clip.keypoint, clip.layout,
                    clip.video, clip.fps))
        return drawn

    def _write_picture(self, stem: str, picture: np.ndarray) -> None:
        folder = self.path / PICTURES
        folder.mkdir(exist_ok=True)
        done, data = cv2.imencode('.png', picture[..., ::-1])
        with replaced(folder / f'{stem}.png') as f:
            f.write(data.tobytes())

    def __enter__(self) -> 'AnswerFolder':
        return self

    def __exit__(self, stopped: Optional[type], *error: Any) -> None:
        """Write what there is, whatever stopped it; nothing, if it was stopped
        before the first answer: those of another run may be there."""
        if stopped is None or self._predictions:
            self.close()

    def close(self) -> None:
        """Write the files for all answers together, and name them in
        ``written``."""
        written = self.written = [self.path / JSON]
        write_text(written[0], as_json(self._predictions))
        if self.page:
            written.append(self.path / PAGE)
            write_page(written[-1], self._cards, self._predictions)


def picture_of(clip: Clip, answer: Dict[str, Any],
               truth: Optional[str] = None) -> np.ndarray:
    """Draw the answer to a clip, uint8 (H, W, 3) RGB."""
    return draw_answer(answer, clip.name, clip.keypoint, clip.layout,
                       clip.video, clip.frames / clip.fps, truth)


def as_json(predictions: Any, indent: Optional[int] = 1) -> str:
    """Return predictions as JSON text, without the data samples."""
    return json.dumps(_plain(predictions), indent=indent, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k != 'data_sample'}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def file_stem(name: str, taken: set) -> str:
    """Return a name for a file out of that of a clip, one that is not
    ``taken`` yet, and add it there."""
    stem = re.sub(r'[^\w.-]+', '_', Path(name).stem).strip('._')
    stem = stem[:LONGEST] or 'clip'  # a folder takes no longer ones
    found, number = stem, 2
    while found in taken:
        found, number = f'{stem}_{number}', number + 1
    taken.add(found)
    return found
