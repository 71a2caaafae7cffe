"""The command-line way to an answer."""
import json

import numpy as np
import pytest
from bodies import measured
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer


@pytest.fixture(scope='module')
def files(tiny_llava, tmp_path_factory):
    folder = tmp_path_factory.mktemp('infer')
    cfg = inference_config(tiny_llava)
    checkpoint = write_checkpoint(cfg, folder / 'model.pth', [
        dict(keypoint=measured(a)) for a in (8, 23)])
    cfg.dump(folder / 'config.py')
    (folder / 'clips').mkdir()
    for action in (8, 23):
        np.save(folder / f'clips/a{action}.npy', measured(action))
    return folder, ('--config', folder / 'config.py', '--checkpoint',
                    checkpoint, '--device', 'cpu')


def test_words(files, run_tool):
    folder, model = files
    said = run_tool('infer.py', folder / 'clips', *model, '--verify')
    assert said.code == 0, said.err
    for word in ('a8.npy', 'class:', 'narrative:', 'waves'):
        assert word in said.out
    assert ': FALSE' not in said.out


def test_files_and_json(files, run_tool, tmp_path):
    folder, model = files
    broken = tmp_path / 'broken.npy'
    broken.write_text('')
    said = run_tool('infer.py', folder / 'clips', broken, *model, '--json',
                    '--html', '--video', '--out', tmp_path / 'out')
    assert said.code == 1 and len(said.errors) == 1
    assert 'broken.npy' in said.errors[0]
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row['name'] for row in rows] == ['a23.npy', 'a8.npy',
                                             'broken.npy']
    saved = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert saved == rows
    found = {f.relative_to(tmp_path / 'out').as_posix()
             for f in (tmp_path / 'out').rglob('*') if f.is_file()}
    assert found == {
        'predictions.json', 'index.html', 'pictures/a8.png',
        'pictures/a23.png', 'videos/a8.mp4', 'videos/a23.mp4'}


def test_what_stops_it_leaves_the_answers_there_are(files, run_tool,
                                                    tmp_path, monkeypatch):
    folder, model = files
    answered, seen = ActionInferencer.predict, []

    def every_other(self, *args):
        seen.append(args)
        if len(seen) % 2 == 0:
            raise KeyboardInterrupt
        return answered(self, *args)

    monkeypatch.setattr(ActionInferencer, 'predict', every_other)
    said = run_tool('infer.py', folder / 'clips', *model, '--batch-size', 1,
                    '--html', '--out', tmp_path / 'out')
    assert said.code == 130 and 'written' in said.err
    kept, = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert kept['name'] == 'a23.npy' and (tmp_path / 'out/index.html').exists()
    # What stops it before the first answer leaves those of before.
    monkeypatch.setattr(ActionInferencer, 'predict', None)
    said = run_tool('infer.py', folder / 'clips', '--classes', 'nowhere.txt',
                    '--out', tmp_path / 'out')
    assert said.code and 'written' not in said.err
    assert json.loads((tmp_path / 'out/predictions.json').read_text())
    monkeypatch.setattr(ActionInferencer, 'predict', every_other)
    inferencer = ActionInferencer(*map(str, model[1:4:2]), 'cpu',
                                  show_progress=False)
    with pytest.raises(KeyboardInterrupt):
        inferencer(folder / 'clips', out_dir=tmp_path / 'again')
    assert json.loads((tmp_path / 'again/predictions.json').read_text())


def test_without_a_model(files, run_tool):
    """Something true before any training."""
    folder, _ = files
    said = run_tool('infer.py', folder / 'clips/a23.npy')
    assert said.code == 0, said.err
    assert 'measured:' in said.out and 'waves' in said.out
    assert 'class:' not in said.out


def test_classes_without_a_model(files, run_tool):
    """The one whose description is true of the clip."""
    pytest.importorskip('lvlm_var_mm.kinematics.claim_scorer')
    folder, _ = files
    names = folder / 'names.txt'
    names.write_text('kicking | one foot kicks\nwaving | one hand waves\n'
                     'nothing\n')
    said = run_tool('infer.py', folder / 'clips/a23.npy', '--classes', names)
    assert said.code == 0, said.err
    words = ' '.join(said.out.split())  # lines are wrapped
    assert 'class: waving' in words
    assert 'hand waves: true' in words and 'no model' in words
    names.write_text('nothing\nnobody\n')
    said = run_tool('infer.py', folder / 'clips/a23.npy', '--classes', names)
    assert said.code == 2 and 'description' in said.errors[0]


def test_windows(files, run_tool, tmp_path):
    folder, model = files
    day = tmp_path / 'day.npy'
    np.save(day, np.concatenate([measured(a) for a in (8, 23)], 1))
    said = run_tool('infer.py', day, tmp_path / 'no.npy', *model, '--window',
                    1, '--out', tmp_path / 'out')
    assert said.code == 1 and 'no.npy' in said.errors[0]
    assert ' s  ' in said.out
    assert sorted(f.name for f in (tmp_path / 'out').iterdir()) == [
        'day.json', 'day.scores.csv', 'day.segments.csv', 'day.vtt']


@pytest.mark.parametrize('arguments, words', [
    (('--config', 'lvlmvar_quickstart'), 'go together'),
    (('--window', '2'), '--window needs a model'),
    (('--verify', ), '--verify is for reasons'),
    (('--window', '2', '--html'), '--html, --video and --persons each are'),
    (('--window', '2', '--persons', 'each'), 'sees persons together'),
    (('--classes', 'ntu61'), 'unknown class list'),
    (('--layout', 'eight'), 'unknown joint layout'),
    (('--window', '0'), '--window: 0 is not above 0'),
    (('--window', '2', '--stride', '-1'), '--stride: -1 is not above 0'),
    (('--batch-size', '0'), '--batch-size: 0 is not 1 or more'),
    (('--threshold', '50'), '--threshold: 50 is not 0 to 1'),
    (('--fps', '0'), '--fps: 0 is not above 0'),
    (('--fps', '1e9'), 'frames a second')])
def test_arguments_that_do_not_fit(run_tool, arguments, words):
    said = run_tool('infer.py', 'clip.npy', *arguments)
    assert said.code == 2 and words in said.err
