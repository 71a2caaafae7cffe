"""Read the CSV of your own data: which file shows what, for which split."""
import csv
import os.path as osp
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from lvlm_var_mm.atomic import write_text
from lvlm_var_mm.class_lists import ClassList, load_classes
from lvlm_var_mm.datasets.annotations import checked_rate

REQUIRED = 'file', 'label', 'split'
SPLITS = 'train', 'val', 'test'
SHOWN = 10  # errors of one kind that a message lists


class Row(NamedTuple):
    """One line of the CSV, checked."""
    file: str  # as written in the table
    path: Path
    label: int
    split: str
    explanation: str
    fps: Optional[float] = None
    timestamps: Optional[Path] = None  # a file with the seconds of frames


def read_table(table: Union[str, Path],
               root: Union[str, Path],
               classes: Union[str, Path, None] = None
               ) -> Tuple[List[Row], ClassList]:
    """Read and check a CSV with a header.

    Args:
        table (str | Path): Columns ``file``, ``label`` and ``split``, by
            option ``explanation``, ``fps`` and ``timestamps``, the file with
            the seconds of a clip's frames; others do not count.
        root (str | Path): What the files are relative to.
        classes (str | Path, optional): Class list in label order, see
            :mod:`lvlm_var_mm.class_lists`. A label is then a name in it or a
            number, counted from 0. Without, labels are names and their order
            is the alphabetical one.

    Returns:
        tuple[list[Row], ClassList]: All rows in their order and the classes.

    Raises:
        FileNotFoundError: No such table, or files that are not there; lists
            the first ten.
        ValueError: A row that does not fit; names line and column.
    """
    lines = _lines(Path(table))
    faults: List[str] = []
    if classes is None:
        classes = _own_classes(table, [r['label'] for _, r in lines if
                                       r['label']])
    else:
        classes = load_classes(str(classes))
    number = {name: i for i, name in enumerate(classes.names)}
    number.update({str(i): i for i in range(len(classes.names))
                   if str(i) not in number})
    rows, seen = [], {}
    for line, record in lines:
        empty = [c for c in REQUIRED if not record[c]]
        faults += [_fault(table, line, c, 'is empty') for c in empty]
        if empty:
            continue
        file, label = record['file'], record['label']
        split = record['split'].lower()
        if label not in number:
            faults.append(_fault(
                table, line, 'label', f'{label!r} is none of the '
                f'{len(classes.names)} classes'))
        if split not in SPLITS:
            faults.append(_fault(table, line, 'split', f'{split!r} is none '
                                 f'of {", ".join(SPLITS)}'))
        if seen.setdefault(file, line) != line:
            faults.append(_fault(table, line, 'file', f'{file!r} stands in '
                                 f'line {seen[file]} already'))
        fps, times = record.get('fps'), record.get('timestamps')
        try:
            fps = checked_rate(float(fps)) if fps else None
        except ValueError as e:
            faults.append(_fault(table, line, 'fps', f'{fps!r}: {e}'))
        rows.append(Row(file, Path(root, file), number.get(label, -1), split,
                        record.get('explanation', ''), fps,
                        Path(root, times) if times else None))
    if faults:
        raise ValueError(_first(faults))
    used = {row.split for row in rows}
    if 'train' not in used or not used & {'val', 'test'}:
        raise ValueError(
            f'{table}, column `split`: has {sorted(used)}; it needs rows of '
            '`train` and of `val` or `test`')
    missing = [_fault(table, line, column, f'no {path}')
               for (line, _), row in zip(lines, rows)
               for column, path in (('file', row.path),
                                    ('timestamps', row.timestamps))
               if path is not None and not osp.exists(path)]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(rows)} files are not there; set --root '
            f'to the folder that they are in:\n{_first(missing)}')
    return rows, classes


def _lines(table: Path) -> List[Tuple[int, Dict[str, str]]]:
    """Line number and columns, without the blanks around them."""
    if not table.is_file():
        raise FileNotFoundError(f'no file {table}: give a CSV with the '
                                f'columns {", ".join(REQUIRED)}')
    try:
        with open(table, encoding='utf-8-sig', newline='') as f:
            reader = csv.DictReader(f, skipinitialspace=True, strict=True)
            columns = [str(c).strip() for c in reader.fieldnames or ()]
            absent = [c for c in REQUIRED if c not in columns]
            if absent:
                raise ValueError(
                    f'{table}, line 1: no column {", ".join(absent)}; the '
                    'first line must name the columns, with commas between '
                    f'them, and has {", ".join(columns) or "nothing"}')
            twice = [c for c in set(columns) if c and columns.count(c) > 1]
            if twice:
                raise ValueError(f'{table}, line 1: two columns are named '
                                 f'{twice[0]!r}')
            reader.fieldnames = columns
            lines = []
            for record in reader:
                if None in record:
                    raise ValueError(
                        f'{table}, line {reader.line_num}: has '
                        f'{len(columns) + len(record[None])} columns instead '
                        f'of {len(columns)}; text with a comma in it needs '
                        '"quotes"')
                lines.append((reader.line_num, {
                    c: (v or '').strip() for c, v in record.items()}))
    except (UnicodeDecodeError, csv.Error) as e:
        raise ValueError(f'{table} is no CSV in UTF-8: {e}') from e
    if not lines:
        raise ValueError(f'{table} has no row below its header')
    return lines


def _own_classes(table, labels: Sequence[str]) -> ClassList:
    names = sorted(set(labels))
    if names and all(name.isdigit() for name in names):
        raise ValueError(
            f'{table}, column `label`: all are numbers, but the language '
            'model reads names: write the names, or give --classes FILE with '
            'one name per line, that of label 0 first')
    # What the file of classes could not hold.
    odd = [n for n in names if '|' in n or len(n.splitlines()) > 1
           or n.startswith('#')]
    if odd:
        raise ValueError(f'{table}, column `label`: {odd[0]!r} has a `|`, a '
                         'line break or a leading `#`, which no name may')
    return load_classes(names) if names else ClassList((), ())


def write_classes(path: Path, classes: ClassList) -> None:
    """``name | description`` per line, in label order."""
    write_text(path, ''.join(
        f'{name} | {text}\n' if text else f'{name}\n'
        for name, text in zip(*classes)))


def _fault(table, line: int, column: str, problem: str) -> str:
    return f'{table}, line {line}, column `{column}`: {problem}'


def _first(faults: Sequence[str]) -> str:
    more = len(faults) - SHOWN
    return '\n'.join([*faults[:SHOWN],
                      *([f'... and {more} more'] if more > 0 else [])])
