"""Write what a recording shows over time: scores as CSV, segments as JSON,
CSV and WebVTT subtitles."""
import csv
import json
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence

from lvlm_var_mm.atomic import replaced, write_text
from .windows import Segment, Step, segments


def write_timeline(steps: Iterable[Step], folder: Path, stem: str,
                   names: Sequence[str], threshold: float = 0.,
                   **facts: Any) -> List[Dict[str, Any]]:
    """Write ``STEM.scores.csv``, a line a step as it comes, and
    ``STEM.segments.csv``, ``STEM.json`` and ``STEM.vtt``.

    Where the recording cannot be read to its end, or Ctrl-C is pressed, they
    hold what was before; the JSON says with ``stopped`` at which second.

    Args:
        steps (iterable): Of :class:`.windows.Scan`.
        folder (Path): Made if it is not there.
        stem (str): Of the names of the files.
        names (sequence): Of the classes.
        threshold (float): See :func:`.windows.segments`.
        facts: Written into the JSON as they are.

    Returns:
        list[dict]: The segments, each with ``start``, ``end`` (seconds),
        ``class`` ('' for none) and ``score``.

    Raises:
        Exception: What stopped ``steps``, once all is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stop: List[BaseException] = []
    with replaced(folder / f'{stem}.scores.csv', 'w') as f:
        found = [row_of(segment, names) for segment in segments(
            _written(_until(steps, stop),
                     csv.writer(f, lineterminator='\n'), names), threshold)]
        if stop and not found:
            raise stop[0]  # nothing to keep
    if stop:
        facts['stopped'] = found[-1]['end']
    with replaced(folder / f'{stem}.segments.csv', 'w') as f:
        table = csv.DictWriter(f, ['start', 'end', 'class', 'score'],
                               lineterminator='\n')
        table.writeheader()
        table.writerows(found)
    write_text(folder / f'{stem}.json', json.dumps(
        dict(facts, segments=found), indent=1, ensure_ascii=False))
    write_text(folder / f'{stem}.vtt', as_vtt(found))
    if stop:
        raise stop[0]
    return found


def row_of(segment: Segment, names: Sequence[str]) -> Dict[str, Any]:
    """Return a segment ready for JSON."""
    return {'start': round(segment.start, 3), 'end': round(segment.end, 3),
            'class': '' if segment.label is None else names[segment.label],
            'score': round(segment.score, 4)}


def as_vtt(rows: Sequence[Dict[str, Any]]) -> str:
    """Return segments as WebVTT subtitles (W3C); those without a class are
    left out."""
    cues = [f'{_clock(r["start"])} --> {_clock(r["end"])}\n'
            f'{_plain(r["class"])} ({r["score"]:.2f})\n'
            for r in rows if r['class']]
    return '\n'.join(['WEBVTT\n', *cues])


def _plain(text: str) -> str:
    return text.replace('&', '&amp;').replace('<', '&lt;').replace(
        '-->', '\u2192')


def _clock(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return (f'{minutes // 60:02}:{minutes % 60:02}:'
            f'{milliseconds // 1000:02}.{milliseconds % 1000:03}')


def _until(steps: Iterable[Step], stop: List[BaseException]
           ) -> Iterator[Step]:
    """Pass steps on up to what stops them, which is put into ``stop``."""
    try:
        yield from steps
    except (Exception, KeyboardInterrupt) as e:  # a recording may be anything
        stop.append(e)


def _written(steps: Iterable[Step], table: Any, names: Sequence[str]
             ) -> Iterator[Step]:
    """Pass steps on, each once it is in the table."""
    table.writerow(['start', 'end', *names])
    for step in steps:
        values = [''] * len(names) if step.scores is None else [
            f'{s:.5f}' for s in step.scores]
        table.writerow([f'{step.start:.3f}', f'{step.end:.3f}', *values])
        yield step
