"""Check what a server takes, without the web around it."""
import os
import pickle

import numpy as np
import pytest
from bodies import measured
from helpers import end_process, write_frames

from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.demo import trial
from lvlm_var_mm.demo.answering import Answering
from lvlm_var_mm.demo.limits import Limits, check_upload, endings_of
from lvlm_var_mm.demo.storage import megabytes_in, sweep
from lvlm_var_mm.layouts import load_layout

WAVE = measured(23)
HOW = Reading()


def nothing_wrong(path):
    return None


def answering(folder, ask=measured_answers, trial=nothing_wrong, **over):
    return Answering(ask, folder, Limits(**over), trial)


@pytest.mark.parametrize('name, words', [
    ('a.pkl', 'pickle'), ('a.PICKLE', 'pickle'), ('a.txt', 'ending .txt'),
    ('a', 'ending (none)'), ('a.mp4', '--pose mediapipe')])
def test_kinds_that_are_refused(tmp_path, name, words):
    with pytest.raises(ValueError) as error:
        check_upload(tmp_path / name, endings_of(False), Limits())
    assert words in str(error.value)


def test_what_is_too_large(tmp_path):
    path = tmp_path / 'a.npy'
    np.save(path, WAVE)
    size = path.stat().st_size / 2**20
    check_upload(path, endings_of(False), Limits(megabytes=size))
    with pytest.raises(ValueError, match='larger than'):
        check_upload(path, endings_of(False), Limits(megabytes=size * .99))


def test_limits_are_above_zero():
    assert Limits(1).check() == Limits(1)
    with pytest.raises(ValueError, match='frames'):
        Limits(frames=0).check()


def test_pickles_are_refused_even_where_they_are_trusted(
        tmp_path, monkeypatch):
    monkeypatch.setenv('LVLM_VAR_TRUST_PICKLES', '1')
    ran = tmp_path / 'ran'

    class Hostile:
        def __reduce__(self):
            return os.mkdir, (str(ran), )

    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(Hostile()))
    np.save(tmp_path / 'a.npy', np.array([Hostile()]), allow_pickle=True)
    answer = answering(tmp_path, trial=lambda p: trial.read_within(
        p, Limits(), HOW))
    for name in ('a.pkl', 'a.npy'):
        assert name in answer(str(tmp_path / name)).prediction['error']
    assert not ran.exists()


def test_answer_is_that_of_the_api_and_names_no_folder(tmp_path):
    path = tmp_path / 'wave.npy'
    np.save(path, WAVE)
    said = answering(tmp_path)(str(path)).prediction
    (expected, _), = measured_answers(path)
    assert said == dict(expected, source='wave.npy')
    assert 'waves' in said['measured']


def test_files_for_download(tmp_path):
    path = tmp_path / 'wave.npy'
    np.save(path, WAVE)
    found = answering(tmp_path)(str(path), page=True)
    names = [os.path.basename(f) for f in found.files]
    assert names == ['index.html', 'predictions.json', 'wave.png']
    assert all(os.path.getsize(f) for f in found.files)
    assert 'waves' in found.page and str(tmp_path) not in found.page


def test_bad_files_are_named(tmp_path, unbounded):
    (tmp_path / 'bad.npy').write_text('hello')
    ask = answering(tmp_path, trial=trial_of(Limits()))
    for name, words in (('bad.npy', 'bad.npy'), ('gone.npy', 'upload it')):
        for page in (False, True):
            found = ask(str(tmp_path / name), page)
            error = found.prediction['error']
            assert error.startswith(name) and words in error
            assert str(tmp_path) not in error + found.page
    assert 'choose one' in ask(None).prediction['error']


def trial_of(limits):
    """The trial without its process."""
    def run(path):
        said = []
        trial._try(type('Pipe', (), {'send': said.append}), str(path), limits,
                   HOW)
        return said[0]
    return run


@pytest.fixture
def unbounded(monkeypatch):
    """These tests try in their own process, whose memory must stay free."""
    monkeypatch.setattr(trial, '_bound_memory', lambda megabytes: None)


def test_trial(tmp_path, unbounded):
    np.save(tmp_path / 'a.npy', WAVE)
    write_frames(tmp_path / 'a.avi', np.zeros((8, 24, 32, 3), 'u1'))
    for name in ('a.npy', 'a.avi'):
        assert trial_of(Limits())(tmp_path / name) is None
        said = trial_of(Limits(frames=7))(tmp_path / name)
        assert said.startswith(str(tmp_path / name)) and 'cut it' in said
    said = trial_of(Limits(pixels=100))(tmp_path / 'a.avi')
    assert '32 x 24' in said


def test_trial_in_a_process_of_bounded_memory_and_time(tmp_path):
    """A little file that grows without end, and one that is good."""
    np.savez_compressed(tmp_path / 'bomb.npz', keypoint=np.zeros(
        (1, 200_000, 25, 3)))
    np.save(tmp_path / 'a.npy', WAVE)
    run = trial.Trial(Limits(memory=64), HOW)
    assert run(tmp_path / 'a.npy') is None
    # Joints of the model's own.
    np.save(tmp_path / 'few.npy', WAVE[:, :, :5])
    assert 'shape' in run(tmp_path / 'few.npy')
    run.own = load_layout(dict(num_node=5, center=0, inward=[
        (i, 0) for i in range(1, 5)]))
    assert run(tmp_path / 'few.npy') is None
    said = run(tmp_path / 'bomb.npz')
    assert said.startswith(str(tmp_path / 'bomb.npz')) and 'emory' in said
    assert run(tmp_path / 'a.npy') is None
    run.limits = Limits(seconds=1e-6)
    assert 'longer' in run(tmp_path / 'a.npy')


def test_a_reader_that_crashes_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(trial, '_try', end_process)
    said = trial.Trial(Limits(), HOW)(tmp_path / 'a.npy')
    assert 'a.npy' in said and '7' in said


def test_old_files_go(tmp_path):
    (tmp_path / 'old').mkdir()
    for name in ('old/a', 'new'):
        (tmp_path / name).write_bytes(b'x' * 2**20)
    assert megabytes_in(tmp_path) == 2
    sweep(tmp_path, 60)
    assert (tmp_path / 'old/a').exists()
    sweep(tmp_path, -60)
    assert not list(tmp_path.iterdir())
