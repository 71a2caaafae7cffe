"""Persons are followed, whatever order a frame has them in."""
import numpy as np
import pytest

from lvlm_var_mm.pose.tracks import boxes_of, follow

BODY = np.random.default_rng(0).uniform(0, 40, (17, 2))


def person(x, y=50.):
    return BODY + [x, y]


def frames_of(*paths, order=None):
    """A frame a step, in which each path has its person; None is absent."""
    rng = np.random.default_rng(1)
    frames = []
    for places in zip(*paths):
        there = [person(x) for x in places if x is not None]
        there = [there[i] for i in rng.permutation(len(there))]
        keypoint = np.stack(there) if there else np.zeros((0, 0, 2))
        frames.append((keypoint, np.ones(keypoint.shape[:2])))
    return frames


def places(keypoint):
    """x of each person over time, NaN where it is not seen."""
    x = keypoint[..., 0].mean(-1) - BODY[:, 0].mean()
    return np.where(keypoint.any((-1, -2)), x, np.nan)


def test_two_persons_in_any_order():
    left, right = np.arange(20.) * 2, 200 - np.arange(20.) * 2
    keypoint, score = follow(frames_of(left, right))
    assert keypoint.shape == (2, 20, 17, 2) and (score == 1).all()
    found = places(keypoint)
    expected = [left, right] if found[0, 0] < 50 else [right, left]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_who_is_lost_for_a_moment_is_the_same_person():
    path = [0., 2, 4, None, None, 10, 12, 14]
    keypoint, score = follow(frames_of(path))
    assert len(keypoint) == 1 and not score[0, 3:5].any()
    assert follow(frames_of(path), patience=1)[0].shape[0] == 2


def test_longest_seen_comes_first_and_false_alarms_go():
    short = [None] * 8 + [300.] * 12
    alarm = [900.] + [None] * 19
    keypoint, _ = follow(frames_of(short, np.zeros(20), alarm))
    assert len(keypoint) == 2
    assert np.isnan(places(keypoint)).sum(1).tolist() == [0, 8]


def test_optimal_assignment_beats_the_nearest():
    """Both overlap with the first one's last box; only one way serves all."""
    frames = frames_of([0., 12.], [16., 30.])
    keypoint, _ = follow(frames)
    found = places(keypoint)
    assert sorted(map(tuple, np.round(found))) == [(0, 12), (16, 30)]


def test_nobody():
    keypoint, score = follow([(np.zeros((0, 0, 2)), np.zeros((0, 0)))] * 3)
    assert len(keypoint) == len(score) == 0
    unseen = np.zeros((1, 17, 2)), np.zeros((1, 17))
    assert len(follow([unseen] * 3)[0]) == 0


def test_joints_must_be_of_one_layout():
    with pytest.raises(ValueError, match=r'\[17, 18\]'):
        follow([(np.ones((1, n, 2)), np.ones((1, n))) for n in (17, 18)])


def test_boxes_are_of_what_is_seen():
    keypoint = np.array([[[0, 0], [5, 5], [9, 20]], [[0, 0]] * 3], float)
    box, none = boxes_of(keypoint, np.array([[1, 1, 1], [1, 1, 1.]]))
    assert box.tolist() == [5, 5, 9, 20] and np.isnan(none).all()
