"""Joints of one layout in another."""
import numpy as np
import pytest
from bodies import in_layout, measured

from lvlm_var_mm.kinematics import observe
from lvlm_var_mm.layouts import LAYOUTS, load_layout
from lvlm_var_mm.pose import convert

WAVE = measured(23)
BLAZE = in_layout(WAVE, 'blazepose33').astype('f4')


@pytest.mark.parametrize('name', ['ntu25', 'kinect20', 'coco17',
                                  'openpose18'])
def test_events_survive(name):
    keypoint, score = convert(BLAZE, None, LAYOUTS['blazepose33'],
                              LAYOUTS[name])
    assert score is None and keypoint.shape[2] == LAYOUTS[name].num_joints
    events = {e.name for e in observe(keypoint, name, up=(0, 1, 0)).events}
    assert {'right hand waves', 'right hand rises'} <= events


def test_joints_of_one_name_are_taken_as_they_are():
    ntu, blaze = LAYOUTS['ntu25'], LAYOUTS['blazepose33']
    keypoint, _ = convert(BLAZE, None, blaze, ntu)
    for name in set(ntu.joints) & set(blaze.joints):
        assert np.array_equal(keypoint[:, :, ntu.index(name)],
                              BLAZE[:, :, blaze.index(name)])
    hips = [blaze.index(f'{s}_hip') for s in ('left', 'right')]
    np.testing.assert_allclose(keypoint[:, :, ntu.index('pelvis')],
                               BLAZE[:, :, hips].mean(2), atol=1e-6)


def test_what_is_missing_stays_missing_and_scores_are_the_least():
    blaze, ntu = LAYOUTS['blazepose33'], LAYOUTS['ntu25']
    keypoint, score = BLAZE.copy(), np.ones(BLAZE.shape[:3], 'f4')
    keypoint[:, :5, blaze.index('left_hip')] = 0
    score[:, :, blaze.index('right_hip')] = .4
    found, scores = convert(keypoint, score, blaze, ntu)
    pelvis = ntu.index('pelvis')
    assert not found[:, :5, pelvis].any() and found[:, 5:, pelvis].any()
    assert not scores[:, :5, pelvis].any()
    assert np.allclose(scores[:, 5:, pelvis], .4)


def test_what_cannot_be_made_is_named():
    arm = load_layout(dict(num_node=2, inward=[(1, 0)], center=0,
                           joints=['left_elbow', 'left_wrist']))
    with pytest.raises(ValueError, match='pelvis.*custom|custom.*pelvis'):
        convert(BLAZE[:, :, :2], None, arm, LAYOUTS['ntu25'])
    same, _ = convert(BLAZE[:, :, :2], None, arm, arm)
    assert same is not None
