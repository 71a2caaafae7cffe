"""The tools as a person runs them: train, test and resume on real input."""
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from helpers import NUCLA, REPO

from lvlm_var_mm.models.lvlm.smollm2 import default_dir, is_complete
from lvlm_var_mm.synthetic.make import make_sample

needs_smollm2 = pytest.mark.skipif(
    not is_complete(default_dir()),
    reason='no SmolLM2: run tools/fetch_smollm2.py')
needs_nucla = pytest.mark.skipif(
    not NUCLA.is_file(), reason=f'no N-UCLA at {NUCLA}')


def run(*args, **env):
    """A tool's standard output."""
    done = subprocess.run([sys.executable, *map(str, args)], cwd=REPO,
                          env={**os.environ, **env}, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def scalars(work_dir):
    """The records of a run's log, in order."""
    file, = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    """One training and one test performer: 30 clips each."""
    return str(make_sample(tmp_path_factory.mktemp('data') / 'sample',
                           repeats=1, performers=(1, 3), progress=False))


@pytest.mark.smollm2
@needs_smollm2
def test_train_test_dump_and_resume(sample, tmp_path):
    config, work_dir = 'configs/lvlmvar_quickstart.py', tmp_path / 'work'
    short = ['--cfg-options', 'train_dataloader.batch_size=8',
             'custom_hooks.0.epochs=1', 'train_cfg.val_interval=1']
    run('tools/train.py', config, '--work-dir', work_dir, *short,
        'train_cfg.max_epochs=2', NTU_SAMPLE=sample)
    checkpoint = work_dir / 'epoch_2.pth'
    assert checkpoint.stat().st_size < 60e6
    trained = scalars(work_dir)
    assert 'loss_lm' not in trained[0] and 'loss_lm' in trained[-2]
    light = [r for r in trained if 'token/quantised_top1' in r][0]
    assert light['step'] == 1 and 'acc/top1' not in light

    out = run('tools/test.py', config, checkpoint, '--work-dir', tmp_path /
              't', '--dump', tmp_path / 'dump.pkl', NTU_SAMPLE=sample)
    assert f'{trained[-1]["acc/top1"]:.4f}' in out
    assert 'not NTU RGB+D' in out
    for word in ('narrative', 'answer', 'reason'):
        assert word in out
    with open(tmp_path / 'dump.pkl', 'rb') as f:
        dump = pickle.load(f)
    right = sum(int(d['pred_label']) == int(d['gt_label']) for d in dump)
    assert len(dump) == 30
    assert right / 30 == pytest.approx(trained[-1]['acc/top1'])

    run('tools/export.py', config, checkpoint, tmp_path / 'out')
    again = run('tools/test.py', config, tmp_path / 'out', '--work-dir',
                tmp_path / 't', '--explain', '0', NTU_SAMPLE=sample)
    assert f'{trained[-1]["acc/top1"]:.4f}' in again
    run('tools/show_tokens.py', config, checkpoint, tmp_path / 'shown',
        '--clips', '2', NTU_SAMPLE=sample)
    assert len(list((tmp_path / 'shown').glob('*.png'))) == 3
    assert 'Narrative: ' in (tmp_path / 'shown/index.md').read_text()
    out = run('tools/perf/scoring_options.py', config, checkpoint,
              NTU_SAMPLE=sample)
    table = json.loads(out.splitlines()[-1])
    assert table['clips'] == 30
    assert table['results']['exact']['top1'] == pytest.approx(
        trained[-1]['acc/top1'])
    assert len(table['results']) + len(table['refused']) == 9

    out = run('tools/perf/explanations.py', config, checkpoint, '--clips',
              '4', NTU_SAMPLE=sample)
    figures = json.loads(out.splitlines()[-1])['lvlmvar_quickstart']
    assert figures['top1_whole'] == pytest.approx(np.mean([
        int(dump[i]['pred_label']) == int(dump[i]['gt_label'])
        for i in np.linspace(0, 29, 4).astype(int)]))
    assert figures['seconds_a_clip'] > 0

    resumed = run('tools/train.py', config, '--work-dir', work_dir,
                  '--resume', *short, 'train_cfg.max_epochs=3',
                  NTU_SAMPLE=sample)
    assert 'goes on after epoch 2' in resumed
    assert (work_dir / 'epoch_3.pth').is_file()


@pytest.mark.smollm2
@needs_smollm2
@pytest.mark.parametrize('name', ['rgb', 'rgb_crop'])
def test_rgb_loss_falls_in_two_epochs(name, sample, tmp_path):
    run('tools/train.py', f'configs/lvlmvar_{name}_quickstart.py',
        '--work-dir', tmp_path, '--no-validate', '--cfg-options',
        'train_dataloader.batch_size=8', 'custom_hooks.0.epochs=0',
        'train_cfg.max_epochs=2', 'default_hooks.logger.interval=1',
        NTU_SAMPLE=sample)
    loss = [r['loss'] for r in scalars(tmp_path)]
    assert loss[-1] < loss[0]


@pytest.mark.nucla
@needs_nucla
def test_baseline_trains_on_nucla(tmp_path):
    out = run('tools/train.py', 'configs/baselines/stgcnpp_nucla_xview.py',
              '--work-dir', tmp_path, '--cfg-options',
              'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
              NUCLA_PKL=str(NUCLA))
    assert '1,020 training clips, 464 validation clips' in out
    assert 0.1 <= scalars(tmp_path)[-1]['acc/top1'] <= 1


@pytest.mark.smollm2
@pytest.mark.nucla
@needs_smollm2
@needs_nucla
def test_tokens_train_on_nucla(tmp_path):
    """One epoch of tokens, then the whole test set through the language
    model; training it takes its own hour, see README."""
    config = 'configs/lvlmvar_nucla_xview.py'
    run('tools/train.py', config, '--work-dir', tmp_path, '--no-validate',
        '--cfg-options', 'train_cfg.max_epochs=1', NUCLA_PKL=str(NUCLA))
    loss = [r['loss_vst'] for r in scalars(tmp_path)]
    assert loss[-1] < loss[0]
    out = run('tools/test.py', config, tmp_path / 'epoch_1.pth',
              '--work-dir', tmp_path / 't', NUCLA_PKL=str(NUCLA))
    assert 'acc/top1' in out and '464' in out
