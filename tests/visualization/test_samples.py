"""What pictures of samples show, and where."""
import runpy
import shutil

import cv2
import numpy as np
import pytest
from helpers import REPO

from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.make import make_sample
from lvlm_var_mm.visualization.samples import (LEFT, MIDDLE, RIGHT,
                                               draw_frames, draw_skeleton,
                                               spread)

TOOL = REPO / 'tools/contact_sheet.py'


def cross(up):
    """(T=2, V, 2 or 3): a body whose left hand is at x = -1, right at 1, head
    ``up`` of the pelvis; in frame 1 it has moved by one to the right."""
    layout = LAYOUTS['ntu25']
    body = np.zeros((2, 25, len(up)))
    for joint in ('pelvis', 'spine', 'chest', 'neck', 'head'):
        body[:, layout.index(joint)] += np.array(up) * (
            {'pelvis': 0, 'spine': .3, 'chest': .7, 'neck': .8}.get(joint, 1))
    for side, x in (('left', -1), ('right', 1)):
        for part, reach in (('shoulder', .2), ('elbow', .5), ('wrist', .8),
                            ('hand', 1)):
            body[:, layout.index(f'{side}_{part}')] = (
                np.array(up) * .7 + x * reach * np.eye(len(up))[0])
    there = body.any(-1)
    body[1, there[1], 0] += 1
    return body


def place(image, color):
    """Mean row and column of a colour, as parts of the picture."""
    rows, columns = np.nonzero((image == color).all(-1))
    return rows.mean() / len(image), columns.mean() / image.shape[1]


@pytest.mark.parametrize('up', [(0, 1, 0), (0, -1)])
def test_left_is_blue_and_up_is_up(up):
    strip = draw_skeleton(cross(up), size=100, times=2)
    assert strip.shape == (100, 200, 3)
    first, second = strip[:, :100], strip[:, 100:]
    assert place(first, LEFT)[1] < place(first, MIDDLE)[1] < place(
        first, RIGHT)[1]
    head = np.nonzero((first == MIDDLE).all(-1))[0]
    # The head is a disc and what hangs from it a line.
    assert np.bincount(head).argmax() < np.median(head)
    # One scale for all poses: it moves to the right, a third of the width.
    step = place(second, MIDDLE)[1] - place(first, MIDDLE)[1]
    assert step == pytest.approx(.86 / 3, abs=.02)


def test_who_is_not_there_is_not_drawn():
    body = cross((0, 1, 0))
    alone = draw_skeleton(body)
    nobody = np.stack([body, np.zeros_like(body), np.full_like(body, np.nan)])
    np.testing.assert_array_equal(draw_skeleton(nobody), alone)
    assert (draw_skeleton(np.zeros_like(body))[:, :-1] == 255).mean() > .98
    beside = body + body.any(-1, keepdims=True) * [5, 0, 0]
    both = draw_skeleton(np.stack([body, beside]))
    assert (both == LEFT).all(-1).any()  # and the second one paler
    pale = [(255 + c) // 2 for c in MIDDLE]
    assert (both == pale).all(-1).any() and not (alone == pale).all(-1).any()


def test_another_layout_is_an_error():
    with pytest.raises(ValueError, match='25 joints.*kinect20 has 20'):
        draw_skeleton(cross((0, 1, 0)), 'kinect20')


def test_frames_side_by_side():
    imgs = [np.full((60, 80, 3), v, np.uint8) for v in (10, 200)]
    strip = draw_frames(imgs, 30, box=(20, 10, 60, 50))
    assert strip.shape == (30, 80, 3)
    assert (strip[15, 2], strip[15, 42]) == (
        pytest.approx([10] * 3), pytest.approx([200] * 3))
    assert (strip[15, 10] > 150).all()  # the left edge of the box
    assert spread(50, 3).tolist() == [0, 24, 49]


def test_contact_sheet(tmp_path, monkeypatch):
    root = make_sample(tmp_path / 'made', repeats=1, classes=(8, 43),
                       performers=(3, ), progress=False)
    out = tmp_path / 'sheet.png'
    monkeypatch.setattr('sys.argv', [str(TOOL), str(root), str(out),
                                     '--frames', '3'])
    sheet = runpy.run_path(str(TOOL), run_name='__main__')
    height, width = cv2.imread(str(out)).shape[:2]
    assert height == sheet['TOP'] + 2 * (sheet['HEIGHT'] + sheet['GAP'])
    # Three poses and three frames of 4:3.
    assert width == sheet['LEFT'] + sheet['GAP'] + 3 * (
        sheet['HEIGHT'] + sheet['HEIGHT'] * 4 // 3)


def test_contact_sheet_without_videos(tmp_path, monkeypatch):
    root = make_sample(tmp_path / 'made', repeats=1, classes=(8, ),
                       performers=(3, ), progress=False)
    shutil.rmtree(root / 'nturgb+d_rgb')
    out = tmp_path / 'sheet.png'
    monkeypatch.setattr('sys.argv', [str(TOOL), str(root), str(out),
                                     '--frames', '3'])
    sheet = runpy.run_path(str(TOOL), run_name='__main__')
    assert cv2.imread(str(out)).shape[1] == (
        sheet['LEFT'] + 3 * sheet['HEIGHT'])
