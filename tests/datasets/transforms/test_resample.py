"""Frames of a clip, resampled to a fixed number."""
import numpy as np
import pytest
from bodies import made

from mmaction.registry import TRANSFORMS

RESAMPLE = dict(type='ResampleFrames')


def apply(cfg, keypoint, **more):
    return TRANSFORMS.build(dict(cfg, **more))(
        dict(keypoint=keypoint.copy()))['keypoint']


def ramp(frames, joints=2):
    """Everything equals the time, counted from 1."""
    time = np.arange(1, frames + 1, dtype=np.float32)
    return np.broadcast_to(time[None, :, None, None],
                           (1, frames, joints, 3)).copy()


@pytest.mark.parametrize('frames', [1, 2, 7, 20, 90])
@pytest.mark.parametrize('clip_len', [1, 8, 48])
def test_resample_is_linear(frames, clip_len):
    keypoint = apply(RESAMPLE, ramp(frames), clip_len=clip_len,
                     test_mode=True)
    assert keypoint.shape == (1, clip_len, 2, 3)
    np.testing.assert_allclose(
        keypoint[0, :, 0, 0], np.linspace(1, frames, clip_len), rtol=1e-5)


def test_resample_takes_the_middle_in_testing():
    cfg = dict(clip_len=5, part=(0.2, 0.5), test_mode=True)
    keypoint = apply(RESAMPLE, ramp(21), **cfg)
    np.testing.assert_allclose(keypoint[0, :, 0, 0], [6, 8.5, 11, 13.5, 16])
    for _ in range(3):
        np.testing.assert_array_equal(apply(RESAMPLE, ramp(21), **cfg),
                                      keypoint)


def test_resample_takes_a_random_part_in_training():
    spans, starts = [], []
    for _ in range(300):
        keypoint = apply(RESAMPLE, ramp(101), clip_len=8, part=(0.5, 0.8))
        time = keypoint[0, :, 0, 0] - 1
        np.testing.assert_allclose(np.diff(time, 2), 0, atol=1e-3)
        assert -1e-4 <= time[0] and time[-1] <= 100 + 1e-4
        spans.append(time[-1] - time[0])
        starts.append(time[0])
    assert 49.9 < min(spans) < 55 and 75 < max(spans) < 80.1
    assert min(starts) < 5 and max(starts) > 30


def test_resample_does_not_blend_with_nobody():
    keypoint = np.ones((2, 10, 4, 3), np.float32)
    keypoint[1, 5:] = 0
    new = apply(RESAMPLE, keypoint, clip_len=37, test_mode=True)
    assert set(np.unique(new)) == {0, 1}
    assert new[0].all()
    # There for the first half of the ten frames, gone for the second.
    np.testing.assert_array_equal(new[1].any((-1, -2)), np.arange(37) < 18)


def test_resample_tells_the_stock_transforms():
    results = TRANSFORMS.build(dict(RESAMPLE, clip_len=6))(
        dict(keypoint=ramp(9), total_frames=9))
    assert [results[k] for k in ('total_frames', 'clip_len', 'num_clips')
            ] == [6, 6, 1]


@pytest.mark.parametrize('lost', [[3], [10, 11, 12], [0, 1], [38, 39],
                                  list(range(1, 39, 2))])
def test_frames_that_show_nobody_are_bridged(lost):
    whole = apply(RESAMPLE, ramp(40), clip_len=157, test_mode=True)
    keypoint = ramp(40)
    keypoint[:, lost] = 0
    seen = apply(RESAMPLE, keypoint, clip_len=157, test_mode=True)
    known = np.setdiff1d(np.arange(40), lost) + 1
    np.testing.assert_allclose(seen, whole.clip(known[0], known[-1]),
                               rtol=1e-5)


def test_a_clip_that_lost_frames_is_hardly_another():
    clip = made(actions=[24])[0]
    lost = TRANSFORMS.build(dict(type='LoseFrames', ratio=.3))(
        dict(keypoint=clip.copy()))['keypoint']
    assert (~lost.any((0, 2, 3))).mean() > .25
    whole, seen = (apply(RESAMPLE, k, clip_len=48, test_mode=True)
                   for k in (clip, lost))
    distance = np.linalg.norm(seen - whole, axis=-1)[0]
    assert distance.mean() < .02 and distance.max() < .3  # metres


def test_a_frame_that_shows_one_of_two_is_read():
    keypoint = np.stack([ramp(9)[0], ramp(9)[0]])
    keypoint[0, 4], keypoint[:, 6] = 0, 0
    seen = apply(RESAMPLE, keypoint, clip_len=9, test_mode=True)
    assert not seen[0, 4].any()
    np.testing.assert_allclose(seen[1, :, 0, 0], np.arange(1, 10), rtol=1e-5)


def test_a_clip_of_nobody():
    keypoint = np.zeros((1, 9, 2, 3), np.float32)
    assert apply(RESAMPLE, keypoint, clip_len=5).shape == (1, 5, 2, 3)
