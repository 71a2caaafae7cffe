"""Answers as one HTML page that needs no other file and asks for none: what
is looked at is in it, and its policy forbids any request."""
import base64
import json
from collections import Counter
from html import escape
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import cv2
import matplotlib
import numpy as np

from lvlm_var_mm.atomic import write_text
from lvlm_var_mm.layouts import Layout
from .answer import event_rows, frames_of, middles, part_color
from .tokens import code_color

HERE = Path(__file__).parent
MOST_POSES, MOST_FRAMES = 90, 24
SIDE, QUALITY = 400, 70  # pixels of a frame's width, of JPEG
BOX = 1000  # units of a side of a drawing
MARKS = {True: ('true', '\u2713', 'true'), False: ('false', '\u2717', 'false'),
         None: ('open', '?', 'undecidable')}
POLICY = ("default-src 'none'; style-src 'unsafe-inline'; script-src "
          "'unsafe-inline'; img-src data:")


def write_page(path: Union[str, Path], cards: Sequence[str],
               predictions: Sequence[Dict[str, Any]],
               title: str = 'What the clips show') -> None:
    """Write a page of cards.

    Args:
        path (str | Path): ``.html``.
        cards (sequence[str]): Of :func:`card_of`.
        predictions (sequence[dict]): Of all inputs, for the summary.
        title (str): Of the page.
    """
    failed = sum('error' in p for p in predictions)
    classes = Counter(a['class'] for p in predictions
                      for a in p.get('persons', [p]) if 'class' in a)
    told = [f'{len(predictions)} input{"s" * (len(predictions) != 1)}']
    if failed:
        told.append(f'{failed} could not be read')
    told += [f'{count} \u00d7 {name}' for name, count in
             classes.most_common(12)]
    numbered = [card.replace('CARD', f'card{i}', 1)
                for i, card in enumerate(cards)]
    links = ''.join(
        f'<a href="#card{i}">{_linked(card)}</a>'
        for i, card in enumerate(cards)) if len(cards) > 1 else ''
    summary = escape(' \u00b7 '.join(told))
    write_text(path, f'''<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{(HERE / 'page.css').read_text('utf-8')}</style></head>
<body><header><h1>{escape(title)}</h1>
<p class="faint">{summary}</p>
<nav>{links}</nav></header>
<main>{''.join(numbered)}</main>
<footer class="faint">Blue is the person's own left, orange the right. A claim
is checked on the joints as they were recorded; it is undecidable where they do
not tell.</footer>
<script>{(HERE / 'page.js').read_text('utf-8')}</script>
</body></html>
''')


def _linked(card: str) -> str:
    """The class and the name of a card, for its link."""
    return card[card.index('<!--') + 4:card.index('-->')]


def card_of(answer: Dict[str, Any],
            keypoint: Optional[np.ndarray] = None,
            layout: Optional[Layout] = None,
            video: Union[str, np.ndarray, None] = None,
            fps: float = 30.) -> str:
    """Return the card of an answer, or of an input that could not be read.

    Args:
        answer (dict): With ``name`` and what
            :func:`lvlm_var_mm.apis.answers.said` returns, or ``error``.
        keypoint (np.ndarray, optional): (M, T, V, C) joints.
        layout (Layout, optional): Of the joints.
        video (str | np.ndarray, optional): File, or (T, H, W, 3) RGB.
        fps (float): Frames a second.

    Returns:
        str: HTML.
    """
    name = escape(str(answer['name']))
    if answer.get('person') is not None:
        name += f', person {answer["person"] + 1}'
    if 'error' in answer:
        return (f'<section class="card error" id="CARD"><!--{_safe(name)}-->'
                f'<h2>not read</h2><p class="faint">{name}</p>'
                f'<p>{escape(answer["error"])}</p></section>')
    seconds = answer['frames'] / fps
    notes = ''.join(f'<p class="faint">{escape(note)}</p>'
                    for note in answer.get('notes', []))
    title = escape(answer.get('class', 'measured'))
    return f'''<section class="card" id="CARD">\
<!--<b>{_safe(title)}</b> {_safe(name)}-->
<div class="head"><h2>{title}</h2><span class="faint">{name} \u00b7
{seconds:.1f} s \u00b7 {answer['frames']} frames</span></div>{notes}
<div class="two"><div>{_player(keypoint, layout, video, seconds)}</div>
<div>{_scores(answer.get('top', ()))}{_reason(answer)}</div></div>
{_timeline(answer, seconds)}</section>'''


def _safe(text: str) -> str:
    return text.replace('--', '\u2013')


def _scores(top: Sequence[Dict]) -> str:
    if not top:
        return ''
    most = max(1., *(entry['score'] for entry in top))
    return '<h3>Scores</h3>' + ''.join(
        f'<div class="score"><span>{escape(entry["class"])}</span>'
        f'<i style="width:{max(0, 100 * entry["score"] / most):.1f}%"></i>'
        f'<span>{entry["score"]:.2f}</span></div>' for entry in top)


def _reason(answer: Dict) -> str:
    text = ''
    if answer.get('reason'):
        claims = ''.join(
            '<li class="{}" title="{}">{} {}</li>'.format(
                MARKS[c['true']][0], MARKS[c['true']][2],
                MARKS[c['true']][1], escape(c['claim']))
            for c in answer.get('claims', []))
        text = (f'<h3>Because</h3><blockquote>{escape(answer["reason"])}'
                f'</blockquote><ul class="claims">{claims}</ul>')
    if answer.get('measured'):
        text += ('<h3>Measured on the joints</h3>'
                 f'<p>{escape(answer["measured"])}</p>')
    return text


# --------------------------------------------------------------- the player
def _player(keypoint: Optional[np.ndarray], layout: Optional[Layout],
            video: Union[str, np.ndarray, None], seconds: float) -> str:
    stages, clip = [], {}
    if video is not None:
        frames = [_jpeg(f) for f in frames_of(video, MOST_FRAMES)]
        clip = dict(frames=frames, count=len(frames))
        stages.append('<div class="stage wide"><img alt="frame of the clip" '
                      f'src="data:image/jpeg;base64,{frames[0]}"></div>')
    if keypoint is not None and layout is not None:
        poses = _poses(keypoint, clip.get('count', min(
            MOST_POSES, keypoint.shape[1])))
        clip.update(poses=poses, count=len(poses))
        stages.append(f'<div class="stage">{_svg(poses, layout)}</div>')
    if not stages:
        return ''
    data = json.dumps(dict(clip, seconds=round(seconds, 3)),
                      separators=(',', ':'))
    data = data.replace('<', '\\u003c')
    return f'''{''.join(stages)}<div class="play">\
<button aria-label="play">\u25b6</button>
<input type="range" min="0" max="{clip['count'] - 1}" value="0"
aria-label="moment"><output>0.0 s</output></div>
<script type="application/json">{data}</script>'''


def _jpeg(frame: np.ndarray) -> str:
    height, width = frame.shape[:2]
    scale = min(1., SIDE / width)
    small = cv2.resize(frame, (max(1, round(width * scale)),
                               max(1, round(height * scale))),
                       interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', np.ascontiguousarray(small[..., ::-1]),
                           [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return base64.b64encode(data.tobytes()).decode()


def _poses(keypoint: np.ndarray, number: int) -> List:
    """[frame][person][joint] -> [x, y] in the box, None where it is missing;
    one scale for all ``number`` frames."""
    points = keypoint[:, middles(keypoint.shape[1], number)].astype(float)
    there = np.isfinite(points).all(-1) & points.any(-1)
    at = points[..., :2] * ([1, -1] if points.shape[-1] == 3 else [1, 1])
    if there.any():
        low, high = at[there].min(0), at[there].max(0)
        scale = .88 * BOX / max((high - low).max(), 1e-6)
        at = (at - (low + high) / 2) * scale + BOX / 2
    at = np.rint(np.where(there[..., None], at, 0)).astype(int)
    return [[[at[m, t, v].tolist() if there[m, t, v] else None
              for v in range(at.shape[2])] for m in range(len(at))]
            for t in range(number)]


def _svg(poses: List, layout: Layout) -> str:
    """A line for each bone, which the page's script moves; as drawn here it
    is the middle frame."""
    frame, parts = poses[len(poses) // 2], []
    for person, joints in reversed(list(enumerate(frame))):
        drawn = [_bone(person, bone, joints, layout) for bone in
                 layout.inward]
        for name in ('head', 'nose'):
            index = layout.index(name)
            if index is not None:
                x, y = joints[index] or (0, 0)
                hidden = '' if joints[index] else ' style="display:none"'
                drawn.append(f'<circle r="26" cx="{x}" cy="{y}" '
                             f'data-k="{person} {index}"{hidden}/>')
        other = ' class="other"' if person else ''
        parts.append(f'<g{other}>{"".join(drawn)}</g>')
    return (f'<svg viewBox="0 0 {BOX} {BOX}" role="img" '
            f'aria-label="skeleton">{"".join(parts)}</svg>')


def _bone(person: int, bone: Tuple[int, int], joints: List, layout: Layout
          ) -> str:
    outer, inner = bone
    side = {'left': ' class="l"', 'right': ' class="r"'}.get(
        layout.joints[outer].split('_')[0], '')
    ends = [joints[outer], joints[inner]]
    hidden = '' if all(ends) else ' style="display:none"'
    (x1, y1), (x2, y2) = (end or (0, 0) for end in ends)
    return (f'<line{side} data-k="{person} {outer} {inner}"{hidden} '
            f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')


# ------------------------------------------------------------- the timeline
def _timeline(answer: Dict, seconds: float) -> str:
    tokens, events = answer.get('tokens', []), answer.get('events', [])
    text = _tokens(tokens, seconds) if tokens else ''
    if events:
        text += '<h3>Body-part events</h3>' + _time(
            ''.join(_event(*row, seconds) for row in event_rows(events)),
            seconds)
    return text


def _time(rows: str, seconds: float) -> str:
    ticks = ''.join(
        f'<span style="left:{100 * part:.0f}%">{seconds * part:.1f} s</span>'
        for part in (0, .25, .5, .75, 1))
    return (f'<div class="time">{rows}<div class="axis">{ticks}</div>'
            '<div class="now"></div></div>')


def _tokens(tokens: Sequence[Dict], seconds: float) -> str:
    parts = 1 + max(t['part'] for t in tokens)
    steps = max(t['first'] + t['steps'] for t in tokens) / parts
    most = max(map(_carried, tokens))
    rows = ['' for _ in range(parts)]
    for token in tokens:
        start, end = token.get('start'), token.get('end')
        if start is None:
            first = token['first'] - token['part'] * steps
            start, end = (seconds * x / steps
                          for x in (first, first + token['steps']))
        called = token['name'] or f'a{token["code"]}'
        told = f'a{token["code"]} {token["name"]}'.strip()
        mark = ''
        if 'influence' in token:
            told += f'; without it the score falls by {token["influence"]:.3f}'
        if 'influence_elsewhere' in token:
            told += (', without as many tokens elsewhere by '
                     f'{token["influence_elsewhere"]:.3f}')
        if _carried(token):
            mark = f'<u style="width:{100 * _carried(token) / most:.0f}%"></u>'
        color = matplotlib.colors.to_hex(code_color(token['code']))
        rows[token['part']] += (
            f'<b title="{escape(told)}" style="{_place(start, end, seconds)};'
            f'background:{color}">{escape(called)}{mark}</b>')
    title = 'Semantic action tokens' + (
        '; marked: those that carry the class' if most else '')
    return f'<h3>{title}</h3>' + _time(
        ''.join(f'<div class="row">{row}</div>' for row in rows), seconds)


def _carried(token: Dict) -> float:
    """The influence of a span, 0 where it is no more than the control's."""
    found = token.get('influence', 0)
    return found if found > max(0, token.get('influence_elsewhere', 0)) else 0


def _event(name: str, spans: Sequence[Tuple[float, float]], seconds: float
           ) -> str:
    bars = ''.join(
        f'<b style="{_place(*span, seconds)};background:{part_color(name)}" '
        f'title="{span[0]:.2f}-{span[1]:.2f} s"></b>' for span in spans)
    start, end = (100 * x / seconds for x in (spans[0][0], spans[-1][1]))
    side = f'left:{start:.1f}%' if start < 55 else f'right:{100 - end:.1f}%'
    return (f'<div class="event">{bars}<span style="{side}">{escape(name)}'
            '</span></div>')


def _place(start: float, end: float, seconds: float) -> str:
    left = min(max(100 * start / seconds, 0), 100)
    width = min(100 * (end - start) / seconds, 100 - left)
    return f'left:{left:.2f}%;width:{max(width, 0):.2f}%'
