"""Landmarks become clips; nothing here needs MediaPipe but the last test."""
import numpy as np
import pytest
from bodies import body, in_layout, measured
from helpers import turn, write_frames

from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.measuring import ANY
from lvlm_var_mm.apis.reading import ONE_PERSON, read_clips
from lvlm_var_mm.kinematics import describe, observe
from lvlm_var_mm.pose import blazepose
from lvlm_var_mm.pose.blazepose import (Landmarks, in_picture, in_space,
                                        inside, stack)

SCALE = 200.  # pixels a metre


def landmarks(keypoint):
    """What BlazePose would say of a body (1, T, 25, 3), y up."""
    joints = in_layout(keypoint, 'blazepose33')[0] * [1, -1, -1]
    hips = [blazepose.LAYOUT.index(f'{s}_hip') for s in ('left', 'right')]
    root = joints[:, hips].mean(1, keepdims=True)
    pixels = 320 + SCALE * joints[..., :2]
    return Landmarks((joints - root).astype('f4'), pixels.astype('f4'),
                     np.ones(joints.shape[:2], 'f4'))


def test_events_are_those_of_the_body():
    clip = in_space(landmarks(measured(23)))
    told = describe(observe(clip['keypoint'], 'blazepose33',
                            up=(0, 1, 0)).events)
    assert 'waves' in told


def test_hips_go_where_they_go_in_the_picture():
    """World landmarks alone would stay at the hips."""
    jump = measured(26)
    clip = in_space(landmarks(jump))['keypoint']
    hip = blazepose.LAYOUT.index('left_hip')
    height = jump[0, :, 12, 1] - jump[0, 0, 12, 1]
    np.testing.assert_allclose(
        clip[0, :, hip, 1] - clip[0, 0, hip, 1], height, atol=.03)


def test_what_is_hidden_is_missing():
    seen = landmarks(body())
    visible = seen.visible.copy()
    visible[:10], visible[:, 15] = 0, .1
    seen = seen._replace(visible=visible)
    clip = in_space(seen)
    assert not clip['keypoint'][0, :10].any()
    assert not clip['keypoint'][0, :, 15].any()
    assert clip['keypoint'][0, 10:, 16].any(-1).all()
    clip = in_picture(seen)
    assert np.array_equal(clip['keypoint_score'][0], visible)
    assert clip['keypoint'][0, 10:, 15].any()  # how sure is told by the score


def test_what_is_outside_the_picture_is_not_seen():
    pixels = np.full((33, 2), 8., 'f4')
    pixels[:5] = [[-1, 8], [8, -.1], [32, 8], [8, 16], [0, 0]]
    found = inside(Landmarks(np.ones((33, 3), 'f4'), pixels,
                             np.full(33, .9, 'f4')), (32, 16))
    assert found.visible[:5].tolist() == pytest.approx([0, 0, 0, 0, .9])
    assert (found.visible[5:] == np.float32(.9)).all()


def test_frames_are_stacked():
    one = Landmarks(np.zeros((33, 3)), np.zeros((33, 2)), np.zeros(33))
    assert [x.shape for x in stack([one] * 4)] == [
        (4, 33, 3), (4, 33, 2), (4, 33)]


@pytest.mark.parametrize('side', [640, 32])
def test_videos_of_a_phone_are_upright(tmp_path, monkeypatch, side):
    """Turned by what the file says, and pixels are those of the video."""
    path = tmp_path / 'phone.mp4'
    frames = np.zeros((10, 32, 64, 3), 'u1')
    frames[:, :, :32] = 255
    write_frames(path, frames, codec='mp4v')
    turn(path, 32)
    shapes = []

    def look(frames):
        for frame in frames:
            shapes.append(frame.shape[:2])
            assert frame[:4].mean() > 200 and frame[-4:].mean() < 50
            yield Landmarks(np.zeros((33, 3)), np.full((33, 2), 8.),
                            np.ones(33))

    monkeypatch.setattr(blazepose, 'look', look)
    monkeypatch.setattr(blazepose, 'SIDE', side)
    found = list(blazepose.look_at_video(str(path)))
    scale = min(1, side / 64)
    assert shapes == [(64 * scale, 32 * scale)] * 10
    assert found[0].pixels[0, 0] == 8 / scale


def test_a_video_has_one_person_drawn_over_it(tmp_path, monkeypatch):
    path = tmp_path / 'clip.avi'
    write_frames(path, np.zeros((48, 64, 64, 3), 'u1'))
    seen = landmarks(measured(23))
    seen = seen._replace(visible=seen.visible * (np.arange(33) != 15))
    monkeypatch.setattr(blazepose, 'look_at_video', lambda path: (
        Landmarks(*frame) for frame in zip(*seen)))
    prediction, (clip, ) = read_clips(
        'clip.avi', path, ANY, Reading(pose='mediapipe', persons='each'))
    assert ONE_PERSON in prediction['notes']
    joints, layout = clip.in_picture
    assert joints.shape == (1, 48, 33, 2) and layout is blazepose.LAYOUT
    np.testing.assert_array_equal(joints[0, :, 16], seen.pixels[:, 16])
    assert not joints[0, :, 15].any()
    prediction, _ = read_clips('clip.avi', path, ANY, Reading(
        pose='mediapipe'))
    assert 'notes' not in prediction


def test_a_model_of_pictures_answers_for_all(tmp_path):
    path = tmp_path / 'clip.avi'
    write_frames(path, np.zeros((8, 64, 64, 3), 'u1'))
    prediction, clips = read_clips('clip.avi', path, ANY._replace(
        video=True), Reading(persons='each'))
    assert len(clips) == 1 and 'one answer for all' in prediction['notes'][0]


def test_without_mediapipe_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(blazepose, 'available', lambda: False)
    with pytest.raises(ImportError, match=r'\[pose\]'):
        next(blazepose.look([np.zeros((8, 8, 3), 'u1')]))


@pytest.mark.skipif(not blazepose.available(), reason='extra `pose`')
def test_an_empty_picture_shows_nobody():
    found = list(blazepose.look([np.zeros((64, 64, 3), 'u1')] * 2))
    assert len(found) == 2 and not any(f.visible.any() for f in found)
