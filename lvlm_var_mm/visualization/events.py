"""Pictures of body-part events: what a body looks like over time, and below it
what it does by its joints."""
from typing import Dict, List, Tuple, Union

import numpy as np
from matplotlib.figure import Figure

from lvlm_var_mm.kinematics.events import Observation
from lvlm_var_mm.layouts import Layout
from .samples import draw_skeleton

POSES = 14
WIDTH, ROW, INCH = 1400, 17, 100  # pixels
# By what moves, as far as eyes tell them apart; sides as the poses have them.
COLORS = {'left': '#9dc3f0', 'right': '#f5c08a', 'head': '#d9b8e6',
          'torso': '#a8d5a2', 'body': '#c9c9c9', 'hands': '#f2a9a9',
          'knees': '#d8cf8f', 'legs': '#d8cf8f', 'feet': '#d8cf8f',
          'persons': '#a5d8d8'}


def draw_events(keypoint: np.ndarray,
                layout: Union[str, dict, Layout],
                seen: Observation,
                title: str = '') -> Figure:
    """Draw a clip as a strip of poses over the spans of its events.

    Args:
        keypoint (np.ndarray): (M, T, V, C), see
            :func:`~.samples.draw_skeleton`.
        layout (str | dict | Layout): Of the V joints.
        seen (Observation): What :func:`lvlm_var_mm.kinematics.observe` says
            of it.
        title (str): A line above all.

    Returns:
        Figure: One row per event and person, by the time of the first; a pose
        stands over the middle of the time that it is of.

    Raises:
        ValueError: The layout has another number of joints.
    """
    frames = keypoint.shape[1]
    moments = ((np.arange(POSES) + .5) * frames / POSES).astype(int)
    strip = draw_skeleton(keypoint, layout, moments, WIDTH // POSES)
    rows = _rows(seen)
    heights = [26, strip.shape[0], ROW * max(len(rows), 1) + 8, 36]
    total = sum(heights)
    figure = Figure((WIDTH / INCH, total / INCH), INCH, facecolor='white')
    figure.text(.005, 1 - 5 / total, title, va='top', size=11)

    def panel(i):
        return figure.add_axes((0, 1 - sum(heights[:i + 1]) / total, 1,
                                heights[i] / total))

    axes = panel(1)
    axes.imshow(strip, aspect='auto')
    axes.set_axis_off()
    axes = panel(2)
    for y, (name, spans) in enumerate(rows.items()):
        part = name.rpartition(': ')[2].split()[0]
        for start, end in spans:
            axes.barh(-y, max(end - start, .3 / seen.fps), .8, start,
                      color=COLORS[part])
        axes.text(spans[0][0], -y, f' {name}', va='center', size=8)
    axes.set(xlim=(0, frames / seen.fps), yticks=[],
             ylim=(-max(len(rows), 1) + .4, .6))
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_xlabel('seconds', size=8)
    return figure


def _rows(seen: Observation) -> Dict[str, List[Tuple[float, float]]]:
    """Spans of each event; with several persons it says whose."""
    rows = {}
    several = len({event.person for event in seen.events}) > 1
    for event in seen.events:
        name = f'person {event.person + 1}: ' * several + event.name
        rows.setdefault(name, []).append((event.start, event.end))
    return rows
