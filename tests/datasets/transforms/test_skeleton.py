"""The skeleton transforms: what they change and what they leave."""
import numpy as np
import pytest
from mmcv.transforms import Compose

from mmaction.registry import TRANSFORMS

JOINTS = 25
ALIGN = dict(
    type='AlignSkeleton3D', torso=(0, 20), left_right=[(4, 8), (12, 16)])
LAYOUT = [(1, 0), (2, 1), (3, 1)]  # four joints around joint 0
ANGLES = [0, 37, 90, 180, -120]


def body(persons=2, frames=20, joints=JOINTS, seed=0):
    """The second person leaves after a while."""
    keypoint = np.random.default_rng(seed).normal(
        size=(persons, frames, joints, 3)).astype(np.float32)
    keypoint[1:, frames // 2:] = 0
    return keypoint


def present(keypoint):
    return keypoint.any((-1, -2))


def apply(cfg, keypoint, **cfg_over):
    """One transform, which leaves its input as it is."""
    given = keypoint.copy()
    results = TRANSFORMS.build({**cfg, **cfg_over})(dict(keypoint=given))
    np.testing.assert_array_equal(given, keypoint)
    assert results['keypoint'].dtype == np.float32
    return results['keypoint']


def turned(keypoint, degrees, vertical=1):
    """Everybody who is there, turned about an axis of space."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(3)
    floor = [i for i in range(3) if i != vertical]
    matrix[np.ix_(floor, floor)] = [[cos, -sin], [sin, cos]]
    return (keypoint @ matrix.T).astype(np.float32)


def lengths(keypoint):
    """All distances between joints."""
    return np.linalg.norm(keypoint[:, :, :, None] - keypoint[:, :, None], 2,
                          axis=-1)


# -------------------------------------------------------- AlignSkeleton3D
@pytest.mark.parametrize('vertical', [1, 2])
@pytest.mark.parametrize('degrees', ANGLES)
def test_align_undoes_place_size_and_heading(degrees, vertical):
    keypoint = body()
    moved = 1.7 * turned(keypoint, degrees, vertical) + np.float32([3, -1, 4])
    moved *= present(keypoint)[..., None, None]
    expected = apply(ALIGN, keypoint, up=np.eye(3)[vertical])
    np.testing.assert_allclose(
        apply(ALIGN, moved, up=np.eye(3)[vertical]), expected, atol=1e-4)
    # The vertical is the one direction that is not turned.
    ratio = expected[0, 0, 5] - expected[0, 0, 6]
    given = keypoint[0, 0, 5] - keypoint[0, 0, 6]
    torso = np.linalg.norm(keypoint[0, :, 0] - keypoint[0, :, 20],
                           axis=-1).mean()
    assert ratio[vertical] == pytest.approx(given[vertical] / torso, abs=1e-4)


@pytest.mark.parametrize('degrees', ANGLES)
def test_align_faces_the_camera(degrees):
    aligned = apply(ALIGN, turned(body(), degrees))[0]
    first = aligned[:5]
    across = (first[:, [4, 12]] - first[:, [8, 16]]).mean((0, 1))
    assert across[0] > 0 and across[2] == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(first[:, 1].mean(0), 0, atol=1e-5)
    torso = np.linalg.norm(aligned[:, 0] - aligned[:, 20], axis=-1)
    assert torso.mean() == pytest.approx(1, abs=1e-4)


def test_align_keeps_walking_and_turning():
    still = np.repeat(body(1)[:, :1], 21, 1)
    walking = still.copy()
    walking[0, :, :, 2] += np.linspace(0, 2, 21)[:, None]
    aligned = apply(ALIGN, walking, frames=1)
    torso = np.linalg.norm(still[0, 0, 0] - still[0, 0, 20])
    way = np.linalg.norm(aligned[0, -1] - aligned[0, 0], axis=-1)
    np.testing.assert_allclose(way, 2 / torso, rtol=1e-4)
    turning = np.stack([turned(still[0, t], 9 * t) for t in range(21)])[None]
    aligned = apply(ALIGN, turning, frames=1)[0]
    across = aligned[:, 4] - aligned[:, 8] + aligned[:, 12] - aligned[:, 16]
    # From facing the camera to facing away.
    np.testing.assert_allclose(across[-1, [0, 2]], -across[0, [0, 2]],
                               atol=1e-4)


def test_align_keeps_persons_apart():
    keypoint = body()
    aligned = apply(ALIGN, keypoint)
    np.testing.assert_array_equal(present(aligned), present(keypoint))
    torso = np.linalg.norm(keypoint[0, :, 0] - keypoint[0, :, 20],
                           axis=-1).mean()
    apart = [np.linalg.norm(k[0, :10] - k[1, :10], axis=-1)
             for k in (keypoint, aligned)]
    np.testing.assert_allclose(apart[1], apart[0] / torso, rtol=1e-3)


def test_align_waits_for_the_first_person():
    keypoint = body(1)
    late = np.concatenate([np.zeros_like(keypoint), keypoint], 1)
    aligned = apply(ALIGN, late)
    assert not aligned[:, :20].any()
    np.testing.assert_allclose(aligned[:, 20:], apply(ALIGN, keypoint),
                               atol=1e-5)
    nobody = np.zeros_like(keypoint)
    np.testing.assert_array_equal(apply(ALIGN, nobody), nobody)
    # All joints in one place: no size, no heading, and no division by them.
    assert np.isfinite(apply(ALIGN, nobody + 1)).all()


@pytest.mark.parametrize('cfg', [ALIGN, dict(type='CenterSkeleton3D',
                                             center=1)])
def test_who_is_absent_is_not_aligned_to(cfg):
    """Persons by number, or a window that the first has left."""
    person = body(1) + np.float32(5)
    nobody = np.zeros_like(person)
    alone, after = (apply(cfg, np.concatenate(persons))
                    for persons in ([person], [nobody, nobody, person]))
    assert not np.allclose(alone, person)
    np.testing.assert_array_equal(after[2], alone[0])
    assert not after[:2].any()


def test_align_without_names_of_joints():
    keypoint = body()
    free = dict(ALIGN, center=2, torso=None, left_right=None)
    aligned = apply(free, keypoint)
    # Size and place are gone, the heading stays.
    np.testing.assert_allclose(
        apply(free, 7 * (keypoint + 3 * present(keypoint)[..., None, None])),
        aligned, atol=1e-4)
    np.testing.assert_allclose(apply(free, turned(keypoint, 40)),
                               turned(aligned, 40), atol=1e-4)
    np.testing.assert_allclose(aligned[0, :5, 2].mean(0), 0, atol=1e-5)
    spread = aligned[0] - aligned[0, :, 2:3]
    assert np.linalg.norm(spread, axis=-1).mean() == pytest.approx(1, 1e-4)


# ------------------------------------------------------ NormalizePicture2D
def test_picture():
    keypoint = np.zeros((1, 1, 4, 2), np.float32)
    keypoint[0, 0, :3] = (60, 100), (120, 200), (0, 50)
    given = keypoint.copy()
    done = TRANSFORMS.build(dict(type='NormalizePicture2D'))(
        dict(keypoint=keypoint, img_shape=(200, 120)))['keypoint']
    # What was not seen, the last, stays zero; the edge of the picture counts.
    np.testing.assert_allclose(
        done[0, 0], [(0, 0), (1, 1), (-1, -.5), (0, 0)], atol=1e-5)
    # The middle of the picture is not what was not seen.
    assert done[0, 0, 0].all() and not done[0, 0, 3].any()
    np.testing.assert_array_equal(keypoint, given)


# ------------------------------------------------------ RandomViewpoint3D
VIEW = dict(type='RandomViewpoint3D')


def test_viewpoint_of_nothing():
    keypoint = body()
    same = apply(VIEW, keypoint, turn=0, tilt=0, stretch=0)
    np.testing.assert_allclose(same, keypoint, atol=1e-6)


@pytest.mark.parametrize('turn, tilt', [(180, 0), (0, 90), (180, 90)])
def test_viewpoint_keeps_lengths(turn, tilt):
    keypoint = body()
    seen = apply(VIEW, keypoint, turn=turn, tilt=tilt, stretch=0)
    assert np.abs(seen - keypoint).max() > 1e-3
    np.testing.assert_allclose(lengths(seen), lengths(keypoint), atol=1e-4)
    if not tilt:  # who turns does not rise
        np.testing.assert_allclose(seen[..., 1], keypoint[..., 1], atol=1e-6)
    if not turn:
        np.testing.assert_allclose(seen[..., 0], keypoint[..., 0], atol=1e-6)
    np.testing.assert_array_equal(present(seen), present(keypoint))


def test_viewpoint_stretches_axes():
    keypoint, sizes = body(1), []
    for _ in range(50):
        seen = apply(VIEW, keypoint, turn=0, tilt=0, stretch=0.2)
        ratio = seen / keypoint
        np.testing.assert_allclose(ratio, ratio[:, :1, :1] + 0 * ratio,
                                   rtol=1e-3)
        sizes.append(ratio[0, 0, 0])
    sizes = np.array(sizes)
    assert 0.79 < sizes.min() < 0.9 and 1.1 < sizes.max() < 1.21
    assert np.ptp(sizes, axis=1).min() > 0  # each axis for itself


def test_viewpoint_stays_in_its_range():
    keypoint = np.zeros((1, 1, 2, 3), np.float32)
    keypoint[..., 0, 0] = keypoint[..., 1, 1] = 1
    turns, tilts = [], []
    for _ in range(200):
        seen = apply(VIEW, keypoint, turn=30, tilt=0, stretch=0)[0, 0, 0]
        turns.append(np.rad2deg(np.arctan2(-seen[2], seen[0])))
        seen = apply(VIEW, keypoint, turn=0, tilt=15, stretch=0)[0, 0, 1]
        tilts.append(np.rad2deg(np.arctan2(seen[2], seen[1])))
    for angles, limit in ((turns, 30), (tilts, 15)):
        assert -limit - 0.01 < min(angles) < -limit / 2
        assert limit / 2 < max(angles) < limit + 0.01


# ------------------------------------------------------- SkeletonFeatures
FEATURES = dict(type='SkeletonFeatures', inward=LAYOUT)


def test_features():
    keypoint = body(1, 5, 4)
    j, b, jm, bm = np.split(
        apply(FEATURES, keypoint, feats=['j', 'b', 'jm', 'bm'],
              motion_scale=3), 4, axis=-1)
    np.testing.assert_array_equal(j, keypoint)
    assert not b[:, :, 0].any()  # the centre hangs on nothing
    for outer, inner in LAYOUT:
        np.testing.assert_array_equal(
            b[:, :, outer], keypoint[:, :, outer] - keypoint[:, :, inner])
    for moving, still in ((jm, j), (bm, b)):
        np.testing.assert_allclose(
            moving[:, :-1], 3 * (still[:, 1:] - still[:, :-1]), rtol=1e-5)
        assert not moving[:, -1].any()


def test_features_come_in_the_order_asked_for():
    keypoint = body(1, 5, 4)
    jm, j = np.split(apply(FEATURES, keypoint, feats=['jm', 'j']), 2, -1)
    np.testing.assert_array_equal(j, keypoint)
    assert not jm[:, -1].any() and jm[:, 0].any()


@pytest.mark.parametrize('feats', [['jm'], ['bm']])
def test_to_leave_is_no_motion(feats):
    keypoint = body(2, 10, 4)
    motion = apply(FEATURES, keypoint, feats=feats)
    there = present(keypoint)
    np.testing.assert_array_equal(
        present(motion)[:, :-1], there[:, :-1] & there[:, 1:])


def test_motion_ends_with_each_view():
    keypoint = body(1, 12, 4)
    feats = TRANSFORMS.build(dict(FEATURES, feats=['jm', 'bm']))
    together = feats(dict(keypoint=keypoint, clip_len=4, num_clips=3))
    np.testing.assert_array_equal(together['keypoint'], np.concatenate([
        feats(dict(keypoint=view, clip_len=4, num_clips=1))['keypoint']
        for view in np.split(keypoint, 3, axis=1)], axis=1))


@pytest.mark.parametrize('over, words', [
    (dict(feats=['j', 'm']), "'m'.*j, b, jm and bm"),
    (dict(feats=['b'], inward=None), '`inward`'),
    (dict(feats=['bm'], inward=None), '`inward`'),
    (dict(feats=['b'], inward=[(0, 1), (0, 2), (0, 3)]),
     'joint 0 has more than one')])
def test_features_that_are_not(over, words):
    with pytest.raises(ValueError, match=words):
        TRANSFORMS.build({**FEATURES, **over})


# -------------------------------------------------------- stock pipelines
RESAMPLE = dict(type='ResampleFrames')


@pytest.mark.parametrize('transforms, frames, channels', [
    ([ALIGN], 20, 3), ([VIEW], 20, 3), ([dict(RESAMPLE, clip_len=8)], 8, 3),
    ([dict(type='SkeletonFeatures')], 20, 6),
    # Between those of MMAction2.
    ([dict(type='PreNormalize3D'), VIEW,
      dict(type='GenSkeFeat', feats=['b']),
      dict(type='UniformSampleFrames', clip_len=12),
      dict(type='PoseDecode')], 12, 3),
    ([ALIGN, dict(RESAMPLE, clip_len=8), VIEW,
      dict(type='SkeletonFeatures', feats=['j', 'jm'])], 8, 6)])
@pytest.mark.parametrize('persons', [1, 2])
def test_stock_pipeline(transforms, frames, channels, persons):
    pipeline = Compose([TRANSFORMS.build(cfg) for cfg in (
        *transforms, dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs'))])
    packed = pipeline(dict(keypoint=body(persons), total_frames=20, label=3,
                           start_index=0))
    assert packed['inputs'].shape == (1, 2, frames, JOINTS, channels)
    assert packed['data_samples'].gt_label.item() == 3
    assert bool(packed['inputs'][0, 1].any()) == (persons == 2)


@pytest.mark.parametrize('name', ['AlignSkeleton3D', 'RandomViewpoint3D'])
def test_the_old_name_of_up(name):
    new = TRANSFORMS.build(dict(type=name, up=(0, 0, -1)))
    with pytest.warns(DeprecationWarning, match=f'`vertical` of {name} is '
                      'now `up`'):
        old = TRANSFORMS.build(dict(type=name, vertical=2))
    for key, value in vars(old).items():
        np.testing.assert_array_equal(value, vars(new)[key])
