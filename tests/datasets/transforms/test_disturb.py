"""Disturbances: what they take away, and that they are the same each time."""
import pickle

import numpy as np
import pytest
from bodies import made

from lvlm_var_mm.datasets import SkeletonDataset
from lvlm_var_mm.datasets.transforms.disturb import torso_length
from lvlm_var_mm.datasets.transforms.hide import common_joints
from lvlm_var_mm.layouts import LAYOUTS
from mmaction.registry import TRANSFORMS

NTU, KINECT = LAYOUTS['ntu25'], LAYOUTS['kinect20']
OFF = [dict(type='DropJoints', ratio=0),
       dict(type='JitterJoints', layout='ntu25', std=0),
       dict(type='OccludeArm', layout='ntu25', part=0),
       dict(type='KeepJoints', layout='ntu25', joints=NTU.joints),
       dict(type='LoseFrames', ratio=0),
       dict(type='StretchTime', factor=1),
       dict(type='StretchTime', factor=2, part=0)]
ON = [dict(type='DropJoints', ratio=.3),
      dict(type='JitterJoints', layout='ntu25', std=.1),
      dict(type='OccludeArm', layout='ntu25', part=.5),
      dict(type='KeepJoints', layout='ntu25'),
      dict(type='LoseFrames', ratio=.4),
      dict(type='StretchTime', factor=1.5),
      dict(type='StretchTime', factor=.5, part=.5)]
RANDOM = [step for step in ON if step['type'] != 'KeepJoints'
          and step != dict(type='StretchTime', factor=1.5)]
HAND = NTU.index('left_hand')


def name_of(step):
    return f'{step["type"]}{"" if step.get("part") is None else " part"}'


def apply(step, keypoint, name='clip', **more):
    """The results; those that go in are not written to."""
    before = keypoint.copy()
    done = TRANSFORMS.build(dict(step))(dict(
        keypoint=keypoint, total_frames=keypoint.shape[1], frame_dir=name,
        **more))
    np.testing.assert_array_equal(keypoint, before)
    return done


def there(keypoint):
    return keypoint.any(-1)


@pytest.fixture(scope='module')
def clip():
    """Two persons; the second leaves, the first loses a hand."""
    keypoint = np.concatenate([made(actions=[24])[0]] * 2).astype(np.float32)
    keypoint[1] += 1
    keypoint[1, 40:] = 0
    keypoint[0, :, HAND] = 0
    return keypoint


@pytest.mark.parametrize('step', OFF, ids=name_of)
def test_strength_zero_changes_nothing(clip, step):
    done = apply(step, clip, events=1, decidable=2, events_key='3')
    assert done['keypoint'] is clip and done['total_frames'] == clip.shape[1]
    assert done['events'] == 1 and 'disturbed' not in done


@pytest.mark.parametrize('step', ON, ids=name_of)
def test_a_disturbance(clip, step):
    done = apply(step, clip, events=1, decidable=2, events_key='3')
    changed = done['keypoint']
    assert changed.dtype == np.float32 and np.isfinite(changed).all()
    assert done['total_frames'] == changed.shape[1]
    assert changed.shape[0::2] == clip.shape[0::2]
    # Measured on other joints.
    assert done['disturbed'] and not {'events', 'decidable',
                                      'events_key'} & set(done)
    if step['type'] != 'StretchTime':
        assert changed.shape == clip.shape
        assert not there(changed)[~there(clip)].any()
    assert not changed[0, :, HAND].any()
    # The same each time; another clip is disturbed in another way.
    again, moved, other, seed = (apply(*how)['keypoint'] for how in (
        (step, clip), (step, clip, 'videos/clip'), (step, clip, 'other'),
        (dict(step, seed=1), clip)))
    np.testing.assert_array_equal(changed, again)
    np.testing.assert_array_equal(changed, moved)
    assert np.array_equal(changed, other) == (step not in RANDOM)
    assert np.array_equal(changed, seed) == (step not in RANDOM)


@pytest.mark.parametrize('step', RANDOM, ids=name_of)
def test_without_a_seed_it_differs_in_training(clip, step):
    step = dict(step, seed=None)
    np.random.seed(0)
    one, two = (apply(step, clip)['keypoint'] for _ in range(2))
    assert not np.array_equal(one, two)
    np.random.seed(0)
    np.testing.assert_array_equal(apply(step, clip)['keypoint'], one)


def test_a_nameless_clip_is_known_by_its_joints(clip):
    step = dict(type='DropJoints', ratio=.3)
    one, two, other = (TRANSFORMS.build(step)(dict(keypoint=k))['keypoint']
                       for k in (clip, clip.copy(), clip + 1))
    np.testing.assert_array_equal(one, two)
    assert (there(one) != there(other)).any()


@pytest.mark.parametrize('kind, key, weak, strong', [
    ('DropJoints', 'ratio', .1, .4), ('LoseFrames', 'ratio', .2, .7),
    ('OccludeArm', 'part', .3, .6)])
def test_more_of_it_takes_more_away(clip, kind, key, weak, strong):
    more = dict(layout='ntu25') if kind == 'OccludeArm' else {}
    for number in range(20):
        little, much = (there(apply({'type': kind, key: x, **more}, clip,
                                    f'clip{number}')['keypoint'])
                        for x in (weak, strong))
        assert not (much & ~little).any()
        assert much.sum() < little.sum() < there(clip).sum()


@pytest.mark.parametrize('ratio, lost', [(.01, 1), (.2, 5), (1., 24)])
def test_joints_are_lost_for_the_whole_clip(ratio, lost):
    keypoint = np.ones((2, 6, 25, 3), np.float32)
    seen = there(apply(dict(type='DropJoints', ratio=ratio), keypoint)[
        'keypoint'])
    assert (seen == seen[:1, :1]).all() and (~seen[0, 0]).sum() == lost


def test_scores_go_with_the_joints():
    keypoint = np.ones((1, 6, 17, 2), np.float32)
    score = np.full((1, 6, 17), .5, np.float16)
    done = apply(dict(type='OccludeArm', layout='coco17', side='left'),
                 keypoint, keypoint_score=score)
    arm = [LAYOUTS['coco17'].index(f'left_{j}') for j in ('elbow', 'wrist')]
    assert not done['keypoint_score'][..., arm].any()
    assert done['keypoint_score'].dtype == np.float16
    assert (done['keypoint_score'] > 0).sum() == 6 * 15 and (score > 0).all()


@pytest.mark.parametrize('layout', [NTU, KINECT], ids=lambda x: x.name)
def test_an_arm_is_hidden_in_one_piece(layout):
    keypoint = np.ones((1, 40, layout.num_joints, 3), np.float32)
    sides = set()
    for number in range(20):
        lost = ~there(apply(dict(type='OccludeArm', layout=layout, part=.25),
                            keypoint, f'clip{number}')['keypoint'])[0]
        names = {layout.joints[i] for i in np.flatnonzero(lost.any(0))}
        side = next(iter(names)).split('_')[0]
        sides.add(side)
        parts = {'elbow', 'wrist', 'hand'} | (
            {'hand_tip', 'thumb'} if layout is NTU else set())
        assert names == {f'{side}_{part}' for part in parts}
        frames = np.flatnonzero(lost.any(1))
        assert len(frames) == 10 and np.ptp(frames) == 9
    assert sides == {'left', 'right'}


@pytest.mark.parametrize('name', LAYOUTS)
def test_thirteen_joints(name):
    layout = LAYOUTS[name]
    kept = [layout.joints[i] for i in common_joints(layout)]
    assert len(set(kept)) == 13 and kept[0] in ('head', 'nose')
    keypoint = np.ones((1, 2, layout.num_joints, 3), np.float32)
    seen = there(apply(dict(type='KeepJoints', layout=name), keypoint)[
        'keypoint'])
    assert {layout.joints[i] for i in np.flatnonzero(seen[0, 0])} == set(kept)


def test_a_custom_layout_by_its_names():
    layout = dict(num_node=3, center=0, inward=[(1, 0), (2, 1)],
                  joints=['LeftShoulder', 'l_elbow', 'wrist_left'])
    keypoint = np.ones((1, 4, 3, 3), np.float32)
    seen = there(apply(dict(type='OccludeArm', layout=layout, side='left'),
                       keypoint)['keypoint'])
    assert (seen == [True, False, False]).all()
    for step, lacks in (
            (dict(type='OccludeArm'), 'right_elbow'),
            (dict(type='KeepJoints'), 'head'),
            (dict(type='KeepJoints', joints=['nose']), 'nose'),
            (dict(type='JitterJoints', std=.1), 'shoulders and hips')):
        with pytest.raises(ValueError, match=lacks):
            TRANSFORMS.build(dict(step, layout=layout))


@pytest.mark.parametrize('step', [
    dict(type='DropJoints', ratio=1.1), dict(type='LoseFrames', ratio=-1),
    dict(type='JitterJoints', layout='ntu25', std=-.1),
    dict(type='OccludeArm', layout='ntu25', side='both'),
    dict(type='StretchTime', factor=0)])
def test_strengths_that_are_none(step):
    with pytest.raises(ValueError, match='must'):
        TRANSFORMS.build(step)


@pytest.mark.parametrize('unit', [1, 1000])
def test_noise_is_in_torso_lengths(unit):
    keypoint = (unit * made(actions=[24])[0]).astype(np.float32)
    torso = torso_length(dict(keypoint=keypoint), NTU)
    assert .35 < torso / unit < .65
    changed = apply(dict(type='JitterJoints', layout='ntu25', std=.1),
                    keypoint)['keypoint']
    assert (changed - keypoint)[there(keypoint)].std() == pytest.approx(
        .1 * torso, rel=.05)
    # Without hips, the size of the body stands in.
    keypoint[:, :, NTU.index('left_hip')] = 0
    assert torso_length(dict(keypoint=keypoint), NTU) == pytest.approx(
        torso, rel=.4)
    assert torso_length(dict(keypoint=0 * keypoint), NTU) == 0


def test_noise_in_pictures_leaves_the_score():
    keypoint = np.random.default_rng(0).uniform(
        1, 2, (1, 5, 17, 3)).astype(np.float32)
    changed = apply(dict(type='JitterJoints', layout='coco17', std=.1),
                    keypoint)['keypoint']
    np.testing.assert_array_equal(changed[..., 2], keypoint[..., 2])
    assert (changed[..., :2] != keypoint[..., :2]).all()


@pytest.mark.parametrize('ratio, left', [(.5, 5), (.99, 1), (1., 1)])
def test_frames_are_lost_among_those_that_show_somebody(ratio, left):
    keypoint = np.ones((1, 20, 25, 3), np.float32)
    keypoint[:, 10:] = 0
    seen = there(apply(dict(type='LoseFrames', ratio=ratio), keypoint)[
        'keypoint'])
    assert (seen == seen[..., :1]).all() and seen[0, :, 0].sum() == left
    assert not there(apply(dict(type='LoseFrames', ratio=ratio),
                           0 * keypoint)['keypoint']).any()


@pytest.mark.parametrize('factor', [.5, .75, 1.5, 3])
@pytest.mark.parametrize('part', [1., .5])
def test_time_is_stretched(factor, part):
    """A joint that moves evenly moves at another pace for a while."""
    keypoint = np.tile(np.arange(1, 42, dtype=np.float32)[
        None, :, None, None], (1, 1, 25, 3))
    done = apply(dict(type='StretchTime', factor=factor, part=part), keypoint)
    way = done['keypoint'][0, :, 0, 0]
    assert len(way) == done['total_frames'] == pytest.approx(
        1 + 40 * (1 + part * (factor - 1)), abs=.51)
    assert way[0] == 1 and way[-1] == 41
    step = np.diff(way)
    slow = np.isclose(step, 1 / factor, rtol=.02)
    assert slow.sum() == pytest.approx(40 * part * factor, abs=2)
    assert (slow | np.isclose(step, 1, rtol=.02)).sum() >= len(step) - 2
    one = apply(dict(type='StretchTime', factor=factor), keypoint[:, :1])
    np.testing.assert_array_equal(one['keypoint'], keypoint[:, :1])


def test_events_are_those_of_the_disturbed_clip(tmp_path):
    """Not those that were measured before, or kept from the clip as it is."""
    clips = made(actions=[24, 6])
    file = tmp_path / 'a.pkl'
    file.write_bytes(pickle.dumps(dict(annotations=[
        dict(frame_dir=f'clip{i}', label=0, keypoint=k.astype('f4'),
             total_frames=k.shape[1]) for i, k in enumerate(clips)])))
    events = dict(type='BodyPartEvents', layout='ntu25')
    plain = SkeletonDataset(str(file), [events], test_mode=True)
    before = [plain[i]['events'] for i in range(2)]
    assert all(map(len, before))
    step = dict(type='KeepJoints', layout='ntu25', joints=['pelvis'])
    lost = SkeletonDataset(str(file), [step, events], test_mode=True)
    assert not any(len(lost[i]['events']) for i in range(2))
    # As a measurement puts one into an open data set, and takes it out.
    steps = plain.pipeline.transforms
    plain.pipeline.transforms = [TRANSFORMS.build(step), *steps]
    assert not any(len(plain[i]['events']) for i in range(2))
    plain.pipeline.transforms = steps
    for i in range(2):
        np.testing.assert_array_equal(plain[i]['events'], before[i])
