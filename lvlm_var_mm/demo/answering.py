"""Answer uploads, one at a time, with the model that is loaded once."""
import secrets
from pathlib import Path
from threading import Lock
from typing import (Any, Callable, Dict, Iterator, NamedTuple, Optional,
                    Sequence)

from lvlm_var_mm.apis.answers import Outcome, answers_of
from lvlm_var_mm.apis.problems import told
from lvlm_var_mm.apis.saving import AnswerFolder
from .limits import Limits, check_upload, endings_of

Ask = Callable[[str], Iterator[Outcome]]


class Answered(NamedTuple):
    """The answer to an upload.

    Attributes:
        prediction (dict): What ``ActionInferencer`` says, ``source`` being
            the name of the upload; or ``name``, ``source`` and ``error``.
        page (str): HTML.
        files (sequence[str]): For download: the page, JSON, and a picture of
            each answer.
    """
    prediction: Dict[str, Any]
    page: str = ''
    files: Sequence[str] = ()


class Answering:
    """Answers uploads.

    Args:
        ask (callable): Gives the outcome of a path, such as
            ``inferencer.answers``.
        folder (Path): Where answers are written.
        limits (Limits): Of the server.
        trial (callable): Gives what is wrong with a file, see
            :class:`.trial.Trial`.
        videos (bool): Whether videos are read.
        write_videos (bool): Offer a video with the skeleton as well.
        joints (bool): Whether files of joints are read.
    """

    def __init__(self, ask: Ask, folder: Path, limits: Limits,
                 trial: Callable[[Path], Optional[str]],
                 videos: bool = False, write_videos: bool = False,
                 joints: bool = True) -> None:
        self.ask, self.folder, self.limits = ask, folder, limits
        self.endings = endings_of(videos, joints)
        self.write_videos = write_videos
        self.trial = trial
        # The queue lets one request in at a time. The model must not depend
        # on it: its head is set up for each batch.
        self._one = Lock()

    def __call__(self, path: Optional[str], page: bool = False) -> Answered:
        """Answer an upload.

        Args:
            path (str, optional): Of the file.
            page (bool): Write the page and the other files.
        """
        if not path:
            return Answered(dict(name='', source='', error='no file: choose '
                                 'one, or give its path in `data`'))
        with self._one:
            outcome = self._outcome(Path(path))
            prediction = _nameless(outcome.prediction, path)
            if not page:
                return Answered(prediction)
            return self._written(outcome, prediction)

    def _outcome(self, path: Path) -> Outcome:
        try:
            check_upload(path, self.endings, self.limits)
            problem = self.trial(path)
            if problem is None:
                outcome, = self.ask(str(path))
                return outcome
        except FileNotFoundError:
            problem = (f'{path} is no longer here, uploads are kept for '
                       f'{self.limits.kept} s: upload it again')
        except (OSError, ValueError) as e:
            problem = told(str(path), e)
        return Outcome(dict(name=path.name, source=str(path), error=problem))

    def _written(self, outcome: Outcome, prediction: Dict[str, Any]
                 ) -> Answered:
        folder = AnswerFolder(self.folder / secrets.token_hex(16),
                              videos=self.write_videos, page=True)
        folder.add(prediction, outcome.clips, answers_of(prediction))
        folder.close()
        written = folder.written
        if 'error' in prediction:  # the page says it all
            return Answered(prediction, written[-1].read_text('utf-8'))
        pictures = sorted(p for p in folder.path.rglob('*')
                          if p.is_file() and p not in written)
        return Answered(prediction, written[-1].read_text('utf-8'),
                        [str(p) for p in reversed(written)] +
                        [str(p) for p in pictures])


def _nameless(prediction: Dict[str, Any], path: str) -> Dict[str, Any]:
    """Call the file by its name alone: where it lies on the server is nobody's
    business."""
    name = Path(path).name
    changed = dict(prediction, source=name)
    if 'error' in changed:
        changed['error'] = changed['error'].replace(path, name)
    return changed
