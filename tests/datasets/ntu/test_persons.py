"""Real persons among the bodies of a recording."""
import numpy as np
import pytest

from lvlm_var_mm.datasets.ntu.persons import real_persons

FRAMES = 60


def body(motion, place=(0, 0, 3), wide=False, seed=0):
    """Joints (60, 25, 3) of a standing body that sways about a place."""
    rng = np.random.default_rng(seed)
    shape = rng.uniform(-.5, .5, (25, 3)) * (
        [1.8, .6, .3] if wide else [.6, 1.8, .3])
    sway = motion * np.sin(np.arange(FRAMES) / 5)[:, None, None]
    return (np.float32(place) + shape + sway).astype(np.float32)


def recording(*bodies_and_frames):
    """Bodies, each with the frames that show it."""
    shape = len(bodies_and_frames), FRAMES
    keypoint = np.zeros((*shape, 25, 3), np.float32)
    color = np.zeros((*shape, 25, 2), np.float32)
    present = np.zeros(shape, bool)
    for m, (joints, frames) in enumerate(bodies_and_frames):
        frames = np.arange(FRAMES)[frames]
        keypoint[m, frames] = joints[frames]
        color[m, frames] = 100 * m + 10 + joints[frames, :, :2]
        present[m, frames] = True
    return dict(keypoint=keypoint, color=color, present=present)


ALL = slice(None)


def test_most_motion_first():
    made = recording((body(.1), ALL), (body(.3, seed=1), ALL),
                     (body(.2, seed=2), ALL))
    kept = real_persons(made)
    np.testing.assert_array_equal(kept['keypoint'], made['keypoint'][[1, 2]])
    assert kept['keypoint'].dtype == np.float32
    assert kept['total_frames'] == FRAMES
    assert len(real_persons(made, 1)['keypoint']) == 1
    assert len(real_persons(made, 5)['keypoint']) == 3
    with pytest.raises(ValueError, match='max_persons'):
        real_persons(made, 0)


def test_short_bodies_are_noise():
    made = recording((body(.1), ALL), (body(5.), slice(0, 11)),
                     (body(.5, seed=1), slice(0, 12)))
    np.testing.assert_array_equal(
        real_persons(made)['keypoint'], made['keypoint'][[2, 0]])
    # Not if nothing else remains.
    alone = real_persons(recording((body(.1), slice(0, 5))))
    assert alone['keypoint'].shape == (1, 5, 25, 3)


def test_wide_bodies_are_furniture():
    person, sofa = (body(.1), ALL), (body(2., wide=True), ALL)
    kept = real_persons(recording(sofa, person))['keypoint']
    np.testing.assert_array_equal(kept[0], person[0])
    assert len(kept) == 1
    # Who lies on the floor is no furniture: nobody else is there.
    assert len(real_persons(recording(sofa))['keypoint']) == 1


def test_a_person_found_again_is_the_same():
    one, other = body(.3), body(.2, place=(1.5, 0, 3), seed=1)
    made = recording((other, ALL), (one, slice(0, 25)), (one, slice(30, 60)))
    kept = real_persons(made)['keypoint']
    assert kept.shape == (2, FRAMES, 25, 3)
    gap = np.r_[25:30]
    np.testing.assert_array_equal(np.delete(kept[0], gap, 0),
                                  np.delete(one, gap, 0))
    assert not kept[0, gap].any()
    np.testing.assert_array_equal(kept[1], other)


def test_who_appears_elsewhere_is_another():
    one, other = body(.3), body(.2, place=(1.5, 0, 3), seed=1)
    made = recording((one, slice(0, 25)), (other, slice(30, 60)))
    kept = real_persons(made)
    assert len(kept['keypoint']) == 2
    # Frames that show nobody are taken out, and which ones is kept.
    assert kept['total_frames'] == 55
    np.testing.assert_array_equal(kept['video_frames'],
                                  np.r_[0:25, 30:60])


def test_boxes_hold_the_kept_persons():
    made = recording((body(.3), ALL), (body(9.), slice(0, 5)))
    made['color'][0, 3] = np.nan  # no joint of this frame has a pixel
    made['color'][0, 4, 1:] = np.nan
    kept = real_persons(made)
    assert kept['boxes'].shape == (FRAMES, 4)
    low, high = made['color'][0].min(1), made['color'][0].max(1)
    rest = np.r_[0:3, 5:FRAMES]
    np.testing.assert_array_equal(kept['boxes'][rest],
                                  np.concatenate([low, high], 1)[rest])
    assert np.isnan(kept['boxes'][3]).all()
    np.testing.assert_array_equal(kept['boxes'][4],
                                  np.tile(made['color'][0, 4, 0], 2))
