"""Results of pose estimators, in the forms that they are written in."""
import json

import numpy as np
import pytest
from bodies import pictures

from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.pose import read_results
from lvlm_var_mm.preparation.custom_skeleton import read_clip
from lvlm_var_mm.preparation.file_layout import layout_of_file

CLIP, = pictures('coco17', actions=[23])
SCORE = np.linspace(.5, 1, CLIP[..., 0].size).reshape(CLIP.shape[:3])


def instances(joints=17):
    """As MMPose writes them, frame by frame."""
    frames = []
    for t in range(CLIP.shape[1]):
        points = np.pad(CLIP[0, t], ((0, joints - 17), (0, 0)), 'edge')
        score = np.pad(SCORE[0, t], (0, joints - 17), 'edge')
        frames.append(dict(frame_id=t + 1, instances=[dict(
            keypoints=points.tolist(), keypoint_scores=score.tolist(),
            bbox=[[0, 0, 9, 9]], bbox_score=1.)]))
    return frames


FORMS = dict(
    mmpose=instances(), demo=dict(meta_info={}, instance_info=instances()),
    wholebody=instances(133), halpe=instances(26),
    rtmlib=[dict(keypoints=k.tolist(), scores=s.tolist()) for k, s in zip(
        CLIP.swapaxes(0, 1), SCORE.swapaxes(0, 1))],
    pairs=[[k.tolist(), s.tolist()] for k, s in zip(
        CLIP.swapaxes(0, 1), SCORE.swapaxes(0, 1))])


@pytest.mark.parametrize('form', FORMS)
def test_forms(tmp_path, form):
    path = tmp_path / 'clip.json'
    path.write_text(json.dumps(FORMS[form]))
    found = read_results(path)
    np.testing.assert_allclose(found['keypoint'], CLIP, atol=1e-4)
    np.testing.assert_allclose(found['keypoint_score'], SCORE, atol=1e-4)
    assert layout_of_file(path) == LAYOUTS['coco17']
    clip = read_clip(path, LAYOUTS['coco17'], img_shape=(120, 160))
    np.testing.assert_allclose(clip['keypoint'], CLIP, atol=1e-4)


def test_frames_that_show_nobody_are_left_out_or_empty(tmp_path):
    frames = instances()
    path = tmp_path / 'clip.json'
    path.write_text(json.dumps(frames[:5] + frames[8:][::-1]))
    found = read_results(path)
    assert found['keypoint'].shape == CLIP.shape
    assert not found['keypoint_score'][0, 5:8].any()
    np.testing.assert_allclose(found['keypoint'][0, 8:], CLIP[0, 8:],
                               atol=1e-4)


@pytest.mark.parametrize('content, words', [
    ('{}', 'MMPose'), ('[]', 'MMPose'), ('[1]', 'frame 0'),
    ('[{"frame_id": 0, "instances": [{"keypoints": [[1, 2]]}]}]',
     'keypoint_scores'),
    ('[{"keypoints": [[1, 2]], "scores": [1]}]', 'shape'),
    ('[{"frame_id": 0, "instances": []}]', 'nobody'),
    (json.dumps([dict(frame_id=i, instances=[]) for i in (0, 10**9)]),
     'frame_id')])
def test_anything_else_is_refused(tmp_path, content, words):
    path = tmp_path / 'clip.json'
    path.write_text(content)
    with pytest.raises(ValueError, match=words):
        read_results(path)
