"""Pictures of semantic action tokens: what a clip is made of, and what the
codes are for.

Shapes: L tokens of a clip, K codes, D channels of the codebook.
"""
import textwrap
from itertools import groupby
from typing import Optional, Sequence, Tuple

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from lvlm_var_mm.kinematics import NAMES

MOST_EVENTS = 14  # rows of a timeline: those that are named, then the longest
INCH = 100  # pixels
TRUE, OTHER = '#a8d5a2', '#d4d4d4'  # events by which a token is called
HALO = [withStroke(linewidth=2, foreground='white')]


def draw_timeline(strip: np.ndarray,
                  ids: Sequence[int],
                  names: Sequence[str],
                  span: Optional[Tuple[float, float]] = None,
                  events: Sequence = (),
                  title: str = '') -> Figure:
    """The tokens of a clip over time, under what the body looks like and over
    what it does by its joints.

    Args:
        strip (np.ndarray): uint8 (H, W, 3), pictures over the same time.
        ids (Sequence[int]): (L, ) codes.
        names (Sequence[str]): (L, ) what each is called, '' without a name.
        span (tuple[float, float], optional): Seconds that the tokens cover;
            without, time is counted in tokens.
        events (array): (Q, 5), number in ``kinematics.NAMES``, start and end
            in seconds.
        title (str): Lines above all.

    Returns:
        Figure: One bar per run of equal codes; equal codes have equal colours.
        An event by which some token is called is green.
    """
    ids = [int(i) for i in ids]
    start, end = span or (0, len(ids))
    called = {f'{side}{name[3:]}' if name.startswith('one ') else name
              for name in names for side in ('left', 'right')}
    rows = _rows(events, start, end, called)
    lines = textwrap.wrap(title, 110)
    width = 1100
    height = strip.shape[0] * width // strip.shape[1]
    heights = [22 * len(lines) + 8, height, 86, 18 * len(rows) + 8]
    total = sum(heights) + 44
    figure = Figure((width / INCH, total / INCH), INCH, facecolor='white')

    def panel(i):
        top = sum(heights[:i])
        return figure.add_axes((0, 1 - (top + heights[i]) / total, 1,
                                heights[i] / total))

    figure.text(.006, 1 - 6 / total, '\n'.join(lines), va='top', size=11,
                linespacing=1.3)
    axes = panel(1)
    axes.imshow(strip, aspect='auto')
    axes.set_axis_off()

    axes = panel(2)
    at = start
    for (code, name), run in groupby(zip(ids, names)):
        long = len(list(run)) * (end - start) / len(ids)
        axes.barh(0, long, 1, at, color=code_color(code), edgecolor='white')
        # As many letters as the bar is wide.
        room = max(5, int(long / (end - start) * width / 7.5))
        words = textwrap.wrap(f'a{code} {name}', room, max_lines=4,
                              placeholder=' ...')
        axes.text(at + long / 2, 0, '\n'.join(words), ha='center',
                  va='center', size=8)
        at += long
    axes.set(xlim=(start, end), ylim=(-.5, .5))
    axes.set_axis_off()

    axes = panel(3)
    for y, (name, spans) in enumerate(rows):
        for a, b in spans:
            axes.barh(-y, b - a, .72, a,
                      color=TRUE if name in called else OTHER)
        axes.text(max(spans[0][0], start), -y, f' {name}', va='center',
                  size=8)
    axes.set(xlim=(start, end), ylim=(-max(len(rows), 1) + .4, .6), yticks=[])
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_xlabel('seconds' if span else 'tokens', size=8)
    return figure


def _rows(events: Sequence, start: float, end: float, called: set) -> list:
    """``(name, [(start, end), ...])`` of the events by which tokens are
    called, and of those seen longest."""
    found = {}
    for number, a, b, *_ in np.asarray(events, float).tolist():
        a, b = max(a, start), min(b, end)
        if b > a:
            found.setdefault(NAMES[int(number)], set()).add((a, b))
    order = sorted(found, key=lambda n: (
        n not in called, -sum(b - a for a, b in found[n])))
    rows = [(name, sorted(found[name])) for name in order[:MOST_EVENTS]]
    return sorted(rows, key=lambda row: row[1][0])


def code_color(code: int) -> Tuple[float, ...]:
    """Always the same for a code, and light enough to write on."""
    hue = code * .618034 % 1  # neighbours far apart
    return tuple(matplotlib.colors.hsv_to_rgb((hue, .35, .95)))


def draw_codebook(vectors: Tensor,
                  counts: Tensor,
                  names: Sequence[str],
                  class_names: Sequence[str],
                  most_names: int = 60) -> Figure:
    """The codebook as a map: like codes lie together.

    A code lies where the two main components of the codebook put it, is as
    large as it is frequent, has the colour of the class that it occurs most
    in, the stronger the more of its steps are of that class, and is called by
    its name. Codes that never occur are small rings.

    Args:
        vectors (Tensor): (K, D) the codebook.
        counts (Tensor): (K, classes) how often a code occurs in a class.
        names (Sequence[str]): (K, ) of the codes, '' without one.
        class_names (Sequence[str]): Of the classes.
        most_names (int): Names written at most, of the most frequent codes;
            those that would cover others are left out.
    """
    at = main_plane(vectors)
    total = counts.sum(1)
    share, major = (counts / total.clamp(min=1)[:, None]).max(1)
    palette = _palette(len(class_names))
    colors = np.array([
        (*palette[label], .25 + .75 * float(s))
        for label, s in zip(major.tolist(), share)])
    figure = Figure((12, 9), INCH, facecolor='white', layout='constrained')
    axes = figure.add_subplot()
    dead = (total == 0).numpy()
    axes.scatter(*at[dead].T, 14, facecolors='none', edgecolors='0.6',
                 linewidths=.7)
    axes.scatter(*at[~dead].T, 900 * (total / total.max()).numpy()[~dead] + 12,
                 color=colors[~dead], edgecolors='white', linewidths=.5)
    for label in major[total > 0].unique().tolist():
        axes.scatter([], [], color=palette[label], label=class_names[label])
    axes.legend(fontsize=8, loc='upper left', bbox_to_anchor=(1, 1),
                frameon=False)
    used = int((total > 0).sum())
    named = sum(bool(name) for name in names)
    axes.set_title(f'{used} of {len(names)} codes occur, {named} have a name',
                   size=11)
    axes.set(xticks=[], yticks=[])
    _write_names(figure, axes, at, names, total, most_names)
    return figure


def main_plane(vectors: Tensor) -> np.ndarray:
    """(K, D) -> (K, 2) coordinates along the two main components."""
    centred = (vectors - vectors.mean(0)).double()
    _, _, v = torch.linalg.svd(centred, full_matrices=False)
    return (centred @ v[:2].T).numpy()


def _palette(number: int) -> list:
    map = matplotlib.colormaps['tab10' if number <= 10 else 'turbo']
    return [map(i if number <= 10 else i / (number - 1))[:3]
            for i in range(number)]


def _write_names(figure, axes, at, names, total, most) -> None:
    """The most frequent first, none over another."""
    figure.draw_without_rendering()
    taken = []
    for code in total.argsort(descending=True).tolist():
        if not names[code] or not total[code] or len(taken) == most:
            continue
        text = axes.text(*at[code], names[code], size=7, ha='center',
                         va='center', path_effects=HALO)
        box = text.get_window_extent().padded(1)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
