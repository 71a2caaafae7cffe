"""Findings of the doctor, and the table that shows them."""
import shutil
import textwrap
from typing import List, NamedTuple, Optional, Sequence

from terminaltables import AsciiTable

LEVELS = 'ok', 'note', 'warning', 'error'


class Finding(NamedTuple):
    """One line of the report.

    Attributes:
        level (str): ``'ok'``, looked at and good; ``'note'``, worth knowing;
            ``'warning'``, runs, but perhaps not as meant; ``'error'``, does
            not run, or gives wrong figures.
        area (str): What was looked at, such as ``'data: train'``.
        text (str): What is the case.
        remedy (str): What to do about it; empty for ``'ok'``.
    """
    level: str
    area: str
    text: str
    remedy: str = ''


def failure(area: str, error: Exception, remedy: str) -> Finding:
    """A finding out of what something raised. Our own errors say all that is
    needed; those of others also need their kind."""
    text = str(error).strip() or repr(error)
    if isinstance(error, FileNotFoundError) and error.filename:
        text = f'no file {error.filename}'
    if not isinstance(error, (ValueError, FileNotFoundError)):
        text = f'{type(error).__name__}: {text}'
    return Finding('error', area, text, remedy)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 if anything is an error, else 0."""
    return int(any(f.level == 'error' for f in findings))


def table(findings: Sequence[Finding], width: Optional[int] = None) -> str:
    """The findings as a table.

    Args:
        findings (list[Finding]): In the order to show.
        width (int, optional): Columns of the terminal, asked of it by
            default.
    """
    width = width or shutil.get_terminal_size((100, 24)).columns
    fixed = [max(len(f[i]) for f in [*findings, Finding._fields])
             for i in range(2)]
    # Each of four columns has a blank on both sides and a line behind it.
    free = max(width - sum(fixed) - 13, 40)
    widths = *fixed, free * 3 // 5, free - free * 3 // 5
    rows = [('', 'area', 'finding', 'remedy')]
    for finding in findings:
        rows.append([_wrap(cell, w) for cell, w in zip(finding, widths)])
    lines = AsciiTable(rows)
    lines.inner_row_border = True
    return lines.table


def summary(findings: Sequence[Finding]) -> str:
    """The last line of the report."""
    count = {level: sum(f.level == level for f in findings)
             for level in LEVELS}
    return (f'errors: {count["error"]}, warnings: {count["warning"]}, '
            f'notes: {count["note"]}, ok: {count["ok"]}')


def shorten(names: Sequence, limit: int = 5) -> str:
    """The first of some names and how many more there are."""
    names = [str(n) for n in names]
    more = len(names) - limit
    return ', '.join(names[:limit]) + (
        f' and {more} more' if more > 0 else '')


def _wrap(text: str, width: int) -> str:
    lines: List[str] = []
    for line in text.splitlines() or ['']:
        lines += textwrap.wrap(line, width, break_on_hyphens=False) or ['']
    return '\n'.join(lines)
