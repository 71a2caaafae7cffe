"""The command-line tools: bad input ends them with one line that helps."""
import importlib.util
import os
import re
import runpy
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from helpers import REPO, head_cfg, write_nucla
from mmengine.config import Config
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.runner import CheckpointLoader

import mmaction
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from mmaction.registry import MODELS

NUCLA = str(REPO / 'configs/lvlmvar_nucla_xview.py')
BASELINE = str(REPO / 'configs/baselines/stgcnpp_nucla_xview.py')
QUICKSTART = str(REPO / 'configs/lvlmvar_quickstart.py')


# --------------------------------------------------- as a user calls them
def test_train_says_that_there_is_no_model(tmp_path):
    """In a process of its own, as a user has it."""
    done = subprocess.run(
        [sys.executable, str(REPO / 'tools/train.py'), NUCLA],
        cwd=tmp_path, capture_output=True, text=True, env=dict(
            os.environ, PYTHONPATH=str(REPO), OMP_NUM_THREADS='1',
            LVLM_PATH='/nowhere/llm', NUCLA_PKL='nowhere/nucla.pkl'))
    assert 'Traceback' not in done.stdout + done.stderr
    error, = (line for line in done.stderr.splitlines()
              if line.startswith('error:'))
    assert done.returncode == 2 and '/nowhere/llm' in error
    # A relative path could be the id of a model to be downloaded.
    assert re.search('LVLM_PATH|fetch_smollm2', error)


def test_train_says_that_there_is_no_data(tmp_path, run_tool, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('NUCLA_PKL', 'nowhere/nucla.pkl')
    said = run_tool('train.py', BASELINE)
    assert said.code == 2 and len(said.errors) == 1
    assert 'nowhere/nucla.pkl' in said.errors[0]
    assert '`ann_file`' in said.errors[0]


def test_test_says_that_the_checkpoint_is_none(tmp_path, run_tool,
                                               monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('NUCLA_PKL', str(write_nucla(tmp_path / 'nucla.pkl')))
    garbage = tmp_path / 'garbage.pth'
    garbage.write_bytes(b'\x07 no checkpoint')
    said = run_tool('test.py', BASELINE, garbage)
    error, = said.errors
    assert said.code == 2
    assert str(garbage) in error and 'training has written' in error


def test_help_waits_for_no_framework():
    """All tools one after another in one fresh interpreter."""
    tools = sorted(str(f) for f in (REPO / 'tools').rglob('[!_]*.py'))
    assert len(tools) > 20
    done = subprocess.run([sys.executable, '-c', """
import os, runpy, sys
tools = sys.argv[1:]
for tool in tools:
    sys.argv = [tool, '--help']
    sys.path.insert(0, os.path.dirname(tool))
    try:
        runpy.run_path(tool, run_name='__main__')
    except SystemExit as end:
        assert end.code == 0, tool
    slow = {'torch', 'transformers', 'mmaction', 'lvlm_var_mm', 'cv2'}
    assert not slow & set(sys.modules), tool
""", *tools], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('usage: ') == len(tools)


# ------------------------------------------------------------ in process
@pytest.mark.parametrize('name, args, word', [
    ('train.py', ['no.py'], 'no config file no.py'),
    *((name, [QUICKSTART, *more], 'no checkpoint at no.pth')
      for name, *more in (
          ('train.py', '--cfg-options', 'load_from=no.pth'),
          ('train.py', '--resume', 'no.pth'),
          ('test.py', 'no.pth'), ('export.py', 'no.pth', 'out'),
          ('show_tokens.py', 'no.pth', 'out'),
          ('perf/token_cache.py', 'no.pth'),
          ('perf/scoring_options.py', 'no.pth'),
          ('perf/explanations.py', 'no.pth')))])
def test_missing_files(name, args, word, run_tool, monkeypatch):
    """Told before minutes are spent on a language model."""
    monkeypatch.setattr(MODELS, 'build', None)
    said = run_tool(name, *args)
    assert said.code == 2
    assert word in said.err.splitlines()[-1]


class Labels(BaseDataset):
    """A data set of which only the labels matter."""

    def __init__(self, *labels):
        self.labels = labels
        super().__init__(ann_file='clips.pkl')

    def load_data_list(self):
        return [dict(label=label) for label in self.labels]


@pytest.mark.parametrize('module', ['test'], indirect=True)
def test_classes_of_a_file(module, tiny_llava, tmp_path):
    file = tmp_path / 'names.txt'
    file.write_text('sit down | the knees bend\nwater\n')

    def use(head, *labels, path=file, wrap=Labels):
        loader = Namespace(dataset=wrap(*labels))
        module.use_classes(Namespace(
            model=Namespace(cls_head=head),
            test_loop=Namespace(dataloader=loader)), str(path))

    head = MODELS.build(head_cfg(tiny_llava))
    use(head, 0, 1, 1)
    assert head.classes.names == ('sit down', 'water')
    with pytest.raises(ValueError, match='names.txt lists 2 names.* label 4'):
        use(head, 0, 4, 1)
    with pytest.raises(ValueError, match='label 4'):
        use(head, 0, 4, wrap=lambda *labels: ConcatDataset(
            [Labels(label) for label in labels]))
    with pytest.raises(FileNotFoundError, match='no.txt'):
        use(head, 0, path=tmp_path / 'no.txt')
    with pytest.raises(ValueError, match='Linear does not score'):
        use(torch.nn.Linear(1, 1), 0)


@pytest.fixture
def module(request):
    """A tool, imported."""
    name = request.param
    spec = importlib.util.spec_from_file_location(
        f'tools_{name}', REPO / f'tools/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('module', ['train', 'test'], indirect=True)
def test_flags_are_those_of_mmaction2(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['tool', '--help'])
    with pytest.raises(SystemExit) as done:
        module.parse_args()
    assert done.value.code == 0
    said = capsys.readouterr().out
    name = module.__name__.replace('tools_', '')
    stock = Path(mmaction.__file__).parent / f'.mim/tools/{name}.py'
    if not stock.is_file():
        pytest.skip('this installation of mmaction2 has no tools')
    flags = set(re.findall(r"'(--[\w-]+)'", stock.read_text()))
    assert len(flags) >= 9 and '--cfg-options' in flags
    for flag in flags:
        assert re.search(rf'{flag}\b', said), flag


@pytest.mark.parametrize('module', ['train'], indirect=True)
@pytest.mark.parametrize('flags, key, value', [
    (['--amp'], 'optim_wrapper.type', 'BFloat16OptimWrapper'),
    (['--no-validate'], 'val_dataloader', None),
    (['--resume'], 'resume', True), (['--resume'], 'load_from', None),
    (['--resume', 'a.pth'], 'load_from', 'a.pth'),
    (['--seed', '3'], 'randomness.seed', 3), ([], 'randomness.seed', 0),
    (['--deterministic'], 'randomness.deterministic', True),
    (['--work-dir', 'x'], 'work_dir', 'x'),
    ([], 'work_dir', 'work_dirs/stgcnpp_nucla_xview'),
    (['--cfg-options', 'train_dataloader.batch_size=7'],
     'train_dataloader.batch_size', 7)])
def test_flags_of_train(module, monkeypatch, flags, key, value):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', ['train.py', BASELINE, *flags])
    args = module.parse_args()
    cfg = module.merge_args(load_config(args), args)
    for part in key.split('.'):
        cfg = cfg[part]
    assert cfg == value


def arguments(config, **over):
    return Namespace(**{**dict(config=str(config), cfg_options=None,
                               launcher='none', work_dir=None), **over})


def test_load_config(tmp_path):
    file = tmp_path / 'a.b.py'
    file.write_text('x = dict(y=1, z=2)\n')
    cfg = load_config(arguments(file))
    assert cfg.work_dir == 'work_dirs/a.b' and cfg.launcher == 'none'
    assert cfg.x == dict(y=1, z=2)
    cfg = load_config(arguments(file, cfg_options={'x.y': 5}, work_dir='w',
                                launcher='slurm'))
    assert cfg.x == dict(y=5, z=2)
    assert cfg.work_dir == 'w' and cfg.launcher == 'slurm'
    file.write_text("work_dir = 'mine'\n")
    assert load_config(arguments(file)).work_dir == 'mine'
    with pytest.raises(FileNotFoundError, match='no.py'):
        load_config(arguments(tmp_path / 'no.py'))


@pytest.mark.parametrize('error, code, said', [
    (FileNotFoundError('no file a'), 2, 'error: no file a\n'),
    (FileExistsError('b is there'), 2, 'error: b is there\n'),
    (ValueError('c is odd'), 2, 'error: c is odd\n'),
    (CorruptSampleError('d.avi', 'ends early'), 2,
     'error: d.avi: ends early; restore the file or list the sample in '
     '`exclude`\n'),
    (KeyboardInterrupt(), 130, 'interrupted; run it again\n')])
def test_user_errors(error, code, said, capsys):
    with pytest.raises(SystemExit) as done, user_errors():
        raise error
    assert done.value.code == code
    assert capsys.readouterr().err.startswith(said)


class Refusing(torch.utils.data.Dataset):
    """Its error reaches the user through a worker of a data loader."""

    def __len__(self):
        return 1

    def __getitem__(self, idx):
        raise CorruptSampleError('d.avi', 'ends early')


def test_error_of_a_worker_is_one_line(capsys):
    loader = torch.utils.data.DataLoader(Refusing(), num_workers=1)
    with pytest.raises(SystemExit) as done, user_errors():
        next(iter(loader))
    assert done.value.code == 2
    assert capsys.readouterr().err == (
        'error: d.avi: ends early; restore the file or list the sample in '
        '`exclude`\n')


@pytest.mark.parametrize('error', [RuntimeError, TypeError, ZeroDivisionError])
def test_faults_of_the_program_keep_their_traceback(error):
    with pytest.raises(error), user_errors():
        raise error('fault')
    with user_errors():
        pass


@pytest.mark.parametrize('damage', [
    lambda data: b'', lambda data: b'\x07 no checkpoint',
    lambda data: data[:len(data) // 2], lambda data: data[:10]])
def test_damaged_checkpoint(tmp_path, damage):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict=dict(a=torch.ones(1000))), path)
    load = CheckpointLoader.load_checkpoint
    assert load(str(path), 'cpu')['state_dict']['a'].sum() == 1000
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match='training has written') as error:
        load(str(path), 'cpu')
    assert str(path) in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.slow
def test_a_tool_of_the_wheel_runs_with_the_shims():
    # It imports mmaction.models first, which the bare wheel does not survive.
    done = subprocess.run(
        [sys.executable, '-m', 'lvlm_var_mm',
         'analysis_tools/confusion_matrix.py', '--help'],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert '--show-path' in done.stdout


@pytest.mark.parametrize('module', ['train'], indirect=True)
def test_resuming_from_nothing_begins_with_load_from(module, monkeypatch,
                                                     tmp_path):
    """A training that was killed before its first checkpoint, or a queue that
    always says ``--resume``."""
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', [
        'train.py', BASELINE, '--resume', '--work-dir', str(tmp_path),
        '--cfg-options', 'load_from=a.pth'])
    args = module.parse_args()
    cfg = module.merge_args(load_config(args), args)
    assert not cfg.resume and cfg.load_from == 'a.pth'
    (tmp_path / 'epoch_1.pth').touch()
    cfg = module.merge_args(load_config(args), args)
    assert cfg.resume and cfg.load_from is None


def test_a_metric_that_fails_takes_no_dump_along(tmp_path):
    """Check that what ``--dump`` writes comes before any other metric."""
    (tmp_path / 'a.pth').touch()
    merge_args = runpy.run_path(str(REPO / 'tools/test.py'))['merge_args']
    args = Namespace(
        checkpoint=str(tmp_path / 'a.pth'), show=False, show_dir=None,
        explain_all=False, verify=False, dump=str(tmp_path / 'a.pkl'))
    for evaluator in (dict(type='AccMetric'), [dict(type='AccMetric')]):
        cfg = Config(dict(launcher='none', test_evaluator=evaluator))
        assert [m.type for m in merge_args(cfg, args).test_evaluator] == [
            'DumpResults', 'AccMetric']
