"""A training opens with what a person wants to know, and goes on as told."""
import pickle
import sys
from pathlib import Path

import pytest
from helpers import REPO, write_nucla
from mmengine.logging import MMLogger

from lvlm_var_mm.cli import check_work_dir
from lvlm_var_mm.engine.start import short_log, table

CONFIG = str(REPO / 'configs/baselines/stgcnpp_nucla_xview.py')
SHORT = [
    'train_dataloader.batch_size=2', 'model.backbone.base_channels=8',
    'model.cls_head.in_channels=32', 'optim_wrapper.type=OptimWrapper'
] + [f'{part}_dataloader.{key}' for part in ('train', 'val')
     for key in ('num_workers=0', 'persistent_workers=False')]


@pytest.fixture
def train(run_tool, tmp_path, monkeypatch):
    """Return a function that trains for some epochs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('NUCLA_PKL', str(write_nucla(tmp_path / 'nucla.pkl')))

    def train(epochs=1, *args, **options):
        return run_tool('train.py', CONFIG, '--work-dir', 'work', *args,
                        '--cfg-options', *SHORT,
                        f'train_cfg.max_epochs={epochs}',
                        *(f'{k}={v}' for k, v in options.items()))

    return train


def logs():
    files = sorted(Path('work').glob('*/*.log'))
    return [f.read_text() for f in files]


def test_ten_lines_open_a_training(train):
    said = train()
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    names = ['training', 'data', 'classes', 'model', 'weights', 'device',
             'schedule', 'start', 'writes', 'resume']
    assert [line.split()[0] for line in lines
            if line[:1].isalpha()][:10] == names
    opening = '\n'.join(lines[:lines.index(next(
        line for line in lines if line.startswith('resume')))])
    for text in ('2 training clips, 2 validation clips', '10: ', 'STGCN',
                 'are trained (100.0%)', 'CPU, float32',
                 '1 epoch of 1 iterations, 2 clips a step', 'anew',
                 str(Path('work').resolve())):
        assert text in opening, text
    assert len(lines[:lines.index('resume    the same command with '
                                  '--resume')]) < 16
    assert max(map(len, lines[:9])) < 120


def test_long_config_is_in_the_log_alone(train):
    said = train()
    log, = logs()
    for text in ('Config:\n', 'System environment:', 'Hooks will be'):
        assert text in log and text not in said.out
    assert 'Saving checkpoint' in said.out  # the rest is not kept back


@pytest.mark.slow
def test_resumed_training_says_where_it_goes_on(train):
    assert train().code == 0
    said = train(2, '--resume')
    assert 'start     goes on after epoch 1, iteration 1' in said.out


@pytest.mark.slow
def test_longer_schedule_is_not_followed_and_this_is_said(train):
    assert train(2).code == 0
    assert train(2, '--resume').code == 0
    assert 'goes on with the schedule' not in logs()[-1]
    schedule = dict([('param_scheduler.0.end', 90),
                     ('optim_wrapper.optimizer.lr', .5)])
    said = train(3, '--resume', **schedule)
    assert said.code == 0
    for text in ('with the schedule of the checkpoint, not with that of the '
                 'config', '90 here', '0.5 here', '`max_epochs` was 2, it now '
                 'ends after 3', '`load_from` instead of `--resume`'):
        assert text in logs()[-1] and text in said.out.replace('\n', ' ')


def test_corrupt_validation_sample_is_found_before_training(train):
    path = Path('nucla.pkl')
    content = pickle.loads(path.read_bytes())
    content['annotations'][3]['keypoint'][0, 3] = float('inf')
    path.write_bytes(pickle.dumps(content))
    said = train()
    error, = said.errors
    assert said.code == 2 and '1 of 2 validation samples' in error
    assert "'clip3'" in error and '`exclude`' in error
    assert 'Epoch(train)' not in said.out and not list(
        Path('work').glob('*.pth'))


@pytest.mark.slow
def test_damaged_checkpoint_is_skipped(train):
    assert train(1).code == 0
    Path('work/epoch_1.pth').rename('work/epoch_0.pth')
    Path('work/epoch_1.pth').write_bytes(b'')
    said = train(2, '--resume')
    assert said.code == 0
    assert f'not resumed from {Path("work").resolve()}/epoch_1.pth' in (
        said.out)
    assert 'goes on after epoch 1' in said.out


def test_work_dir_that_cannot_be_written(train, tmp_path):
    (tmp_path / 'work').write_text('a file')
    error, = train().errors
    assert 'work is a file' in error and '--work-dir' in error
    with pytest.raises(ValueError, match='--work-dir'):
        check_work_dir(str(tmp_path / 'work/inside'))


@pytest.mark.parametrize('by_flag', [True, False])
def test_amp_on_a_cpu_is_refused_by_name(train, by_flag, monkeypatch):
    monkeypatch.setattr('mmengine.device.get_device', lambda: 'cpu')
    args = ['--amp'] if by_flag else []
    options = {} if by_flag else {'optim_wrapper.type': 'AmpOptimWrapper'}
    error, = train(1, *args, **options).errors
    assert ('--amp' if by_flag else '`optim_wrapper.type=Amp') in error
    assert 'BFloat16OptimWrapper' in error


# ------------------------------------------------------------------- the parts
def test_short_log_leaves_the_logger_as_it_was(capsys):
    logger = MMLogger.get_instance('short')
    call, filters = MMLogger.callHandlers, list(logger.handlers[0].filters)
    logger.handlers[0].setStream(sys.stdout)
    with short_log() as short:
        logger.info('early')
        logger.warning('odd')
        short.started = True
        logger.info('Config:\nlong')
        logger.info('late')
    logger.info('Config:\nshown')
    said = capsys.readouterr().out
    assert [word in said for word in (
        'early', 'odd', 'long', 'late', 'shown')] == [0, 1, 0, 1, 1]
    assert MMLogger.callHandlers is call
    assert logger.handlers[0].filters == filters


def test_table_is_as_wide_as_a_page():
    text = table(dict(data='word ' * 40, resume='short'))
    assert max(map(len, text.splitlines())) <= 79
    assert text.splitlines()[1].startswith('        word')
