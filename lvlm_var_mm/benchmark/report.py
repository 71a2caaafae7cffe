"""The report of a benchmark: terminal, Markdown and JSON."""
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from terminaltables import AsciiTable

from lvlm_var_mm.atomic import write_text
from .charts import draw

Table = List[Sequence[str]]
SUBSETS = dict(all='all', clean='clean')


def write_report(found: Dict[str, Any], out: Path) -> List[Path]:
    """Write ``report.md``, ``report.json`` and the charts.

    Args:
        found (dict): Of :func:`.results.collect`.
        out (Path): The folder.

    Returns:
        list[Path]: The files.
    """
    files = [out / 'report.json', out / 'report.md']
    charts = draw(found, out)
    write_text(files[0], json.dumps(found, indent=1, sort_keys=True) + '\n')
    write_text(files[1], markdown(found, charts))
    return files + charts


def terminal(found: Dict[str, Any]) -> str:
    """Return the tables for a terminal."""
    return '\n\n'.join(
        f'{title}\n{AsciiTable(list(table)).table}'
        for title, table, _ in tables(found))


def markdown(found: Dict[str, Any], charts: Sequence[Path] = ()) -> str:
    """Return the report as Markdown."""
    parts = [f'# {found["title"]}']
    if found['missing']:
        parts.append('Not done yet: ' + ', '.join(found['missing']) + '.')
    for title, table, note in tables(found):
        parts += [f'## {title}', _markdown_table(table)] + [note] * bool(note)
        if title == 'Accuracy':
            parts += [f'![{p.stem}]({p.name})' for p in charts]
    return '\n\n'.join(parts) + '\n'


def tables(found: Dict[str, Any]) -> List[Tuple[str, Table, str]]:
    """Return title, rows and a note of each table."""
    made = [('Accuracy', _accuracy(found), _accuracy_note(found))]
    if found['costs']:  # that of given scores is not known
        made.append(('Cost', _cost(found), _cost_note(found)))
    if found['comparisons']:
        made.append(('Paired', _paired(found), PAIRED))
    for pair in found['comparisons']:
        made.append((f'{pair["first"]} and {pair["second"]}, by class',
                     _by_class(pair), ''))
    if found['published']:
        made.append(('Published by others', _published(found), PUBLISHED))
    return made


# -------------------------------------------------------------- accuracy
def _accuracy(found: Dict[str, Any]) -> Table:
    both = any('clean' in m['figures'] for m in found['methods'])
    head = ['method', 'seeds', 'top-1', 'top-5', 'mean class', 'ECE']
    if both:
        head += ['top-1 clean', 'mean class clean']
    best = _best(found)
    head.append('best epoch')
    rows: Table = [head]
    for m in found['methods']:
        figs = m['figures']
        row = [m['name'], str(len(m['seeds']))] + [
            spread(figs['all'][key])
            for key in ('top1', 'top5', 'mean_class', 'ece')]
        if both:
            row += [spread(figs['clean'][key]) if 'clean' in figs else '-'
                    for key in ('top1', 'mean_class')]
        rows.append(row + [best.get(m['name'], '-')])
    return rows


def _accuracy_note(found: Dict[str, Any]) -> str:
    first = found['methods'][0]['figures']
    text = (f'Percent, {first["all"]["clips"]["mean"]:.0f} test clips, last '
            'epoch; after ± the standard deviation over the seeds. The best '
            'epoch is chosen on the test clips, as others report it, by '
            'validation.')
    if 'clean' in first:
        text += (f' Clean are the {first["clean"]["clips"]["mean"]:.0f} test '
                 'clips that are no copies of training clips, mean class over '
                 'the classes that are left there.')
    if found['copies']:
        text += (' **Every test clip is a copy of a training clip, so the '
                 'figures say nothing of new clips: '
                 f'{", ".join(found["copies"])}.**')
    given = [run['key'] for run in found['runs'] if run['dump']]
    if given:
        text += (' Scores that were given, of a training and an epoch that '
                 f'are not known here: {", ".join(given)}.')
    weighted = [m for m in found['methods'] if m['weights']]
    for m in weighted:
        some = next(iter(m['weights'].values()))
        text += (f' Weights of {m["name"]}, set on a part of the training '
                 f'set: {", ".join(f"{w:.2f}" for w in some)}.')
    return text


def _best(found: Dict[str, Any]) -> Dict[str, str]:
    by_member: Dict[str, List[float]] = {}
    for run in found['runs']:
        if 'best_top1' in run:
            by_member.setdefault(run['member'], []).append(run['best_top1'])
    return {name: f'{sum(v) / len(v):.1f}' for name, v in by_member.items()}


# ------------------------------------------------------------------ cost
def _cost(found: Dict[str, Any]) -> Table:
    rows: Table = [('method', 'parameters', 'trained', 'GFLOPs per clip',
                    'views', 'latency, ms', 'clips/s', 'memory, MB',
                    'training, min', 'its memory, MB')]
    for name, cost in found['costs'].items():
        runs = [r for r in found['runs'] if r['member'] == name]
        minutes = _mean([r['train_seconds'] / 60 for r in runs
                         if 'train_seconds' in r])
        memory = _mean([r['train_memory'] for r in runs
                        if 'train_memory' in r])
        rows.append((
            name, f'{cost["parameters"] / 1e6:.2f} M',
            f'{cost["trainable"] / 1e6:.2f} M', f'{cost["gflops"]:.2f}',
            str(cost['views']), f'{cost["latency_ms"]:.1f}',
            f'{cost["throughput"]:.1f} (batch {cost["batch"]})',
            f'{cost["memory"]:.0f}', minutes, memory))
    return rows


def _cost_note(found: Dict[str, Any]) -> str:
    cost = next(iter(found['costs'].values()))
    return (f'On {cost["device"]}, threads: {cost["threads"]}. Latency is the '
            'median of a batch of one, all views of a clip, without its '
            f'pipeline. Operations are counted by {cost["counted"]}. Papers '
            'mostly count a multiplication with its addition as one: half of '
            'this. Memory is the peak of the GPU, without one that of the '
            'whole process.')


def _mean(values: Sequence[float]) -> str:
    return f'{sum(values) / len(values):.1f}' if values else '-'


# ----------------------------------------------------------------- pairs
PAIRED = ('Top-1 of the first less that of the second, in points, with 95 % '
          'of a paired bootstrap over the clips, seeds averaged; clips that '
          "only one of them has right and McNemar's exact test, first seed.")


def _paired(found: Dict[str, Any]) -> Table:
    rows: Table = [('first', 'second', 'clips', 'difference', '95 %',
                    'only first', 'only second', 'p')]
    for pair in found['comparisons']:
        for subset, t in pair['tests'].items():
            rows.append((
                pair['first'], pair['second'], subset,
                f'{t["difference"]:+.1f}',
                f'{t["low"]:+.1f} to {t["high"]:+.1f}', str(t['only_first']),
                str(t['only_second']),
                f'{t["p"]:.3f}' if t['p'] >= .001 else '< 0.001'))
    return rows


def _by_class(pair: Dict[str, Any]) -> Table:
    rows: Table = [('class', 'clips', 'first', 'second', 'only first right',
                    'only second right')]
    for c in pair['classes']:
        rows.append((c['name'], str(c['clips']), f'{c["first"]:.1f}',
                     f'{c["second"]:.1f}', _clips(c['only_first']),
                     _clips(c['only_second'])))
    return rows


def _clips(examples: Sequence[Dict[str, str]]) -> str:
    return '; '.join(f'{e["clip"]} (taken for {e["taken_for"]})'
                     for e in examples) or '-'


# ------------------------------------------------------------- published
PUBLISHED = ('Figures of others, not measured here: their preprocessing, '
             'schedule and choice of the epoch differ.')


def _published(found: Dict[str, Any]) -> Table:
    rows: Table = [('method', 'streams', 'top-1', 'top-1 clean', 'source')]
    for p in found['published']:
        rows.append((p['name'], str(p.get('streams', '-')),
                     _number(p.get('top1')), _number(p.get('top1_clean')),
                     p.get('source', '-')))
    return rows


def _number(value: Optional[float]) -> str:
    return '-' if value is None else f'{value:g}'


def spread(figure: Dict[str, Any]) -> str:
    """Write a mean and, of several seeds, its standard deviation."""
    text = f'{figure["mean"]:.1f}'
    return text if figure['sd'] is None else f'{text} ± {figure["sd"]:.1f}'


def _markdown_table(table: Table) -> str:
    head, *rows = [[str(cell).replace('|', r'\|') for cell in row]
                   for row in table]
    return '\n'.join(f'| {" | ".join(row)} |' for row in (
        head, ['---'] * len(head), *rows))
