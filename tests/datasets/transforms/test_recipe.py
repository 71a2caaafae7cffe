"""The recipe's transforms: what they change, and what is missing stays so."""
import pickle

import numpy as np
import pytest
from helpers import REPO
from mmcv.transforms import Compose
from mmengine.config import Config

from lvlm_var_mm.datasets import SkeletonDataset
from lvlm_var_mm.datasets.transforms.recipe import spine_of
from lvlm_var_mm.layouts import LAYOUTS
from mmaction.registry import DATASETS, TRANSFORMS

RECIPE = Config.fromfile(str(REPO / 'configs/_base_/loaders/recipe.py')).recipe
CENTER = dict(type='CenterSkeleton3D', layout='ntu25')
SCALE = dict(type='MinMaxSkeleton')


def body(persons=2, frames=20, joints=25, seed=0):
    """The second person leaves after a while; somewhere in a room."""
    keypoint = 3 + np.random.default_rng(seed).normal(
        size=(persons, frames, joints, 3)).astype(np.float32)
    keypoint[1:, frames // 2:] = 0
    return keypoint


def apply(steps, keypoint, **results):
    return Compose([TRANSFORMS.build(dict(s)) for s in steps])(
        dict(keypoint=keypoint.copy(), **results))


@pytest.mark.parametrize('layout, joints', [
    ('ntu25', ['spine']), ('kinect20', ['spine']),
    ('coco17', ['left_hip', 'right_hip']),
    ('blazepose33', ['left_hip', 'right_hip'])])
def test_spine_by_name(layout, joints):
    named = [LAYOUTS[layout].joints[i] for i in spine_of(layout)]
    assert named == joints


def test_spine_of_a_layout_without_names_is_its_center():
    assert spine_of(dict(num_node=3, inward=[(0, 2), (1, 2)], center=2)) == (
        2, )


def test_center_is_the_first_spine_that_is_seen():
    keypoint = body()
    moved = apply([CENTER], keypoint)['keypoint']
    np.testing.assert_allclose(moved[0, 0, 1], 0, atol=1e-5)
    there = keypoint.any(-1)
    np.testing.assert_allclose(
        moved[there], (keypoint - keypoint[0, 0, 1])[there], atol=2e-5)
    assert (moved.any(-1) == there).all()  # nothing seen is hidden at 0
    keypoint[0, :3, 1] = 0
    later = apply([CENTER], keypoint)['keypoint']
    np.testing.assert_allclose(later[0, 3, 1], 0, atol=1e-5)
    keypoint[0, :, 1] = 0  # never
    assert abs(apply([CENTER], keypoint)['keypoint'][0, 0].mean()) < .2
    assert not apply([CENTER], 0 * keypoint)['keypoint'].any()


def test_center_says_what_it_takes():
    with pytest.raises(ValueError, match='layout'):
        TRANSFORMS.build(dict(type='CenterSkeleton3D'))


@pytest.mark.parametrize('joints', [20, 33])
def test_min_max_fills_the_box_by_what_is_seen(joints):
    keypoint = body(joints=joints)
    keypoint[0, :, 5] = np.nan
    scaled = apply([SCALE], keypoint)['keypoint']
    there = np.isfinite(keypoint).all(-1) & keypoint.any(-1)
    np.testing.assert_allclose(scaled[there].min(0), -1, atol=1e-5)
    np.testing.assert_allclose(scaled[there].max(0), 1, atol=1e-5)
    assert (scaled.any(-1) == there).all()


def test_an_axis_without_extent_is_zero():
    keypoint = body(persons=1)
    keypoint[..., 2] = 4
    scaled = apply([SCALE], keypoint)['keypoint']
    assert not scaled[..., 2].any() and np.isfinite(scaled).all()


@pytest.mark.parametrize('frames', [1, 7, 400])
def test_frames_are_drawn_in_order(frames):
    keypoint = np.arange(frames, dtype=np.float32)[None, :, None, None] + 1
    keypoint = np.tile(keypoint, (1, 1, 25, 3))
    draw = dict(type='DrawFrames', clip_len=52)
    np.random.seed(0)
    one, two = (apply([draw], keypoint, fps=10.) for _ in range(2))
    for found in (one, two):
        number = found['keypoint'][0, :, 0, 0]
        assert number.shape == (52, ) and (np.diff(number) >= 0).all()
        assert found['span'] == ((number[0] - 1) / 10, (number[-1] - 1) / 10)
    if frames > 1:
        assert (one['frame_inds'] != two['frame_inds']).any()
        assert len(set(one['frame_inds'])) < 52  # with replacement
    test = apply([dict(draw, test_mode=True)], keypoint)
    assert test['frame_inds'][0] == 0 and test['frame_inds'][-1] == frames - 1


@pytest.mark.parametrize('test_mode', [True, False])
def test_frames_that_show_nobody_are_not_drawn(test_mode):
    keypoint = body(persons=2, frames=30)
    keypoint[:, [0, 1, 7, 8, 9, 20]] = 0
    keypoint[0, 12] = 0  # the other person is there
    keypoint[1, 12] = 1
    draw = dict(type='DrawFrames', clip_len=300, test_mode=test_mode)
    np.random.seed(0)
    drawn = apply([draw], keypoint, fps=10.)
    assert drawn['keypoint'].any((0, 2, 3)).all()
    assert set(drawn['frame_inds']) == set(range(30)) - {0, 1, 7, 8, 9, 20}
    assert drawn['span'] == (.2, 2.9)
    # Unless there are no others.
    nobody = apply([draw], np.zeros_like(keypoint))
    assert nobody['keypoint'].shape[1] == 300


def test_views_of_a_test():
    keypoint = body(persons=1, frames=30)
    draw = dict(type='DrawFrames', clip_len=12, test_mode=True)
    one = apply([draw], keypoint, fps=10.)
    several, again = (apply([
        dict(draw, num_clips=3), dict(type='SkeletonFeatures'),
        dict(type='FormatGCNInput', num_person=1)], keypoint, fps=10.)
        for _ in range(2))
    frames = several['frame_inds'].reshape(3, 12)
    assert (np.diff(frames) >= 0).all() and len(np.unique(frames, axis=0)) == 3
    assert several['keypoint'].shape == (3, 1, 12, 25, 6)
    np.testing.assert_array_equal(several['keypoint'], again['keypoint'])
    np.testing.assert_array_equal(frames[0], one['frame_inds'])
    np.testing.assert_allclose(several['keypoint'][0, 0, ..., :3],
                               one['keypoint'][0], rtol=1e-6)
    assert several['span'] == one['span']
    with pytest.raises(ValueError, match='testing'):
        apply([dict(draw, test_mode=False, num_clips=3)], keypoint)


def test_drop():
    keypoint = apply([SCALE], body(persons=1))['keypoint']
    for prob, lost in ((0., 0), (1., 5)):
        found = apply([dict(type='RandomDropJoints', prob=prob, ratio=.2)],
                      keypoint)['keypoint']
        assert (~found.any((0, 1, 3))).sum() == lost
    scored = apply([dict(type='RandomDropJoints', prob=1., ratio=.2)],
                   keypoint, keypoint_score=np.ones(keypoint.shape[:3]))
    np.testing.assert_array_equal(scored['keypoint_score'] > 0,
                                  scored['keypoint'].any(-1))
    flat = apply([dict(type='RandomDropAxis', prob=1.)], keypoint)['keypoint']
    assert (np.abs(flat).max((0, 1, 2)) < 1e-5).sum() == 1
    assert flat.any(-1).all()  # flattened, not missing


def test_bones_by_the_name_of_the_layout():
    keypoint = body(persons=1)
    by_name, by_edges = (apply([dict(
        type='SkeletonFeatures', feats=['b'], **how)], keypoint)['keypoint']
        for how in (dict(layout='ntu25'),
                    dict(inward=LAYOUTS['ntu25'].inward)))
    np.testing.assert_array_equal(by_name, by_edges)


def test_picture_of_a_body_in_space():
    keypoint = np.zeros((1, 2, 3, 3), np.float32)
    keypoint[0, :, 0] = 0, 2, 3  # above
    keypoint[0, :, 1] = 1, 1, 3  # to the right
    found = apply([dict(type='SkeletonPicture', size=(100, 200))], keypoint)
    (top, right, lost), score = found['keypoint'][0, 0], found[
        'keypoint_score'][0, 0]
    assert top[1] < right[1] and top[0] < right[0]
    assert score.tolist() == [1, 1, 0] and not lost.any()
    assert found['img_shape'] == (100, 200)
    assert (found['keypoint'] >= 0).all()
    below = apply([dict(type='SkeletonPicture', up=(0, -1, 0))], keypoint)
    assert below['keypoint'][0, 0, 0, 1] > below['keypoint'][0, 0, 1, 1]


# ------------------------------------------------------- the whole of it
@pytest.mark.parametrize('layout', list(LAYOUTS))
def test_recipe_on_any_layout_with_joints_missing(layout):
    joints = LAYOUTS[layout].num_joints
    keypoint = body(joints=joints)
    keypoint[:, :, -1] = 0
    steps = [dict(type='CenterSkeleton3D', layout=layout), *RECIPE.train,
             dict(type='SkeletonFeatures', feats=['j', 'b', 'jm', 'bm'],
                  layout=layout, motion_scale=1.)]
    found = apply(steps, keypoint)['keypoint']
    assert found.shape == (2, 52, joints, 12)
    assert np.isfinite(found).all() and not found[:, :, -1].any()
    assert np.abs(found[..., :3]).max() == pytest.approx(1, abs=1e-4)


def test_events_are_those_of_the_joints_as_recorded(tmp_path, monkeypatch):
    """However the recipe turns a clip, and however often it comes."""
    rng = np.random.default_rng(0)
    clips = [dict(frame_dir=f'c{i}', label=i, total_frames=30,
                  keypoint=rng.normal(size=(1, 30, 20, 3)).cumsum(1)
                  .astype('f4')) for i in range(2)]
    file = tmp_path / 'n.pkl'
    file.write_bytes(pickle.dumps(dict(
        split=dict(xview_train=['c0', 'c1'], xview_val=['c1']),
        annotations=clips)))
    monkeypatch.setenv('NUCLA_PKL', str(file))
    cfg = Config.fromfile(str(
        REPO / 'configs/_base_/datasets/nucla_xview_recipe.py'))
    repeated = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(repeated) == 10
    only = SkeletonDataset(str(file), pipeline=[dict(
        type='BodyPartEvents', layout='kinect20', fps=12)],
        split='xview_train')
    first, again = repeated[0], repeated[2]
    assert (first['inputs'] != again['inputs']).any()
    for item in (first, again):
        np.testing.assert_array_equal(item['data_samples'].events,
                                      only[0]['events'])
