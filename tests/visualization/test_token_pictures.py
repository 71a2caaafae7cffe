"""Pictures of tokens show what they are given."""
import pickle
import runpy

import numpy as np
import pytest
import torch
from helpers import POSE, REPO, annotations
from matplotlib.colors import to_rgb

from lvlm_var_mm.datasets import SkeletonDataset
from lvlm_var_mm.kinematics import NAMES
from lvlm_var_mm.visualization.tokens import (MOST_EVENTS, OTHER, TRUE,
                                              code_color, draw_codebook,
                                              draw_timeline, main_plane)

TOOL = REPO / 'tools/show_tokens.py'
STRIP = np.full((50, 400, 3), 255, np.uint8)


def bars(axes):
    """(left, width, colour) of the bars of a panel."""
    return [(patch.get_x(), patch.get_width(), patch.get_facecolor()[:3])
            for patch in axes.patches]


def test_runs_of_codes():
    figure = draw_timeline(STRIP, [5, 5, 5, 9, 5, 5], ['x'] * 3 + [''] +
                           ['x'] * 2, (1., 4.))
    _, runs, _ = figure.axes
    found = bars(runs)
    assert [b[:2] for b in found] == [
        pytest.approx(b) for b in ((1., 1.5), (2.5, .5), (3., 1.))]
    colors = [b[2] for b in found]
    assert colors[0] == colors[2] == pytest.approx(code_color(5))
    assert colors[1] == pytest.approx(code_color(9))
    words = [text.get_text() for text in runs.texts]
    assert [w.replace('\n', ' ').strip() for w in words] == [
        'a5 x', 'a9', 'a5 x']


def test_events_and_which_of_them_are_named():
    left, other = (NAMES.index(n) for n in ('left hand rises', 'knees bend'))
    events = [(left, .5, 1.), (left, 2., 9.), (other, -3., 1.), (other, 7, 8)]
    figure = draw_timeline(STRIP, [0, 1], ['one hand rises', ''], (0., 4.),
                           events)
    shown = sorted(bars(figure.axes[2]))
    assert [b[:2] for b in shown] == [(0., 1.), (.5, .5), (2., 2.)]
    assert [b[2] for b in shown] == [
        pytest.approx(to_rgb(c)) for c in (OTHER, TRUE, TRUE)]
    assert {t.get_text().strip() for t in figure.axes[2].texts} == {
        'left hand rises', 'knees bend'}
    many = [(i, 0., 1. + i) for i in range(40)]
    figure = draw_timeline(STRIP, [0], [''], (0., 100.), many)
    assert len(figure.axes[2].patches) == MOST_EVENTS
    # The shortest, but some token is called after it.
    figure = draw_timeline(STRIP, [0], [NAMES[0]], (0., 100.), many)
    words = [t.get_text().strip() for t in figure.axes[2].texts]
    assert len(words) == MOST_EVENTS and NAMES[0] in words
    assert len(draw_timeline(STRIP, [0, 1], ['', '']).axes[2].patches) == 0


def test_figure_is_written(tmp_path):
    draw_timeline(STRIP, [1, 2], ['', ''], title='a clip').savefig(
        tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_codebook():
    torch.manual_seed(0)
    vectors = torch.randn(6, 8)
    counts = torch.zeros(6, 3)
    counts[0] = torch.tensor([0., 40., 0.])
    counts[1] = torch.tensor([5., 0., 5.])
    names = ['knees bend', '', 'never seen', '', '', '']
    figure = draw_codebook(vectors, counts, names, ['a', 'b', 'c'])
    axes, = figure.axes
    dead, used = axes.collections[:2]
    at = main_plane(vectors)
    np.testing.assert_allclose(used.get_offsets(), at[:2])
    np.testing.assert_allclose(dead.get_offsets(), at[2:])
    sizes, colors = used.get_sizes(), used.get_facecolors()
    assert sizes[0] == pytest.approx(4 * (sizes[1] - 12) + 12)
    assert colors[0, 3] == 1 and colors[1, 3] == pytest.approx(.625)
    words = [text.get_text() for text in axes.texts]
    assert words == ['knees bend']
    assert axes.get_title().startswith('2 of 6 codes occur, 2 have')
    legend = [t.get_text() for t in axes.get_legend().get_texts()]
    assert legend == ['a', 'b']


def test_like_codes_lie_together():
    base = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    vectors = torch.cat([base[:1] + .01 * torch.randn(5, 8),
                         base[1:] + .01 * torch.randn(5, 8)])
    at = main_plane(vectors)
    inside = np.linalg.norm(at[:5] - at[:5].mean(0), axis=1).max()
    assert np.linalg.norm(at[:5].mean(0) - at[5:].mean(0)) > 10 * inside


def test_names_do_not_cover_each_other():
    vectors = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    figure = draw_codebook(vectors, torch.ones(200, 2),
                           ['right hand moves to and fro'] * 200, ['a', 'b'])
    texts = figure.axes[0].texts
    assert 5 < len(texts) <= 60
    boxes = [t.get_window_extent() for t in texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes)
                   for b in boxes[:i])


def test_clips_are_chosen(tmp_path):
    file = tmp_path / 'a.pkl'
    file.write_bytes(pickle.dumps(annotations(12)))
    dataset = SkeletonDataset(str(file), POSE)
    choose = runpy.run_path(str(TOOL))['choose']
    chosen = choose(dataset, 4, None)
    assert [i % 2 for i in chosen] == [0, 1, 0, 1]  # of both classes
    assert len(set(chosen)) == 4 and chosen == choose(dataset, 4, None)
    assert choose(dataset, 1, ['clip7', 'clip2']) == [7, 2]
    with pytest.raises(ValueError, match='no clip99, but clip0, clip1'):
        choose(dataset, 1, ['clip2', 'clip99'])
