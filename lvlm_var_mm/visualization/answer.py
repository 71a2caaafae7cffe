"""One picture of an answer: what was seen over time, what it was read as, and
what of the reason is true."""
import textwrap
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import decord
import numpy as np
from matplotlib.axes import Axes as Plot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lvlm_var_mm.layouts import Layout
from .events import COLORS
from .samples import draw_frames, draw_skeleton
from .tokens import code_color

POSES = 10
WIDTH, INCH = 1100, 100  # pixels
ROW, BAR, LINE = 17, 46, 17  # pixels of an event, a row of tokens, a line
MOST_EVENTS = 12
MARKS = {True: ('true', '#1a7f37'), False: ('false', '#c62828'),
         None: ('undecidable', '#777777')}
SCORE, BEST = '#b9c6d3', '#2f6fb5'
Frames = Union[str, np.ndarray]


def draw_answer(answer: Dict[str, Any],
                name: str,
                keypoint: Optional[np.ndarray] = None,
                layout: Optional[Layout] = None,
                video: Optional[Frames] = None,
                seconds: float = 1.,
                truth: Optional[str] = None) -> np.ndarray:
    """Draw an answer.

    Args:
        answer (dict): Of :func:`lvlm_var_mm.apis.answers.said`.
        name (str): Of the clip.
        keypoint (np.ndarray, optional): (M, T, V, C) joints.
        layout (Layout, optional): Of the joints.
        video (str | np.ndarray, optional): File, or (T, H, W, 3) RGB.
        seconds (float): Length of the clip.
        truth (str, optional): The class it is of.

    Returns:
        np.ndarray: uint8 (H, 1100, 3), RGB: pictures, tokens and events over
        one axis of time, then scores, reason and claims.
    """
    strips = strips_of(keypoint, layout, video)
    tokens = answer.get('tokens', [])
    events = event_rows(answer.get('events', []))[:MOST_EVENTS]
    words = _words(answer)
    parts = 1 + max((t['part'] for t in tokens), default=0)
    heights = [40, *(s.shape[0] for s in strips),
               BAR * parts + 4 if tokens else 0,
               ROW * len(events) + 34 if events else 0,
               max(ROW * 1.6 * len(answer.get('top', ())) + 20,
                   LINE * len(words) + 14)]
    total = sum(heights) + 8
    figure = Figure((WIDTH / INCH, total / INCH), INCH, facecolor='white')

    def panel(i: int, left: float = 0, width: float = 1) -> Plot:
        return figure.add_axes((left, 1 - sum(heights[:i + 1]) / total, width,
                                heights[i] / total))

    _title(figure, answer, name, truth, total)
    for i, strip in enumerate(strips, 1):
        axes = panel(i)
        axes.imshow(strip, aspect='auto')
        axes.set_axis_off()
    at = 1 + len(strips)
    if tokens:
        _draw_tokens(panel(at), tokens, parts, seconds)
    if events:
        axes = figure.add_axes((0, 1 - (sum(heights[:at + 2]) - 34) / total, 1,
                                (heights[at + 1] - 34) / total))
        _draw_events(axes, events, seconds)
    if 'top' in answer:
        _draw_scores(panel(at + 2, .2, .26), answer['top'])
    axes = panel(at + 2, .5 if 'top' in answer else .006, .5)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(heights[-1], 0))
    for row, (text, color) in enumerate(words):
        axes.text(0, 6 + LINE * row, text, va='top', size=9, color=color)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def strips_of(keypoint: Optional[np.ndarray], layout: Optional[Layout],
              video: Optional[Frames], poses: int = POSES,
              width: int = WIDTH) -> List[np.ndarray]:
    """Return strips of frames and of poses, as far as there are any; each
    picture stands over the middle of the time that it is of."""
    strips = []
    if video is not None:
        strips.append(draw_frames(*_sized(frames_of(video, poses),
                                          width // poses)))
    if keypoint is not None and layout is not None:
        moments = middles(keypoint.shape[1], poses)
        strips.append(draw_skeleton(keypoint, layout, moments,
                                    width // poses))
    return strips


def middles(frames: int, poses: int) -> np.ndarray:
    """Return the frames in the middle of ``poses`` equal parts."""
    return ((np.arange(poses) + .5) * frames / poses).astype(int)


def frames_of(video: Frames, poses: int) -> List[np.ndarray]:
    """Return (H, W, 3) frames in the middle of ``poses`` equal parts."""
    if isinstance(video, str):
        reader = decord.VideoReader(video, num_threads=1)
        return list(reader.get_batch(
            middles(len(reader), poses).tolist()).asnumpy())
    return [np.asarray(video[i]) for i in middles(len(video), poses)]


def _sized(frames: List[np.ndarray], width: int
           ) -> Tuple[List[np.ndarray], int]:
    """Frames and the height at which each is so wide."""
    height, own = frames[0].shape[:2]
    return frames, max(1, round(height * width / own))


def event_rows(events: Sequence[Dict[str, Any]]
               ) -> List[Tuple[str, List[Tuple[float, float]]]]:
    """Return ``(name, [(start, end), ...])`` of the events, those seen
    longest chosen first, in the order of their start; with several persons it
    says whose."""
    several = len({event['person'] for event in events}) > 1
    rows: Dict[str, List[Tuple[float, float]]] = {}
    for event in events:
        name = f'person {event["person"] + 1}: ' * several + event['name']
        rows.setdefault(name, []).append((event['start'], event['end']))
    longest = sorted(rows, key=lambda n: -sum(b - a for a, b in rows[n]))
    return sorted(((n, rows[n]) for n in longest[:MOST_EVENTS]),
                  key=lambda row: row[1][0])


def part_color(name: str) -> str:
    """Return the colour of an event, by what moves."""
    word = name.rpartition(': ')[2].split()[0]
    return COLORS.get(word, COLORS['body'])


def _title(figure: Figure, answer: Dict, name: str, truth: Optional[str],
           total: float) -> None:
    y = 1 - 8 / total
    figure.text(.006, y, answer.get('class', 'measured'), va='top', size=14,
                weight='bold')
    told = name
    if 'score' in answer:
        told += f'   score {answer["score"]:.2f}'
    if answer.get('person') is not None:
        told += f'   person {answer["person"] + 1}'
    if truth is not None:
        right = truth == answer['class']
        told += f'   {"right" if right else "wrong"}: the truth is {truth}'
    figure.text(.994, y, told, va='top', ha='right', size=9, color='#555')


def _draw_tokens(axes: Plot, tokens: Sequence[Dict], parts: int,
                 seconds: float) -> None:
    steps = max(t['first'] + t['steps'] for t in tokens) / parts
    for token in tokens:
        start, end = token.get('start'), token.get('end')
        if start is None:
            first = token['first'] - token['part'] * steps
            start, end = (seconds * x / steps
                          for x in (first, first + token['steps']))
        axes.barh(-token['part'], end - start, .94, start,
                  color=code_color(token['code']), edgecolor='white')
        room = max(5, int((end - start) / seconds * WIDTH / 6.6))
        text = textwrap.wrap(token['name'] or f'a{token["code"]}', room,
                             max_lines=3, placeholder=' ...')
        axes.text((start + end) / 2, -token['part'], '\n'.join(text),
                  ha='center', va='center', size=7.5, color='black')
    axes.set(xlim=(0, seconds), ylim=(-parts + .5, .5))
    axes.set_axis_off()


def _draw_events(axes: Plot, events: Sequence, seconds: float) -> None:
    for y, (name, spans) in enumerate(events):
        for start, end in spans:
            axes.barh(-y, max(end - start, seconds / 200), .8, start,
                      color=part_color(name))
        right = spans[0][0] > .75 * seconds
        axes.text(spans[0][1] if right else spans[0][0], -y, f' {name} ',
                  va='center', ha='right' if right else 'left', size=8)
    axes.set(xlim=(0, seconds), ylim=(-len(events) + .4, .6), yticks=[])
    axes.spines[['left', 'right', 'top']].set_visible(False)
    axes.tick_params(labelsize=8)
    axes.set_xticks([t for t in axes.get_xticks()  # others would be cut
                     if .02 * seconds < t < .98 * seconds])
    axes.set_xlabel('seconds', size=8, labelpad=1)


def _draw_scores(axes: Plot, top: Sequence[Dict]) -> None:
    scores = [entry['score'] for entry in top]
    names = [textwrap.shorten(e['class'], 30, placeholder=' ...')
             for e in top]
    places = -np.arange(len(top))
    axes.barh(places, scores, .72, color=[BEST, *[SCORE] * (len(top) - 1)])
    for y, score in zip(places, scores):
        axes.text(max(score, 0), y, f' {score:.2f}', va='center', size=8)
    axes.set(yticks=places, xlim=(0, max(1., *scores) * 1.12), xticks=[],
             ylim=(-len(top) + .3, .7))
    axes.set_yticklabels(names, size=8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _words(answer: Dict[str, Any]) -> List[Tuple[str, str]]:
    """Lines of text and their colours."""
    lines: List[Tuple[str, str]] = []
    for key, title in (('reason', 'Because: '), ('measured', 'Measured: ')):
        if answer.get(key):
            lines += [(line, 'black') for line in textwrap.wrap(
                title + answer[key], 80)]
        if key == 'reason':
            for claim in answer.get('claims', []):
                mark, color = MARKS[claim['true']]
                lines.append((f'   {claim["claim"]}: {mark}', color))
    return lines
