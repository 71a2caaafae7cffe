"""Clips in a mirror: the joints, what is measured on them, and what is not
mirrored."""
import numpy as np
import pytest
from bodies import measured

from lvlm_var_mm.datasets.transforms import BodyPartEvents, MirrorSkeleton3D
from lvlm_var_mm.datasets.transforms.mirror import names_a_side, other_sides
from lvlm_var_mm.kinematics import NAMES, mirrored, observe
from lvlm_var_mm.kinematics.rows import to_rows
from lvlm_var_mm.layouts import LAYOUTS

NTU = LAYOUTS['ntu25']
MIRROR = MirrorSkeleton3D('ntu25', prob=1.)
ACTIONS = 1, 6, 23, 24, 50  # drink, pick up, wave, kick, strike


def clip(action, **more):
    return dict(keypoint=measured(action), frame_dir=f'a{action}', fps=30.,
                **more)


def told(events):
    """Names with times, in order."""
    return sorted((NAMES[int(kind)], *np.round(rest, 4).tolist())
                  for kind, *rest in events)


@pytest.mark.parametrize('action', ACTIONS)
def test_events_change_over_as_if_measured_in_the_mirror(action):
    """Before ``BodyPartEvents`` and behind it: the same."""
    measure = BodyPartEvents('ntu25')
    behind = MIRROR(measure(clip(action)))
    before = measure(MIRROR(clip(action)))
    assert len(behind['events']) and told(behind['events']) == told(
        before['events'])
    assert (behind['decidable'] == before['decidable']).all()
    plain = to_rows(observe(measured(action), 'ntu25', 30.))
    assert sorted(mirrored(name) for name, *_ in told(plain)) == [
        name for name, *_ in told(behind['events'])]


def test_twice_is_the_clip_itself():
    whole = BodyPartEvents('ntu25')(clip(24))
    once = MIRROR(dict(whole))
    assert not np.allclose(once['keypoint'], whole['keypoint'])
    twice = MIRROR(dict(once))
    np.testing.assert_array_equal(twice['keypoint'], whole['keypoint'])
    np.testing.assert_array_equal(twice['events'], whole['events'])
    np.testing.assert_array_equal(twice['decidable'], whole['decidable'])


def test_what_is_kept_under_the_name_stays():
    """The same pipeline reads the clip again, not mirrored this time."""
    measure = BodyPartEvents('ntu25')
    plain = told(measure(clip(24))['events'])
    MIRROR(measure(clip(24)))
    measure(MIRROR(clip(24)))
    assert told(measure(clip(24))['events']) == plain


def test_a_missing_joint_is_missing_on_the_other_side():
    right, left = NTU.index('right_wrist'), NTU.index('left_wrist')
    keypoint = measured(23)
    keypoint[:, 3, right] = 0
    score = np.ones(keypoint.shape[:3], np.float32)
    score[:, 5, right] = 0
    seen = MIRROR(dict(keypoint=keypoint, keypoint_score=score))
    assert not seen['keypoint'][:, [3, 5], left].any()
    assert seen['keypoint'][:, 4, left].any()
    assert (seen['keypoint_score'][:, 5, left] == 0).all()


def test_share_and_explanations_that_name_a_side():
    np.random.seed(0)
    some = MirrorSkeleton3D('ntu25', prob=0.3)
    keypoint = measured(24)[:, :2]
    hits = np.mean(['disturbed' in some(dict(keypoint=keypoint))
                    for _ in range(400)])
    assert .22 < hits < .38
    assert 'disturbed' not in MIRROR(dict(
        keypoint=keypoint, explanation='The Left hand throws.'))
    assert names_a_side('to the right.') and not names_a_side('upright')
    assert not names_a_side('') and not names_a_side(None)


def test_another_axis_points_up():
    keypoint = measured(24)
    z_up = MirrorSkeleton3D('ntu25', 1., up=(0, 0, 1))
    moved = z_up(dict(keypoint=keypoint))['keypoint']
    np.testing.assert_array_equal(
        moved[..., 2], keypoint[:, :, other_sides(NTU), 2])


def test_events_that_were_kept_are_measured_anew_by_the_next_step():
    """Even those of an older vocabulary, which nothing can mirror."""
    old = dict(events=np.zeros((1, 5), np.float32), decidable=np.ones(3, bool),
               events_key='older')
    measure = BodyPartEvents('ntu25')
    assert told(measure(MIRROR(clip(24, **old)))['events']) == told(
        measure(MIRROR(clip(24)))['events'])


@pytest.mark.parametrize('layout, words', [
    ('coco17', 'one of pictures'),
    (dict(num_node=4, inward=[(1, 0), (2, 0), (3, 0)], center=0,
          joints=['pelvis', 'left_hand', 'right_hand', '']), 'not all joints'),
    (dict(num_node=2, inward=[(1, 0)], center=0), 'no sides'),
    (dict(num_node=2, inward=[(1, 0)], center=0,
          joints=['pelvis', 'left_hand']), "'left_hand'")])
def test_a_layout_without_sides_is_refused(layout, words):
    with pytest.raises(ValueError, match=words):
        MirrorSkeleton3D(layout)


@pytest.mark.parametrize('values', [2, 6])
def test_other_values_than_coordinates_are_refused_by_name(values):
    with pytest.raises(ValueError, match=f'clip9 has {values}.*Flip'):
        MIRROR(dict(keypoint=np.ones((1, 2, 25, values)), frame_dir='clip9'))
    with pytest.raises(ValueError, match='`prob` is 50'):
        MirrorSkeleton3D('ntu25', prob=50)
