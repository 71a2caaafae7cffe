"""The command-line way to live answers."""
import json

import cv2
import numpy as np
import pytest
from bodies import measured
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.live import Live, display


@pytest.fixture(scope='module')
def files(tiny_llava, tmp_path_factory):
    folder = tmp_path_factory.mktemp('stream')
    cfg = inference_config(tiny_llava)
    day = np.concatenate([measured(a)[:, :40] for a in (8, 23)], 1)
    checkpoint = write_checkpoint(cfg, folder / 'model.pth', [
        dict(keypoint=day[:, :40]), dict(keypoint=day[:, 40:])])
    cfg.dump(folder / 'config.py')
    np.save(folder / 'day.npy', day)
    return folder, ('--config', folder / 'config.py', '--checkpoint',
                    checkpoint, '--device', 'cpu')


def rows_of(said):
    return [json.loads(line) for line in said.out.splitlines()
            if line.startswith('{')]


def test_lines_are_those_of_infer(files, run_tool, tmp_path):
    folder, model = files
    said = run_tool('stream.py', folder / 'day.npy', *model, '--json',
                    '--fast', '--window', 1, '--every', .5)
    assert said.code == 0, said.err
    found = [json.loads(line) for line in said.out.splitlines()]
    assert said.err.splitlines()[-1].startswith(
        '80 frames, 0 skipped; 5 answers, 0 windows skipped; 0 reconnects; ')
    day = np.load(folder / 'day.npy')
    starts = 0, 15, 30, 45, 60
    for start in starts:
        np.save(tmp_path / f'{start:02}.npy', day[:, start:start + 30])
    expected = rows_of(run_tool('infer.py', tmp_path, *model, '--json',
                                '--no-reason'))
    assert len(found) == len(expected) == 5
    for start, one, other in zip(starts, found, expected):
        assert one['start'] == start / 30
        assert one['score'] == pytest.approx(other['score'], abs=1e-4)
        for key in ('class', 'narrative', 'measured'):
            assert one[key] == other[key]
        assert one['latency_ms'] > 0 and 'events' not in one


def test_each_person_of_a_file_of_joints(files, run_tool, tmp_path):
    folder, model = files
    day = np.load(folder / 'day.npy')
    pair = np.concatenate([day, day + np.float32([1, 0, 0])])
    pair[1, :30] = 0  # comes late, and is the second all the same
    np.save(tmp_path / 'pair.npy', pair)
    said = run_tool('stream.py', tmp_path / 'pair.npy', *model, '--json',
                    '--fast', '--window', 1, '--every', 1, '--persons', 'each')
    assert said.code == 0, said.err
    found = rows_of(said)
    assert [[p['person'] for p in row['persons']] for row in found] == [
        [0], [0, 1], [0, 1]]
    alone = rows_of(run_tool(
        'stream.py', folder / 'day.npy', *model, '--json', '--fast',
        '--window', 1, '--every', 1))
    for row, one in zip(found, alone):
        first = row['persons'][0]
        assert first['score'] == pytest.approx(one['score'], abs=1e-4)
        assert first['measured'] == one['measured']
        assert 'class' in first and 'class' not in row


def test_reasons_on_request(files, run_tool):
    folder, model = files
    said = run_tool('stream.py', folder / 'day.npy', *model, '--json',
                    '--fast', '--every', 2, '--reason', '--verify')
    assert said.code == 0, said.err
    for row in rows_of(said):
        assert isinstance(row['reason'], str) and 'claims' in row
        assert not [c for c in row['claims'] if c['true'] is False]


def test_what_the_joints_say(files, run_tool):
    folder, _ = files
    said = run_tool('stream.py', folder / 'day.npy', '--json', '--fast')
    assert said.code == 0, said.err
    assert any('waves' in row['measured'] for row in rows_of(said))


def test_ctrl_c_ends_it_with_a_summary(files, run_tool, monkeypatch):
    folder, _ = files
    wait, given = Live.next, []

    def interrupted(live, timeout):
        answer = wait(live, timeout)
        given.append(live)
        if answer is not None and answer['end'] > 3:
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(Live, 'next', interrupted)
    said = run_tool('stream.py', folder / 'day.npy', '--json', '--loop',
                    '--fast', '--window', .5)
    assert said.code == 130 and rows_of(said)
    assert ' skipped; ' in said.err.splitlines()[-1]
    assert not any(thread.is_alive() for thread in given[0]._threads)


def test_a_window_is_shown_and_closed(files, run_tool, monkeypatch):
    folder, _ = files
    shown = []
    monkeypatch.setattr(display, 'no_window', lambda: None)
    monkeypatch.setattr(cv2, 'imshow', lambda name, img: shown.append(img))
    monkeypatch.setattr(cv2, 'waitKey', lambda ms: (
        ord('q') if len(shown) > 2 else -1))
    monkeypatch.setattr(cv2, 'getWindowProperty', lambda *args: 1.)
    monkeypatch.setattr(cv2, 'destroyAllWindows', lambda: None)
    said = run_tool('stream.py', folder / 'day.npy', '--loop')
    assert said.code == 0, said.err
    assert len(shown) == 3 and shown[0].shape == (432, 432, 3)


def test_without_a_display_lines_follow(files, run_tool, monkeypatch):
    folder, _ = files
    monkeypatch.setattr(display, 'no_window', lambda: 'there is no display')
    said = run_tool('stream.py', folder / 'day.npy', '--fast')
    assert said.code == 0 and rows_of(said)
    assert 'no window: there is no display' in said.err


@pytest.mark.parametrize('arguments, words', [
    (('nowhere.npy', ), 'no file nowhere.npy'),
    (('0', ), 'camera 0 is a video, and the model reads joints'),
    (('day.npy', '--config', 'lvlmvar_quickstart'), 'go together'),
    (('day.npy', '--verify'), 'give --reason'),
    (('day.npy', '--reason'), '--reason needs a model'),
    (('day.npy', '--every', '3'), 'every 3 s'),
    (('day.npy', '--video'), '--video is of tools/infer.py'),
    (('day.npy', '--fps', '1e9'), 'frames a second'),
    (('day.npy', '--layout', 'eight'), 'unknown joint layout')])
def test_arguments_that_do_not_fit(files, run_tool, monkeypatch, arguments,
                                   words):
    monkeypatch.chdir(files[0])
    said = run_tool('stream.py', *arguments)
    assert said.code == 2 and words in said.errors[0]
