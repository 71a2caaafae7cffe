"""The picture of a clip's events."""
import numpy as np
import pytest

from lvlm_var_mm.kinematics import NAMES, observe
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.visualization.events import COLORS, draw_events


def texts(figure):
    return [t.get_text().strip() for axes in figure.axes for t in axes.texts]


def test_a_row_an_event_with_its_spans():
    keypoint = perform(10, 1, 1)
    seen = observe(keypoint)
    figure = draw_events(keypoint, 'ntu25', seen, 'claps')
    assert texts(figure) == list(dict.fromkeys(e.name for e in seen.events))
    bars = figure.axes[1].patches
    assert len(bars) == len(seen.events)
    starts = sorted(bar.get_x() for bar in bars)
    np.testing.assert_allclose(starts, sorted(e.start for e in seen.events))
    assert figure.axes[1].get_xlim()[1] == keypoint.shape[1] / 30
    assert figure.texts[0].get_text() == 'claps'


def test_several_persons_and_none():
    keypoint = perform(50, 1, 1)
    rows = texts(draw_events(keypoint, 'ntu25', observe(keypoint)))
    assert {row[:9] for row in rows} == {'person 1:', 'person 2:'}
    still = keypoint[:1, :1].repeat(30, 1)
    figure = draw_events(still, 'ntu25', observe(still))
    assert texts(figure) == []
    figure.canvas.draw()


def test_each_part_has_a_colour():
    assert {name.split()[0] for name in NAMES} <= set(COLORS)


def test_another_layout_is_refused():
    keypoint = perform(1, 1, 1)
    with pytest.raises(ValueError, match='25 joints'):
        draw_events(keypoint, 'kinect20', observe(keypoint))
