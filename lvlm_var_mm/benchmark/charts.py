"""The charts of a benchmark."""
from pathlib import Path
from typing import Any, Dict, List

from matplotlib.figure import Figure

from lvlm_var_mm.atomic import replaced

# Two tones that a grey printer and most colour-blind eyes keep apart.
TONES = '#2b6ca3', '#e3a13c'


def draw(found: Dict[str, Any], out: Path) -> List[Path]:
    """Draw top-1 of all methods, and the classes of each comparison.

    Args:
        found (dict): Of :func:`.results.collect`.
        out (Path): The folder.

    Returns:
        list[Path]: The pictures.
    """
    made = [out / 'accuracy.png']
    _accuracy(found, made[0])
    for i, pair in enumerate(found['comparisons'], 1):
        made.append(out / f'classes_{i}.png')
        _classes(pair, made[-1])
    return made


def _accuracy(found: Dict[str, Any], path: Path) -> None:
    methods = found['methods'][::-1]
    subsets = [s for s in ('all', 'clean')
               if any(s in m['figures'] for m in methods)]
    figure = Figure((8, 1.2 + .45 * len(methods)), layout='constrained')
    axes = figure.add_subplot()
    high = .8 / len(subsets)
    low = 100.
    for i, subset in enumerate(subsets):
        for row, m in enumerate(methods):
            if subset not in m['figures']:
                continue
            top1 = m['figures'][subset]['top1']
            low = min(low, top1['mean'])
            axes.barh(row + .4 - (i + .5) * high, top1['mean'], high,
                      xerr=top1['sd'], color=TONES[i], capsize=3,
                      label=f'{m["figures"][subset]["clips"]["mean"]:.0f} '
                      f'clips, {subset}' if not row else None)
    axes.set_yticks(range(len(methods)), [m['name'] for m in methods])
    axes.set_xlim(max(0, low - 10), 100)
    axes.set_xlabel('top-1, percent; the axis does not begin at 0'
                    if low > 10 else 'top-1, percent')
    axes.legend(loc='lower left')
    _save(figure, path)


def _classes(pair: Dict[str, Any], path: Path) -> None:
    classes = pair['classes'][::-1]
    figure = Figure((8, 1.2 + .35 * len(classes)), layout='constrained')
    axes = figure.add_subplot()
    for i, which in enumerate(('first', 'second')):
        axes.barh([row + .2 - .4 * i for row in range(len(classes))],
                  [c[which] for c in classes], .4, color=TONES[i],
                  label=pair[which])
    axes.set_yticks(range(len(classes)), [c['name'] for c in classes])
    axes.set_xlim(0, 100)
    axes.set_xlabel('clips of the class that are answered right, percent')
    axes.legend(loc='lower left')
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with replaced(path) as f:
        figure.savefig(f, format='png', dpi=110)
