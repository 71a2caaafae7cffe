"""Up and handedness, as the bodies tell."""
import pickle

import numpy as np
import pytest
from bodies import CHANGES, UP, in_layout, made, pictures

from lvlm_var_mm.kinematics import Axes, find_axes, observe, observe_all
from lvlm_var_mm.kinematics.axes import axis_name, signed_axis
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.body import Body, Pose, joints_of
from lvlm_var_mm.synthetic.performance import perform

SPACE = 'ntu25', 'kinect20', 'coco17', 'openpose18', 'blazepose33'


def names(observation):
    return {event.name for event in observation.events}


@pytest.mark.parametrize('change', ['good', *UP, 'mirrored', 'millimetres'])
@pytest.mark.parametrize('layout', SPACE)
def test_found_for_a_data_set(layout, change):
    clips = [CHANGES[change](k) for k in made(layout)]
    axes = find_axes(clips, LAYOUTS[layout])
    assert axes.up == UP.get(change, (0, 1, 0))
    assert axes.mirrored == (change == 'mirrored')
    # One of the ten falls.
    assert axes.sure > .85 and axes.sure_hand == 1


@pytest.mark.parametrize('change', ['good', *UP, 'mirrored', 'millimetres'])
@pytest.mark.parametrize('action', (6, 8, 9, 24, 43))
def test_a_clip_alone_is_told_the_same_way_whatever_its_axes(action, change):
    people = perform(action, 3, 1)
    plain, seen = observe(people), observe(CHANGES[change](people))
    assert seen.axes.up == UP.get(change, (0, 1, 0))
    assert seen.axes.mirrored == (change == 'mirrored')
    # Who falls stands first.
    assert seen.axes.sure > (.6 if action == 43 else .8)
    assert names(seen) == names(plain)


def test_of_many_clips_the_axes_are_those_of_all():
    fall = made(actions=[43])[0]
    lying = fall[:, -10:]  # a body that lies along x or z, all the time
    assert observe(lying).axes.up != (0, 1, 0)
    together = observe_all([*made(), lying])
    assert {seen.axes for seen in together} == {together[0].axes}
    assert 'body lies' in names(together[-1])


def test_one_that_bends_all_the_time_counts_for_nothing():
    pose = Pose(Body(), 40)
    pose.lean += 1.6
    bent = joints_of(pose)[None] * [1, 1, -1]
    seen = observe(bent).axes
    assert seen.up == (0, 1, 0) and seen.sure == 0
    assert find_axes([CHANGES['z_up'](k) for k in [bent, *made()]],
                     LAYOUTS['ntu25']).up == (0, 0, 1)


def test_pictures_of_either_way():
    clips = pictures('coco17')
    assert find_axes(clips, LAYOUTS['coco17']).up == (0, -1)
    found = find_axes([k * [1, -1] for k in clips], LAYOUTS['coco17'])
    assert found.up == (0, 1)
    assert not found.mirrored and found.sure_hand == 0  # nothing tells


def test_an_up_that_the_bodies_contradict_is_refused():
    clips = made()
    for up in ((0, -1, 0), (.1, -2, .1)):
        with pytest.raises(ValueError, match='heads are below feet in 9.*'
                           ': y points up'):
            observe_all(clips, up=up)
    with pytest.raises(ValueError, match='nowhere'):
        observe(clips[0], up=(0, 0, 0))
    # Who lies, lies; and what was decided for a whole set holds.
    assert 'body lies' in names(observe(CHANGES['z_up'](clips[0]),
                                        up=(0, 1, 0)))
    decided = Axes((0, -1, 0))
    assert observe(clips[0], up=decided).axes is decided


def test_what_is_declared_holds():
    clip = made(actions=[24])[0]
    assert observe(clip, mirrored=True).axes.mirrored
    swapped = {'forward': 'back', 'back': 'forward'}
    told = [n for n in names(observe(clip)) if n.endswith((
        'steps forward', 'steps back'))]
    assert len(told) == 2
    assert {' '.join([*n.split()[:-1], swapped[n.split()[-1]]])
            for n in told} <= names(observe(clip, mirrored=True))


def test_world_landmarks_of_blazepose_have_y_down():
    """As MediaPipe gives them: about the hips, y down, z away."""
    world = in_layout(perform(8, 3, 1), 'blazepose33') * [1, -1, -1]
    hips = [LAYOUTS['blazepose33'].index(f'{side}_hip')
            for side in ('left', 'right')]
    world = world - world[:, :, hips].mean(2, keepdims=True)
    seen = observe(world, 'blazepose33')
    assert seen.axes.up == (0, -1, 0)
    assert {'left knee bends', 'right knee bends'} <= names(seen)
    # Also where the bodies do not tell.
    assert observe(np.zeros((1, 9, 33, 3)), 'blazepose33').axes == (
        (0, -1, 0), False, 0, 0)


def test_a_layout_without_a_trunk_says_nothing():
    chain = dict(num_node=3, inward=[(1, 0), (2, 1)], center=0)
    axes = observe(np.ones((1, 5, 3, 3)), chain).axes
    assert axes.up == (0, 1, 0) and axes.sure == axes.sure_hand == 0


def test_names_of_axes():
    for text, axis in (('z', (0, 0, 1)), ('-y', (0, -1, 0)),
                       ('+x', (1, 0, 0))):
        assert signed_axis(text, 3) == axis
        assert axis_name(axis) == text.strip('+')
    assert axis_name((.1, .2, -.9)) == '-z'
    for text in ('up', '', 'xy'):
        with pytest.raises(ValueError, match='is no axis: give one of x, -x'):
            signed_axis(text, 3)
    with pytest.raises(ValueError, match='-y$'):
        signed_axis('z', 2)


@pytest.mark.nucla
def test_northwestern_ucla(nucla):
    with nucla.open('rb') as f:
        clips = [a['keypoint'] for a in pickle.load(f)['annotations']]
    kinect = LAYOUTS['kinect20']
    for change in ('good', *UP, 'mirrored'):
        changed = [CHANGES[change](k) for k in clips[::3]]
        found = find_axes(changed, kinect)
        assert found.up == UP.get(change, (0, 1, 0))
        assert found.mirrored == (change == 'mirrored')
        assert found.sure > .95 and found.sure_hand > .95
        alone = [find_axes([k], kinect) for k in changed]
        assert np.mean([a.up == found.up for a in alone]) > .98
        assert np.mean([a.mirrored == found.mirrored for a in alone]) > .9
