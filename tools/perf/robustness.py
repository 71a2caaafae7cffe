"""Measure the accuracy left when joints are lost, noisy or out of pace.

    python tools/perf/robustness.py --model CONFIG CHECKPOINT
        [--model CONFIG CHECKPOINT ...] [--only NAME ...] [--layout LAYOUT]
        [--workers 0] [--out work_dirs/robustness]

    python tools/perf/robustness.py \\
        --model baselines/stgcnpp_nucla_xview.py baseline.pth \\
        --model lvlmvar_nucla_xview.py ours.pth

Tests skeleton models, ours or MMAction2's, on the test clips of their configs,
first undisturbed, then with the recorded joints disturbed before the pipeline
of the config sees them. All models see the same disturbed clips. Tables show
top-1, mean class and the points lost against the undisturbed clips, with a
95 % interval of a paired bootstrap over the clips: on all clips and, if some
of them are training clips, on the others (clean). --out receives a chart of
top-1 over the strength, and all figures as JSON, which is also the last line.
"""
import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

NAMES = 'joints', 'noise', 'arm', 'common', 'frames', 'pace', 'rhythm'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--model', nargs=2, action='append', required=True,
                        metavar=('CONFIG', 'CHECKPOINT'),
                        help='repeat it for models side by side')
    parser.add_argument('--only', nargs='+', choices=NAMES, default=NAMES,
                        metavar='NAME', help='disturbances, of: '
                        + ', '.join(NAMES) + ' (default: all)')
    parser.add_argument('--layout', help='name of the joint layout; default: '
                        "the pipeline's or the backbone's")
    parser.add_argument('--workers', type=int, default=0,
                        help='processes that read clips (default: '
                        '%(default)s)')
    parser.add_argument('--out', default='work_dirs/robustness',
                        help='folder of the picture and of the figures '
                        '(default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
from matplotlib.figure import Figure
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.atomic import replaced, write_text
from lvlm_var_mm.benchmark.data import Clips, clips_of
from lvlm_var_mm.benchmark.disturbed import (Kind, Model, kinds, open_models,
                                             run)
from lvlm_var_mm.benchmark.results import subsets
from lvlm_var_mm.benchmark.scores import Scores, figures
from lvlm_var_mm.benchmark.statistics import compare
from lvlm_var_mm.cli import user_errors
from mmaction.registry import TRANSFORMS

MARKERS = 'osD^vP*X'
Parts = Sequence[Tuple[str, np.ndarray]]  # name and which clips, bool (N, )


def parts_of(model: Model) -> Parts:
    """Return all test clips and, if some are training clips, those that are
    not. Print the reason if they cannot be compared with training clips."""
    everything = np.ones(len(model.names), bool)
    try:
        clips: Clips = clips_of(model.cfg)
        if len(clips.names) == len(model.names):
            return subsets(clips)
        reason = 'its test set has several parts'
    except (KeyError, OSError, ValueError) as e:
        reason = str(e)
    print(f'{model.name}: test clips are not compared with training clips '
          f'({reason})')
    return [('all', everything)]


def possible(wanted: Sequence[str], model: Model
             ) -> Tuple[Dict[str, Kind], Dict[str, str]]:
    """Return the disturbances that the joint layout allows, and for each of
    the others the reason why it does not."""
    found, refused = {}, {}
    for name, kind in kinds(model.layout).items():
        if name in wanted:
            try:
                TRANSFORMS.build(kind.step(kind.strengths[0]))
                found[name] = kind
            except ValueError as e:
                refused[name] = str(e)
    return found, refused


def judge(scores: Scores, plain: Scores, parts: Parts
          ) -> Dict[str, Dict[str, float]]:
    """Return figures on each part of the clips, with the points lost."""
    found = {}
    for name, keep in parts:
        figs = figures(scores, keep)
        pair = compare([plain.right[keep]], [scores.right[keep]])
        found[name] = dict(
            top1=figs['top1'], mean_class=figs['mean_class'],
            drop=pair.difference, low=pair.low, high=pair.high, p=pair.p)
    return found


def measure(models: Sequence[Model], chosen: Dict[str, Kind], parts: Parts
            ) -> List[Dict[str, Any]]:
    """Return a row for each disturbance and strength, with the figures of
    each model; the first row is without disturbance."""
    todo: List[Tuple[Optional[str], float]] = [(None, 0.)]
    todo += [(n, s) for n, kind in chosen.items() for s in kind.strengths]
    rows = [dict(disturbance=n, strength=s, models={}) for n, s in todo]
    steps = [n and chosen[n].step(s) for n, s in todo]
    with tqdm(total=len(models) * len(todo), unit='test', disable=None,
              desc='tests') as bar:
        for model in models:
            plain = None
            for scores, row in zip(run(model, steps), rows):
                plain = scores if plain is None else plain
                row['models'][model.name] = judge(scores, plain, parts)
                tqdm.write(f'{model.name}, {said(row)}: top-1 '
                           f'{100 * scores.right.mean():.1f}')
                bar.update()
    return rows


def said(row: Dict[str, Any]) -> str:
    """Return disturbance and strength of a row in words."""
    name = row['disturbance']
    return f'{name} {row["strength"]:g}' if name else 'undisturbed'


def table(rows: Sequence[Dict[str, Any]], part: str, clips: int) -> str:
    """Return the table of one part of the clips."""
    cells: List[Sequence[str]] = [
        ('disturbance', 'model', 'top-1', 'mean class', 'lost', '95 %')]
    for row in rows:
        for i, (model, by_part) in enumerate(row['models'].items()):
            f, off = by_part[part], row['disturbance'] is None
            cells.append((
                '' if i else said(row), model, f'{f["top1"]:.1f}',
                f'{f["mean_class"]:.1f}', '-' if off else f'{f["drop"]:.1f}',
                '-' if off else f'{f["low"]:.1f} to {f["high"]:.1f}'))
    return AsciiTable(cells, title=f'{part}: {clips} clips').table


def draw(rows: Sequence[Dict[str, Any]], chosen: Dict[str, Kind],
         part: str, clips: int, path: Path) -> None:
    """Draw top-1 over the strength, a panel for each disturbance."""
    columns = min(4, len(chosen))
    lines = -(-len(chosen) // columns)
    figure = Figure((max(3. * columns, 5), 2.6 * lines + .8),
                    layout='constrained')
    figure.suptitle(f'top-1, percent, {part}: {clips} clips')
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in panels.flat[len(chosen):]:
        axes.set_visible(False)
    for axes, (name, kind) in zip(panels.flat, chosen.items()):
        for model, marker in zip(rows[0]['models'], MARKERS * len(rows)):
            points = {kind.none: rows[0], **{
                r['strength']: r for r in rows if r['disturbance'] == name}}
            points = dict(sorted(points.items()))
            axes.plot(list(points), [r['models'][model][part]['top1']
                                     for r in points.values()],
                      marker=marker, ms=4, alpha=.8, label=model)
        if kind.none == 1:  # half and twice are as far from it
            axes.set_xscale('log')
        elif kind.none > max(kind.strengths):  # what is undisturbed comes left
            axes.invert_xaxis()
        axes.set_xticks(list(points), [f'{x:g}' for x in points], fontsize=8)
        axes.minorticks_off()
        axes.set_xlabel(kind.title)
        axes.set_ylim(0, 100)
        axes.grid(alpha=.3)
    figure.legend(*panels[0, 0].get_legend_handles_labels(), ncols=2,
                  loc='outside lower center', frameon=False)
    with replaced(path) as f:
        figure.savefig(f, format='png', dpi=110)


def main() -> None:
    args = parse_args()
    init_default_scope('mmaction')
    MMLogger.get_current_instance().setLevel('WARNING')
    models = open_models(args.model, args.layout, args.workers)
    chosen, refused = possible(args.only, models[0])
    if not chosen:
        raise ValueError(f'--only {args.only[0]}: '
                         f'{refused[args.only[0]]}')
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    parts = parts_of(models[0])
    rows = measure(models, chosen, parts)
    numbers = {name: int(keep.sum()) for name, keep in parts}
    for name, clips in numbers.items():
        print(table(rows, name, clips))
    for name, kind in chosen.items():
        print(f'{name}: {kind.title}; {kind.none:g} is undisturbed')
    for name, why in refused.items():
        print(f'{name}: not measured, {why}')
    part = parts[-1][0]
    draw(rows, chosen, part, numbers[part], out / 'robustness.png')
    line = json.dumps(dict(
        models={m.name: dict(config=m.cfg.filename, checkpoint=m.checkpoint)
                for m in models},
        layout=models[0].layout.name, clips=numbers,
        units={name: kind.title for name, kind in chosen.items()},
        rows=rows, refused=refused))
    write_text(out / 'robustness.json', line + '\n')
    print(f'picture: {out / "robustness.png"}')
    print(line)


if __name__ == '__main__':
    with user_errors():
        main()
