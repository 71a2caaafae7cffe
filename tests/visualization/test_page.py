"""The page of answers: whole, safe, and alone."""
import json
import re
from html.parser import HTMLParser

import decord
import numpy as np
import pytest
from bodies import measured

from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.visualization.answer import draw_answer, event_rows
from lvlm_var_mm.visualization.overlay import (BAR, HEIGHT, pose_pane, said_at,
                                               write_overlay)
from lvlm_var_mm.visualization.page import card_of, write_page

NTU, WAVE = LAYOUTS['ntu25'], measured(23)
ANSWER = {
    'name': 'clip <1>', 'source': 'clip', 'frames': 48, 'fps': 30.,
    'seconds': 1.6, 'class': 'hand waving', 'score': .8, 'top': [
        {'class': 'hand waving', 'score': .8},
        {'class': '<script>alert(1)</script>', 'score': .2}],
    'narrative': 'n', 'reason': 'The right hand waves & rises.',
    'claims': [{'claim': 'right hand waves', 'true': True},
               {'claim': 'left hand rises', 'true': False},
               {'claim': 'head nods', 'true': None}],
    'tokens': [dict(code=3, name='right hand rises', part=0, first=0, steps=2,
                    start=0., end=.8, influence=.2),
               dict(code=5, name='', part=0, first=2, steps=2, start=.8,
                    end=1.6, influence=-.1)],
    'measured': 'The right hand waves.', 'events': [
        dict(person=0, name='right hand waves', start=.6, end=1.2,
             magnitude=.4)]}
EMPTY = {'name': 'x', 'source': 'x', 'frames': 1, 'fps': 30.}
VOID = {'meta', 'br', 'img', 'input', 'line', 'circle', 'rect'}


class Tree(HTMLParser):
    """Notes tags, and that each is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.values = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.values += [v for k, v in attrs if k in ('src', 'href') and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(path):
    text, tree = path.read_text('utf-8'), Tree()
    tree.feed(text)
    assert not tree.open
    return text, tree


def frames(number=30):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (number, 48, 64, 3)).astype('u1')


def test_page(tmp_path):
    cards = [card_of(ANSWER, WAVE, NTU), card_of(ANSWER, video=frames()),
             card_of({'name': 'a', 'error': 'a <b> is broken'}),
             card_of({**ANSWER, 'person': 1}, WAVE, NTU)]
    write_page(tmp_path / 'index.html', cards, [ANSWER, ANSWER, {
        'name': 'a', 'error': 'a'}, ANSWER])
    text, tree = read(tmp_path / 'index.html')
    assert tree.seen.count('section') == 4
    assert len(set(re.findall('id="(card[^"]*)"', text))) == 4
    assert 'alert(1)</script>' not in text  # names are text
    assert 'a &lt;b&gt; is broken' in text and 'person 2' in text
    for mark in ('class="true"', 'class="false"', 'class="open"'):
        assert text.count(mark) == 3
    assert '1 could not be read' in text
    assert 'prefers-color-scheme: dark' in text and '@media (max-width' in text


def test_nothing_is_asked_for_from_elsewhere(tmp_path):
    write_page(tmp_path / 'index.html', [
        card_of(ANSWER, WAVE, NTU), card_of(ANSWER, video=frames())],
        [ANSWER] * 2)
    text, tree = read(tmp_path / 'index.html')
    assert "default-src 'none'" in text and 'link' not in tree.seen
    assert all(v.startswith(('#', 'data:')) for v in tree.values)
    assert not re.search(r'https?://|url\(|@import|fetch\(|XMLHttp', text)


def test_poses_are_those_of_the_clip():
    card = card_of(ANSWER, WAVE, NTU)
    data = json.loads(re.search(
        '<script type="application/json">(.*?)</script>', card)[1])
    assert data['count'] == 48 == len(data['poses'])
    poses = np.array(data['poses'], float)  # frames, persons, joints, 2
    head, foot = NTU.index('head'), NTU.index('left_foot')
    assert (poses[:, 0, head, 1] < poses[:, 0, foot, 1]).all()  # y down
    assert poses.min() >= 0 and poses.max() <= 1000


def test_frames_and_joints_are_played_together():
    card = card_of(ANSWER, WAVE, NTU, frames())
    data = json.loads(re.search(
        '<script type="application/json">(.*?)</script>', card)[1])
    assert len(data['frames']) == len(data['poses']) == data['count']
    assert '<svg' in card and '<img' in card


def test_joints_that_are_missing_are_hidden():
    lost = WAVE.copy()
    lost[:, :, NTU.index('head')] = 0
    card = card_of(ANSWER, lost, NTU)
    assert 'display:none' in card and '"poses":[[[[' in card
    assert 'null' in card


@pytest.mark.parametrize('answer', [ANSWER, EMPTY, {
    **EMPTY, 'measured': 'x', 'events': []}])
def test_answers_with_little_in_them(answer, tmp_path):
    write_page(tmp_path / 'a.html', [card_of(answer)], [answer])
    read(tmp_path / 'a.html')
    picture = draw_answer(answer, 'x')
    assert picture.dtype == np.uint8 and picture.shape[1:] == (1100, 3)


def test_picture_has_all_that_there_is():
    """Each part makes it higher, and none covers another's place."""
    sizes = [len(draw_answer(ANSWER, 'x', *rest)) for rest in (
        (), (WAVE, NTU), (WAVE, NTU, frames()))]
    assert sizes[0] < sizes[1] < sizes[2]
    picture = draw_answer(ANSWER, 'x', WAVE, NTU, truth='kicking')
    assert (picture < 250).any((1, 2)).mean() > .5


def test_rows_of_events():
    events = [dict(person=p, name='right hand rises', start=s, end=s + .2)
              for p, s in ((0, 1.), (1, .5), (0, 2.))]
    assert event_rows(events) == [
        ('person 2: right hand rises', [(.5, .7)]),
        ('person 1: right hand rises', [(1., 1.2), (2., 2.2)])]


@pytest.mark.parametrize('joints, video, width', [
    (WAVE, None, 432), (None, frames(), 576), (WAVE, frames(), 1008),
    (np.abs(WAVE[..., :2]) * 20, frames(), 576)])
def test_video(tmp_path, joints, video, width):
    path = tmp_path / 'clip.mp4'
    write_overlay(path, ANSWER, 30., joints, NTU, video)
    read = decord.VideoReader(str(path), num_threads=1)
    assert len(read) == (48 if video is None else 30)
    assert read[0].shape == (432, width, 3)


def test_joints_of_the_picture_are_drawn_over_it(tmp_path):
    blank = np.full((4, 96, 128, 3), 128, 'u1')
    at = np.zeros((1, 4, 25, 2))
    at[0, :, NTU.index('left_knee')] = 40, 20
    at[0, :, NTU.index('left_hip')] = 40, 80
    write_overlay(tmp_path / 'a.mp4', EMPTY, 30., WAVE[:, :4], NTU, blank,
                  (at, NTU))
    frame = decord.VideoReader(str(tmp_path / 'a.mp4'), num_threads=1)[
        2].asnumpy().astype(int)
    assert frame.shape == (432, 1008, 3)  # the body in space stands beside
    scale = 432 / 96
    thigh = frame[round(50 * scale), round(40 * scale)]
    assert thigh[2] - thigh[0] > 60  # blue
    assert np.ptp(frame[round(50 * scale), round(70 * scale)]) < 20
    assert (frame[:, 576:] < 200).any()


def test_words_do_not_cover_the_skeleton():
    flat = WAVE[0, :, :, :2] * 20
    for joints in (WAVE[:, 0], flat[None, 0]):
        pane = pose_pane(joints, NTU, None)
        assert pane.shape == (HEIGHT, HEIGHT, 3)
        drawn = np.flatnonzero((pane < 250).any((1, 2)))
        assert BAR <= drawn[0] and drawn[-1] < HEIGHT - BAR


def test_only_what_exceeds_its_control_is_marked():
    def card(*controls):
        tokens = [dict(token, **({} if c is None else dict(
            influence_elsewhere=c))) for token, c in zip(
                ANSWER['tokens'], controls)]
        return card_of({**ANSWER, 'tokens': tokens})

    assert card(None, None).count('<u ') == 1
    text = card(.05, .02)
    assert text.count('<u ') == 1 and 'those that carry' in text
    assert ('falls by 0.200, without as many tokens elsewhere by 0.050'
            in text)
    text = card(.3, -.2)
    assert '<u ' not in text and 'those that carry' not in text


def test_nothing_to_draw_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='neither'):
        write_overlay(tmp_path / 'a.mp4', ANSWER, 30.)


def test_subtitles():
    assert said_at(ANSWER, .2) == 'right hand rises'
    assert said_at(ANSWER, 1.) == 'right hand waves'  # measured
    assert said_at(ANSWER, 1.5) == said_at(EMPTY, 0) == ''
