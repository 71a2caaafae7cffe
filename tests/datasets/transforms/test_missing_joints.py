"""A joint that is missing is missing all the way, and moves nothing."""
import pickle

import numpy as np
import pytest
from bodies import made, pictures
from mmcv.transforms import Compose

from lvlm_var_mm.datasets import BodyPartEvents, PersonCrop, SkeletonDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.layouts import LAYOUTS
from mmaction.registry import TRANSFORMS

NTU = LAYOUTS['ntu25']
HAND = NTU.index('left_hand')
ALIGN = dict(type='AlignSkeleton3D', center=1, torso=(0, 20),
             left_right=[(4, 8), (12, 16)])
STEPS = [ALIGN, dict(type='ResampleFrames', clip_len=48),
         dict(type='RandomViewpoint3D'),
         dict(type='SkeletonFeatures', feats=['j', 'b', 'jm', 'bm'],
              inward=NTU.inward)]


def apply(steps, keypoint, **results):
    np.random.seed(0)
    return Compose([TRANSFORMS.build(dict(step)) for step in steps])(
        dict(keypoint=keypoint.copy(), **results))['keypoint']


@pytest.fixture
def clip():
    return made(actions=[24])[0]


def lose(keypoint, how, joint=HAND, frames=slice(None)):
    """-> keypoint and what else says so."""
    keypoint = keypoint.copy()
    if how == 'score':
        score = np.ones(keypoint.shape[:3], np.float32)
        score[:, frames, joint] = 0
        return keypoint, dict(keypoint_score=score)
    keypoint[:, frames, joint] = how
    if np.isnan(how):
        keypoint[:, frames, joint, 1:] = .3  # one coordinate is enough
    return keypoint, {}


@pytest.mark.parametrize('how', [0, np.nan, 'score'])
@pytest.mark.parametrize('number', range(1, len(STEPS) + 1))
def test_a_lost_joint_is_zero_and_changes_no_other(clip, how, number):
    whole = apply(STEPS[:number], clip)
    broken, more = lose(clip, how)
    seen = apply(STEPS[:number], broken, **more)
    assert np.isfinite(seen).all()
    assert not seen[:, :, HAND].any()
    # Its bones go with it; the rest is what it was.
    kept = [j for j in range(25) if j not in (HAND, 21, 22)]
    np.testing.assert_allclose(seen[:, :, kept], whole[:, :, kept],
                               atol=1e-5)
    positions = seen[..., :3]
    np.testing.assert_allclose(positions[:, :, [21, 22]],
                               whole[:, :, [21, 22], :3], atol=1e-5)


@pytest.mark.parametrize('how', [0, np.nan, 'score'])
def test_who_stands_still_does_not_move_for_a_joint_that_comes_and_goes(
        clip, how):
    still = np.repeat(clip[:, :1], 60, 1)
    broken, more = lose(still, how, frames=slice(None, None, 3))
    seen = apply(STEPS, broken, **more)
    assert np.abs(seen[..., 6:]).max() < 1e-4  # motions of joints and bones
    # Nowhere but where it is, about the torso's length from the spine.
    assert np.linalg.norm(seen[..., :3], axis=-1).max() < 3


@pytest.mark.parametrize('how', [0, np.nan, 'score'])
@pytest.mark.parametrize('joints', [[1], [0], [20], [4, 8], [4, 12]])
def test_alignment_looks_for_frames_that_show_what_it_needs(clip, joints,
                                                            how):
    still = np.repeat(clip[:, :1], 40, 1)
    whole = apply([ALIGN], still)
    broken, more = lose(still, how, joints, slice(0, 7))
    seen = apply([ALIGN], broken, **more)
    there = np.ones(still.shape[:3], bool)
    there[:, :7, joints] = False
    # Without shoulders, the line of the hips is the heading.
    np.testing.assert_allclose(seen[there], whole[there],
                               atol=.1 if joints == [4, 8] else 1e-3)
    assert not seen[~there].any()


@pytest.mark.parametrize('joints', [[1], [0, 20], [4, 12], [1, 0, 4, 12]])
def test_alignment_without_what_it_needs(clip, joints):
    """A body still comes to the origin, about as large as it is."""
    seen = apply([ALIGN], lose(clip, 0, joints)[0])
    there, present = seen.any(-1), clip.any((2, 3))
    assert there[present][:, [5, 9, 14]].all()
    assert not there[:, :, joints].any()
    assert np.isfinite(seen).all()
    assert np.abs(seen[there].mean(0)).max() < 1
    assert .5 < np.linalg.norm(seen[there], axis=-1).mean() < 2.5


def test_alignment_about_the_middle_of_joints(clip):
    seen = apply([dict(ALIGN, center=(12, 16))], clip)
    np.testing.assert_allclose(
        seen[0, :5, [12, 16]].mean((0, 1)), 0, atol=1e-5)


def test_resampling_takes_the_nearest_where_one_end_is_missing(clip):
    frames = clip.shape[1]
    broken, _ = lose(clip, 0, HAND, slice(frames // 2, None))
    seen = apply([dict(type='ResampleFrames', clip_len=4 * frames,
                       test_mode=True)], broken)[0, :, HAND]
    there = seen.any(-1)
    assert there[:2 * frames - 4].all() and not there[2 * frames + 4:].any()
    # No way to the origin in between.
    size = np.linalg.norm(seen[there], axis=-1)
    assert size.min() > .9 * np.linalg.norm(
        clip[0, :frames // 2, HAND], axis=-1).min()


def test_resampling_keeps_the_scores_with_the_joints(clip):
    score = np.linspace(.5, 1, clip.shape[1])[None, :, None].repeat(25, 2)
    done = TRANSFORMS.build(dict(type='ResampleFrames', clip_len=7,
                                 test_mode=True))(
        dict(keypoint=clip, keypoint_score=score))
    assert done['keypoint_score'].shape == (1, 7, 25)
    assert (np.diff(done['keypoint_score'], axis=1) > 0).all()


@pytest.mark.parametrize('vertical', [0, 1, 2])
def test_a_view_turns_about_the_vertical_that_is_named(clip, vertical):
    turned = apply([dict(type='RandomViewpoint3D', turn=90, tilt=0,
                         stretch=0, up=np.eye(3)[vertical])], clip)
    np.testing.assert_allclose(turned[..., vertical], clip[..., vertical],
                               atol=1e-5)
    assert np.abs(turned - clip).max() > .1


@pytest.mark.parametrize('how', [0, np.nan, 'score'])
def test_pictures(how):
    clip = pictures('coco17', actions=[23])[0]
    broken, more = lose(clip, how, 9)
    seen = apply([dict(type='NormalizePicture2D', img_shape=(120, 160)),
                  dict(type='SkeletonFeatures')], broken, **more)
    assert np.isfinite(seen).all() and not seen[:, :, 9].any()
    assert seen[..., :2].any(-1).sum() == seen[..., 0].size - clip.shape[1]


def test_a_crop_does_not_move_what_was_not_seen():
    keypoint = np.float32([[[[0, 0], [30, 40]]]])
    done = PersonCrop(margin=0.).transform(dict(
        imgs=[np.zeros((100, 100, 3), np.uint8)], img_shape=(100, 100),
        frame_inds=np.array([0]), boxes=np.float32([[20, 20, 60, 60]]),
        video_frames=np.array([0]), box_shape=(100, 100),
        keypoint=keypoint))['keypoint']
    np.testing.assert_array_equal(done, [[[[0, 0], [10, 20]]]])


@pytest.mark.parametrize('how', [0, np.nan, 'score'])
def test_events(clip, how):
    """What needs the joint is not known; nothing comes out of nowhere."""
    broken, more = lose(clip, how, NTU.index('left_wrist'),
                        slice(None, None, 2))
    whole = BodyPartEvents('ntu25')(dict(keypoint=clip))['events']
    seen = BodyPartEvents('ntu25')(dict(keypoint=broken, **more))['events']
    assert set(seen[:, 0]) <= set(whole[:, 0])


def test_a_data_set_takes_nan_for_missing(tmp_path):
    clips = made(actions=[1, 6])
    clips[0][0, 3, HAND, 1] = np.nan
    clips[1][:] = np.nan
    samples = [dict(frame_dir=f'clip{i}', label=0, keypoint=k,
                    total_frames=k.shape[1]) for i, k in enumerate(clips)]
    file = tmp_path / 'a.pkl'
    file.write_bytes(pickle.dumps(dict(annotations=samples)))
    dataset = SkeletonDataset(str(file), [], test_mode=True)
    keypoint = dataset[0]['keypoint']
    assert keypoint.dtype == np.float32 and np.isfinite(keypoint).all()
    assert not keypoint[0, 3, HAND].any()
    assert (~keypoint.any(-1)).sum() == (~np.nan_to_num(clips[0]).any(
        -1)).sum() + 1
    with pytest.raises(CorruptSampleError, match='clip1'):
        dataset[1]
