"""The action narrative: a clip's semantic action tokens, written out."""
from itertools import groupby
from typing import Optional, Sequence


def narrate(ids: Sequence[int], names: Optional[Sequence[str]] = None) -> str:
    """Write a clip's codes in order, repeats merged.

    Args:
        ids (Sequence[int]): (L, ) codes of the clip, first to last.
        names (Sequence[str], optional): A name for each code. Without, a
            code is called by its number.

    Returns:
        str: Such as ``a17 x3, a203, a5 x2``.
    """
    steps = []
    for code, run in groupby(int(i) for i in ids):
        name, length = names[code] if names else f'a{code}', len(list(run))
        steps.append(f'{name} x{length}' if length > 1 else name)
    return ', '.join(steps)
