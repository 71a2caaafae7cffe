"""A kind of file that is read from other people, and how reading it went."""
from pathlib import Path
from typing import Tuple

from hypothesis import strategies as st

from lvlm_var_mm.datasets.corrupt import CorruptSampleError

RIGHT, NAMED, UNNAMED, WRONG = 'right', 'named', 'unnamed', 'wrong'
CLASSES = 'drink', 'sit down', 'stand up', 'wave'


class Wrong(Exception):
    """Something was read that is not what the file says."""


class Kind:
    """A kind of file below ``folder``.

    ``whole`` is written once; ``draw`` puts a damaged one in its place, and
    ``read`` reads it.

    Raises:
        Wrong: By ``read``: it was read, but not right.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / self.file
        self.whole()

    file = ''

    def whole(self) -> None:
        """Write a good file, if damaged ones are made from one."""

    def draw(self, data: st.DataObject) -> None:
        """Write a drawn file."""
        raise NotImplementedError

    def read(self) -> None:
        """Read it."""
        raise NotImplementedError


def outcome(kind: Kind) -> Tuple[str, str]:
    """Read what was drawn.

    Returns:
        tuple: :data:`RIGHT`, :data:`NAMED`, :data:`UNNAMED` or
        :data:`WRONG`; and what was said.
    """
    try:
        kind.read()
        return RIGHT, ''
    except Wrong as e:
        return WRONG, str(e)
    except (OSError, ValueError) as e:
        named = kind.path.name in str(e)
        if isinstance(e, CorruptSampleError):
            named &= bool(e.problem)
        return NAMED if named else UNNAMED, f'{type(e).__name__}: {e}'
    except Exception as e:
        return UNNAMED, f'{type(e).__name__}: {e}'
