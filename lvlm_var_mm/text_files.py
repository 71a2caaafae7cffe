"""Read text that people write, and name the file if it is none."""
import os
from typing import Union


def read_text(path: Union[str, os.PathLike]) -> str:
    """Read a text file in UTF-8, with or without a mark of it at the start;
    every end of a line becomes ``\\n``.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is no text in UTF-8; names it.
    """
    try:
        with open(path, encoding='utf-8-sig') as f:
            return f.read()
    except UnicodeDecodeError as e:
        raise ValueError(f'{path} is no text in UTF-8: {e}') from e
