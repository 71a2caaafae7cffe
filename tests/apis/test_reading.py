"""Read files: their own rate comes first, joints find their layout."""
import pickle

import numpy as np
import pytest
from bodies import measured, pictures
from helpers import write_frames

from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.inputs import listed
from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.apis.reading import read_input
from lvlm_var_mm.apis.saving import file_stem
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.layouts import load_layout
from lvlm_var_mm.preparation.custom_skeleton import BODY_25
from lvlm_var_mm.preparation.file_layout import layout_by_shape, layout_of_file

ANY = Wanted(video=False, layout=None, dims=None, persons=2, fps=25.)
WAVE = measured(23)


def test_rate_of_the_clip_then_of_the_user_then_of_the_model(tmp_path):
    np.savez(tmp_path / 'told.npz', keypoint=WAVE, fps=12.)
    np.savez(tmp_path / 'untold.npz', keypoint=WAVE)

    def rates(name, source):
        return [read_input(name, source, ANY, how).fps
                for how in (Reading(), Reading(fps=50.))]

    assert rates('told', tmp_path / 'told.npz') == [12, 12]
    assert rates('untold', tmp_path / 'untold.npz') == [25, 50]
    assert rates('told', dict(keypoint=WAVE, fps=12.)) == [12, 12]
    assert rates('array', WAVE) == [25, 50]


def test_a_rate_that_is_assumed_is_told():
    for source, how, told in ((dict(keypoint=WAVE), Reading(), True),
                              (dict(keypoint=WAVE, fps=12.), Reading(), False),
                              (WAVE, Reading(fps=12.), False)):
        notes = read_input('clip', source, ANY, how).notes
        assert any('25 frames a second are assumed' in n
                   for n in notes) == told


@pytest.mark.parametrize('fps', [-30, float('nan'), 0, 1e9, .01, 'fast'])
def test_a_rate_that_is_none_is_refused_and_the_others_answered(fps, tmp_path):
    file = tmp_path / 'lab.pkl'
    file.write_bytes(pickle.dumps([
        dict(frame_dir=name, keypoint=WAVE, total_frames=WAVE.shape[1],
             fps=rate) for name, rate in (('odd', fps), ('good', '25'))]))
    odd, good = (o.prediction for o in measured_answers(str(file)))
    assert "lab.pkl: sample 'odd' has no usable `fps`" in odd['error']
    assert good['fps'] == 25 and good['events']


def test_a_clip_of_many_in_a_file_is_named(tmp_path):
    file = tmp_path / 'lab.pkl'
    file.write_bytes(pickle.dumps([
        dict(frame_dir='c1', keypoint=WAVE), dict(frame_dir='c2'),
        dict(frame_dir='c3', keypoint=0 * WAVE)]))
    errors = [o.prediction.get('error') for o in measured_answers(str(file))]
    assert errors[0] is None
    assert errors[1].startswith(f'{file}: c2 has `keypoint` of shape ()')
    assert errors[2].startswith(f'{file}: c3 shows nobody')


def test_a_picture_shows_no_motion():
    one = list(measured_answers(WAVE[:, :1], 'ntu60'))[0].prediction
    assert 'class' not in one and not one['events']
    assert 'cannot be told' in one['measured']


def test_what_lies_in_a_folder(tmp_path):
    (tmp_path / 'in/deep').mkdir(parents=True)
    (tmp_path / 'in/empty').mkdir()
    for name in ('in/a.npy', 'in/deep/b.npy'):
        np.save(tmp_path / name, WAVE)
    # A link back, and answers of an earlier run.
    (tmp_path / 'in/deep/self').symlink_to(tmp_path / 'in')
    (tmp_path / 'in/answers').mkdir()
    (tmp_path / 'in/answers/predictions.json').write_text('[]')
    (tmp_path / 'in/MANY.PKL').write_bytes(pickle.dumps([
        dict(frame_dir=name, keypoint=WAVE) for name in 'xy']))
    assert [name for name, _ in listed(tmp_path / 'in')] == [
        'x', 'y', 'a.npy', 'b.npy']
    assert [name for name, _ in listed(tmp_path / 'in/empty')] == ['empty']


def test_many_clips_where_one_is_expected(tmp_path):
    file = tmp_path / 'many.pkl'
    file.write_bytes(pickle.dumps(dict(annotations=[dict(keypoint=WAVE)])))
    with pytest.raises(ValueError, match='holds many clips'):
        layout_of_file(file)


def test_timestamps_of_padding(tmp_path):
    np.savez(tmp_path / 'clip.npz', keypoint=WAVE, total_frames=20,
             timestamps=np.arange(WAVE.shape[1]) / 12)
    clip = read_input('clip', tmp_path / 'clip.npz', ANY, Reading())
    assert clip.frames == 20 and clip.fps == pytest.approx(12)


def test_names_are_not_too_long_for_a_file():
    taken = set()
    names = [file_stem('é' * 300 + str(i), taken) for i in range(2)]
    assert len(set(names)) == 2
    assert all(len(f'{name}.scores.csv'.encode()) < 255 for name in names)


def test_rate_of_a_video(tmp_path):
    write_frames(tmp_path / 'clip.avi', np.zeros((8, 24, 32, 3), 'u1'))
    path, wanted = tmp_path / 'clip.avi', ANY._replace(video=True)
    own = read_input('clip', path, wanted, Reading()).fps
    assert own != 50 and own == read_input('clip', path, wanted,
                                           Reading(fps=50.)).fps


@pytest.fixture
def body25():
    """(1, T, 25, 2): the 18 joints, and seven that are elsewhere."""
    joints, = pictures('openpose18', actions=[23])
    found = np.full((*joints.shape[:2], 25, 2), 7, np.float32)
    found[:, :, BODY_25] = joints
    return found, joints


def test_25_joints_in_a_picture_are_openpose(body25, tmp_path, run_tool):
    found, joints = body25
    how = Reading(img_shape=(120, 160))
    np.save(tmp_path / 'clip.npy', found)
    annotation = dict(keypoint=found, frame_dir='clip',
                      keypoint_score=np.ones(found.shape[:3], 'f4'))
    for source in (found, annotation, tmp_path / 'clip.npy'):
        clip = read_input('clip', source, ANY, how)
        assert clip.layout.name == 'openpose18'
        np.testing.assert_allclose(clip.keypoint, joints, atol=.1)
        assert clip.results['keypoint_score'].shape == joints.shape[:3]
    (tmp_path / 'many.pkl').write_bytes(pickle.dumps([annotation]))
    done = run_tool('show_events.py', tmp_path / 'many.pkl')
    assert done.code == 0, done.err
    assert 'openpose18' in done.out


def test_a_name_that_is_also_a_folder(tmp_path, monkeypatch):
    """The layout of an annotation does not depend on where one stands."""
    monkeypatch.chdir(tmp_path)
    for name in ('clip', 'clip.skeleton'):
        (tmp_path / name).mkdir()
        joints, = pictures('coco17', actions=[23])
        clip = read_input(name, dict(keypoint=joints, frame_dir=name), ANY,
                          Reading(img_shape=(120, 160)))
        assert clip.layout.name == 'coco17'
        assert layout_by_shape(joints.shape, tmp_path / name) == clip.layout
    assert layout_of_file(tmp_path / 'clip').name == 'openpose18'


@pytest.mark.parametrize('ending', ['npy', 'npz', 'pkl'])
@pytest.mark.parametrize('names', ['others', 'as many', 'none'])
def test_a_file_has_the_layout_of_the_model(ending, names, tmp_path):
    """Check files beside arrays: neither has the layout of a sensor with as
    many joints."""
    number = 15 if names == 'others' else 20
    own = load_layout(dict(
        num_node=number, center=0, inward=[(i, 0) for i in range(1, number)],
        **({} if names == 'none' else dict(joints=[
            f'joint {i}' for i in range(number)]))))
    joints = np.random.default_rng(0).normal(size=(1, 9, number, 3)).astype(
        np.float32)
    path = tmp_path / f'clip.{ending}'
    if ending == 'npy':
        np.save(path, joints)
    elif ending == 'npz':
        np.savez(path, keypoint=joints)
    else:
        path.write_bytes(pickle.dumps(dict(keypoint=joints)))
    wanted = ANY._replace(layout=own, dims=3)
    for source in (path, joints):
        clip = read_input('clip', source, wanted, Reading())
        np.testing.assert_array_equal(clip.results['keypoint'], joints)
        assert clip.layout == own
        assert not any('joints' in note for note in clip.notes)
    # The user knows better.
    kinect = Reading(layout=load_layout('kinect20'))
    if names == 'others':
        with pytest.raises(ValueError, match='15 joints'):
            read_input('clip', path, wanted, kinect)
