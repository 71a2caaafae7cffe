"""People against what is none: lengths, sides, pace, pictures."""
import pickle

import numpy as np
import pytest
from bodies import CHANGES, made, pictures

from lvlm_var_mm.kinematics.anatomy import (PACE, looks_human, measure,
                                            oddities, pace)
from lvlm_var_mm.kinematics.axes import Axes, usual_up
from lvlm_var_mm.kinematics.questions import (ask_axes, ask_order, ask_pace,
                                              ask_picture, ask_unit, look_at)
from lvlm_var_mm.layouts import LAYOUTS

SPACE = 'ntu25', 'kinect20', 'coco17', 'openpose18', 'blazepose33'
FLAT = 'coco17', 'openpose18', 'blazepose33'


def looked(clips, layout):
    return [look_at(k, LAYOUTS[layout]) for k in clips]


def all_questions(clips, layout, fps=30, shape=(120, 160)):
    """Everything that a data set may be asked."""
    seen, body = looked(clips, layout), LAYOUTS[layout]
    return [*ask_axes(seen, body, Axes(usual_up(body, seen[0].dims))
                      if layout != 'blazepose33' else Axes((0, 1, 0))),
            *ask_order(seen, body), *ask_pace(seen, [fps] * len(seen)),
            *ask_unit(seen)[1], *ask_picture(seen, [shape] * len(seen))]


@pytest.mark.parametrize('layout', SPACE)
def test_people_raise_no_questions(layout):
    assert all_questions(made(layout), layout) == []


@pytest.mark.parametrize('layout', FLAT[:2])
def test_pictures_of_people_raise_no_questions(layout):
    clips = pictures(layout)
    assert all_questions(clips, layout) == []
    scored = [np.concatenate([k, np.ones_like(k[..., :1])], -1)
              for k in clips]
    assert all_questions(scored, layout) == []


@pytest.mark.parametrize('layout', SPACE)
def test_the_same_with_joints_that_are_lost(layout):
    rng, clips = np.random.default_rng(0), made(layout)
    for clip in clips:
        lost = rng.random(clip.shape[:3]) < .2
        clip[lost] = np.where(rng.random((lost.sum(), 1)) < .5, 0, np.nan)
    assert all_questions(clips, layout) == []


@pytest.mark.parametrize('layout', SPACE)
def test_any_other_order_is_found(layout):
    rng, clips = np.random.default_rng(0), made(layout, actions=(1, 6, 8, 24))
    for _ in range(20):
        order = rng.permutation(LAYOUTS[layout].num_joints)
        seen = looked([k[:, :, order] for k in clips], layout)
        question, = ask_order(seen, LAYOUTS[layout])
        assert f'by layout {layout} these are no human' in question.text
        assert 'docs/layouts.md' in question.remedy


@pytest.mark.parametrize('swap', [
    ('left_elbow', 'left_wrist'), ('left_knee', 'left_ankle'),
    ('left_shoulder', 'right_shoulder'), ('left_hip', 'left_shoulder'),
    ('right_wrist', 'right_ankle'), ('head', 'pelvis')])
@pytest.mark.parametrize('layout', ['ntu25', 'kinect20'])
def test_two_joints_that_are_exchanged_are_found(layout, swap):
    body = LAYOUTS[layout]
    a, b = map(body.index, swap)
    order = list(range(body.num_joints))
    order[a], order[b] = b, a
    clips = [k[:, :, order] for k in made(layout)]
    assert ask_order(looked(clips, layout), body)


def test_the_layout_that_fits_is_named():
    clips = made('coco17')
    wrong = dict(LAYOUTS)['coco17']._replace(
        name='mine', joints=LAYOUTS['coco17'].joints[::-1])
    question, = ask_order([look_at(k, wrong) for k in clips], wrong, clips)
    assert question.remedy.endswith('another layout: coco17 fits')


def test_lengths_are_those_of_the_body_and_not_of_the_unit():
    clip = made(actions=[1])[0]
    one, other = measure(clip, LAYOUTS['ntu25']), measure(
        clip * 1000, LAYOUTS['ntu25'])
    assert other.torso == pytest.approx(1000 * one.torso, rel=1e-5)
    assert other.lengths == pytest.approx(one.lengths, rel=1e-4)
    assert .5 < one.lengths['left upper arm'] < .75
    assert .8 < one.lengths['right thigh'] < 1.1
    assert looks_human(oddities([one]))
    assert measure(np.zeros((1, 9, 25, 3)), LAYOUTS['ntu25']) is None


def test_bones_that_are_not_of_one_length_are_odd():
    clips, body = made(), LAYOUTS['ntu25']
    for clip in clips:  # an elbow that goes to and fro along the arm
        clip[:, ::2, body.index('left_elbow'), 1] += .25
    odd = oddities([measure(k, body) for k in clips])
    assert any('left upper arm varies' in o.text for o in odd)


@pytest.mark.parametrize('real, assumed, found', [
    (30, 30, False), (15, 15, False), (7.5, 7.5, False), (10, 15, False),
    (7.5, 30, True), (10, 30, True), (30, 7, True), (30, 100, True)])
def test_frames_a_second_that_hands_contradict(real, assumed, found):
    clips = [k[:, ::round(30 / real)] for k in made(performers=(1, 2))]
    questions = ask_pace(looked(clips, 'ntu25'), [assumed] * len(clips))
    assert len(questions) == found
    if found:
        assert f'at {assumed} frames a second' in questions[0].text
        likely = float(questions[0].text.split('some ')[1].split()[0])
        assert real / 2 < likely < 2 * real
        assert '--fps' in questions[0].remedy


def test_each_clip_has_its_own_clock():
    body, clips = LAYOUTS['ntu25'], made()
    facts = [measure(k[:, ::s], body) for k in clips for s in (1, 3)]
    rates = [30 / s for _ in clips for s in (1, 3)]
    assert PACE[0] < pace(facts, rates) < PACE[1]
    # One frame has no pace.
    assert np.isnan(pace([measure(clips[0][:, :1], body)], [30]))


@pytest.mark.parametrize('change, words, remedy', [
    ('y_down', 'not y: people stand on their heads', 'up=(0, -1, 0)'),
    ('z_up', 'not y: people lie all the time', '`up=(0, 0, 1)`'),
    ('mirrored', 'those of a mirror, or left and right', 'mirrored=True')])
@pytest.mark.parametrize('layout', ['ntu25', 'kinect20', 'coco17'])
def test_axes_that_the_bodies_contradict(layout, change, words, remedy):
    clips = [CHANGES[change](k) for k in made(layout)]
    question, = all_questions(clips, layout)
    assert words in question.text and remedy in question.remedy
    assert question.certain == (change == 'y_down')


def test_a_mirror_that_is_none():
    seen = looked(made(), 'ntu25')
    question, = ask_axes(seen, LAYOUTS['ntu25'], Axes((0, 1, 0), True))
    assert 'not those of a mirror' in question.text
    assert 'mirrored=False' in question.remedy


@pytest.mark.parametrize('factor, word', [
    (100, 'centimetres'), (1000, 'millimetres'), (2.1, 'scaled already')])
def test_units(factor, word):
    clips = [factor * k for k in made(actions=(1, 6, 8, 24))]
    question, = all_questions(clips, 'ntu25')
    assert f'not metres but {word}?' in question.text


@pytest.mark.parametrize('scale, shape, words, remedy', [
    (1 / 160, (1080, 1920), 'within 0..1, but their picture is 1080 x 1920',
     '--img-shape'),
    (1, (1, 1), 'but their picture is 1 x 1', 'height and width')])
def test_pictures_in_another_unit(scale, shape, words, remedy):
    clips = [scale * k for k in pictures('coco17')]
    question, = all_questions(clips, 'coco17', shape=shape)
    assert words in question.text and remedy in question.remedy
    assert question.certain
    # Parts of a picture that is one high and wide are in order.
    assert not all_questions([k / 160 for k in pictures('coco17')], 'coco17',
                             shape=(1, 1))


@pytest.mark.nucla
def test_northwestern_ucla(nucla):
    with nucla.open('rb') as f:
        data = pickle.load(f)
    for split in data['split'].values():
        chosen = set(split)
        clips = [a['keypoint'] for a in data['annotations']
                 if a['frame_dir'] in chosen][::5]
        assert all_questions(clips, 'kinect20', fps=12) == []
        question, = all_questions(clips, 'kinect20', fps=30)
        assert 'are these some 1' in question.text
        for change in ('y_down', 'z_up', 'mirrored', 'scrambled',
                       'millimetres'):
            assert len(all_questions([CHANGES[change](k) for k in clips],
                                     'kinect20', fps=12)) >= 1
