"""Class names and descriptions of the datasets, read from text files.

A file holds one class per line in label order, ``name`` or
``name | description``; blank lines and lines that start with ``#`` do not
count.  An MMAction2 label map (one name per line) is such a file.
"""
import os
import re
import warnings
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from lvlm_var_mm.text_files import read_text

# key: (file beside this one, how many of its classes, None for all)
KNOWN = {
    'ntu60': ('ntu120.txt', 60),
    'ntu120': ('ntu120.txt', None),
    'nucla': ('nucla.txt', None),
}


class ClassList(NamedTuple):
    """Classes in label order.

    Attributes:
        names (tuple[str]): Unique, never empty.
        descriptions (tuple[str]): What the body does, one for each name;
            empty where none is known.
    """
    names: Tuple[str, ...]
    descriptions: Tuple[str, ...]


def load_classes(source: Union[str, os.PathLike, Sequence],
                 num_classes: Optional[int] = None) -> ClassList:
    """Read the classes that ``source`` names.

    Args:
        source (str | Path | Sequence): ``'ntu60'``, ``'ntu120'``,
            ``'nucla'``, the path of a text file, a list of names or of
            ``(name, description)`` pairs, or a :class:`ClassList`.
        num_classes (int, optional): Number of classes the model has.

    Returns:
        ClassList: Names and descriptions.

    Warns:
        UserWarning: Names that are :func:`alike`; gives the pairs.

    Raises:
        FileNotFoundError: ``source`` looks like a path and is not there.
        ValueError: An unknown key, an empty or repeated name, no class at
            all, or not ``num_classes`` of them.
    """
    if isinstance(source, (str, os.PathLike)):
        label = repr(str(source))
        rows = _read(source)
    else:
        label = 'list'
        items = zip(*source) if isinstance(source, ClassList) else source
        rows = [(f'item {i}', *_pair(item)) for i, item in enumerate(items)]
    first_seen = {}
    for place, name, _ in rows:
        where = f'`class_names` {label}, {place}'
        if not name:
            raise ValueError(f'{where}: the class name is empty; write one '
                             'or remove the entry')
        if name in first_seen:
            raise ValueError(f'{where}: {name!r} already stands at '
                             f'{first_seen[name]}; names must differ')
        first_seen[name] = place
    pairs = alike(list(first_seen))
    if pairs:
        warnings.warn(f'`class_names` {label}: {written_alike(pairs)}')
    if not rows:
        raise ValueError(f'`class_names` {label} lists no class')
    if num_classes is not None and len(rows) != num_classes:
        raise ValueError(f'num_classes={num_classes} but `class_names` '
                         f'{label} lists {len(rows)}; make them agree')
    return ClassList(tuple(row[1] for row in rows),
                     tuple(row[2] for row in rows))


def alike(names: Sequence[str]) -> List[Tuple[str, str]]:
    """Return the pairs of names that differ in case, blanks, hyphens or
    underscores alone, such as ``sit down`` and ``Sit  down``: most likely one
    class."""
    first, pairs = {}, []
    for name in names:
        key = re.sub(r'[\s_-]+', ' ', name).strip().casefold()
        if first.setdefault(key, name) != name:
            pairs.append((first[key], name))
    return pairs


def written_alike(pairs: Sequence[Tuple[str, str]]) -> str:
    """Return a sentence about pairs of :func:`alike`."""
    shown = ', '.join(f'{a!r} and {b!r}' for a, b in pairs[:5])
    more = f' and {len(pairs) - 5} more pairs' if len(pairs) > 5 else ''
    return (f'the class names {shown}{more} differ in case, blanks or hyphens '
            'alone, and are taken for different classes')


def _read(source):
    """Rows ``(place, name, description)`` of a known list or of a file."""
    limit = None
    path = Path(source).expanduser()
    if source in KNOWN:
        file, limit = KNOWN[source]
        path = Path(__file__).with_name(file)
    elif path.is_dir() or not path.exists():
        _refuse(source, path)
    rows = []
    # Not splitlines(), which ends a line at a form feed and others, too.
    for number, line in enumerate(read_text(path).split('\n'), 1):
        line = line.strip()
        if line and not line.startswith('#'):
            name, _, description = line.partition('|')
            rows.append((f'line {number}', name.strip(),
                         description.strip()))
    return rows[:limit]


def _refuse(source, path):
    known = ', '.join(sorted(KNOWN))
    text = str(source)
    if isinstance(source, os.PathLike) or path.suffix or os.sep in text:
        raise FileNotFoundError(
            f'no class list file at {text!r}; correct the path, or use a '
            f'known list: {known}')
    raise ValueError(f'unknown class list {text!r}; known are {known}, or '
                     'give the path of a text file or a list of names')


def _pair(item):
    """``(name, description)`` of one entry of a list."""
    pair = (item, '') if isinstance(item, str) else item
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(
            isinstance(part, str) for part in pair):
        raise ValueError('`class_names` entries are names or (name, '
                         f'description) pairs, got {item!r}')
    return pair[0].strip(), pair[1].strip()
