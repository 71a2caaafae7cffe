"""Messages of the tools: what changes nothing, and where an error is from."""
import sys
from argparse import Namespace

import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from mmengine.logging import MMLogger

from lvlm_var_mm.cli import (describe, load_config, log_beside_answers,
                             user_errors)
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.layouts import load_layout
from lvlm_var_mm.models.lvlm.build import build_lvlm
from lvlm_var_mm.options import idle_options

CONFIG = str(REPO / 'configs/lvlmvar_quickstart.py')
OURS = sorted(REPO.glob('configs/lvlmvar_*.py'))
BASELINES = sorted(REPO.glob('configs/baselines/*.py'))
DOES = [
    'train_dataloader.batch_size', 'model.neck.codebook_size',
    'custom_hooks.0.epochs', 'model.cls_head.lora.r', 'train_cfg.max_epochs',
    # Not in the config, but arguments of what stands there.
    'model.neck.loss_commit', 'model.cls_head.num_negatives',
    'optim_wrapper.accumulative_counts', 'train_dataloader.prefetch_factor',
    'model.backbone.tcn_dropout', 'load_from', 'resume',
    'auto_scale_lr.enable',
    'model.cls_head.scoring.labels_at_a_time', 'strategy.type',
    'default_hooks.checkpoint.save_last', 'default_hooks.repeatable.type',
    'model.cls_head.topk',
    'model.cls_head.lvlm.quantization_config.type',
    'train_dataloader.dataset.dataset.exclude', 'randomness.deterministic'
]


@pytest.mark.parametrize('key', DOES)
def test_options_that_do_something(key):
    assert idle_options(Config.fromfile(CONFIG), {key: 1}) == []


@pytest.mark.parametrize('key, near', [
    ('train_datalaoder.batch_size', 'train_dataloader.batch_size'),
    ('train_dataloader.batchsize', 'train_dataloader.batch_size'),
    ('model.neck.codebok_size', 'model.neck.codebook_size'),
    ('model.nek.codebook_size', 'model.neck'),
    ('model.cls_head.num_negative', 'model.cls_head.num_negatives'),
    ('model.backbone.base_chanels', 'model.backbone.base_channels'),
    ('train_cfg.max_epoch', 'train_cfg.max_epochs'),
    ('optim_wraper.optimizer.lr', 'optim_wrapper.optimizer.lr'),
    ('loadfrom', 'load_from')])
def test_options_that_name_nothing(key, near):
    text, = idle_options(Config.fromfile(CONFIG), {key: 1})
    assert f'`{key}` names nothing' in text and f'`{near}`?' in text


def test_option_without_a_near_one():
    text, = idle_options(Config.fromfile(CONFIG), {'xyzzy.quux': 1})
    assert text == '`xyzzy.quux` names nothing in the config'


def test_index_that_is_none():
    text, = idle_options(Config.fromfile(CONFIG), {'custom_hooks.9.epochs': 1})
    assert '`custom_hooks.9.epochs` names nothing' in text


def test_variable_comes_too_late():
    text, = idle_options(Config.fromfile(CONFIG), {'codebook_size': 32})
    assert 'is a variable of the config, which has been used already' in text
    assert '`model.neck.codebook_size`' in text


@pytest.mark.parametrize('path', [*OURS, *BASELINES],
                         ids=lambda path: path.stem)
def test_every_setting_of_our_configs_does_something(path):
    cfg = Config.fromfile(str(path))
    options = {f'model.{part}.{key}': value for part in cfg.model
               if isinstance(cfg.model[part], dict)
               for key, value in cfg.model[part].items()}
    assert idle_options(cfg, options) == []


def test_warning_stands_on_top(capsys):
    args = Namespace(config=CONFIG, launcher='none', work_dir=None,
                     cfg_options={'model.neck.num_token': 3})
    load_config(args)
    assert capsys.readouterr().err.endswith(
        'warning: --cfg-options: `model.neck.num_token` names nothing in the '
        'config: do you mean `model.neck.num_tokens`?\n')
    args.cfg_options = {'custom_hooks.9.epochs': 1}
    with pytest.raises(ValueError, match='--cfg-options custom_hooks.9'):
        load_config(args)


# ----------------------------------------------------------- where it is from
def error_of(call):
    try:
        call()
    except Exception as e:
        return e


def own():
    raise ValueError('c is odd')


def test_place_of_an_error_of_other_code():
    text = describe(error_of(own))
    assert text.startswith('c is odd\n(raised in ')
    assert f'{__file__}, line ' in text and 'in own; ' in text
    assert 'LVLM_VAR_TRACEBACK=1' in text


def test_place_of_the_first_error():
    def wrapped():
        try:
            own()
        except ValueError as e:
            raise ValueError('the pipeline fails') from e
    assert 'in own; ' in describe(error_of(wrapped))


@pytest.mark.parametrize('call', [
    lambda: load_layout('none'), lambda: CorruptSampleError('a', 'is odd'),
    lambda: (_ for _ in ()).throw(CorruptSampleError('a', 'is odd'))])
def test_our_own_errors_say_all(call):
    error = error_of(call)
    assert error is None or '\n(' not in describe(error)


class Refusing(torch.utils.data.Dataset):

    def __len__(self):
        return 1

    def __getitem__(self, idx):
        own()


def test_place_in_a_worker():
    loader = torch.utils.data.DataLoader(Refusing(), num_workers=1)
    text = describe(error_of(lambda: next(iter(loader))))
    assert text.startswith('c is odd\n(raised in ') and 'in own; ' in text


def test_file_of_an_os_error(tmp_path, capsys):
    with pytest.raises(SystemExit) as done, user_errors():
        open(tmp_path / 'no/file')
    assert done.value.code == 2
    assert f'error: No such file or directory: {tmp_path}/no/file' in (
        capsys.readouterr().err)
    with pytest.raises(SystemExit), user_errors():
        raise PermissionError(13, 'Permission denied', '/home/me/work')
    assert 'error: Permission denied: /home/me/work' in capsys.readouterr().err


def test_shard_cut_short_is_named(tmp_path, tiny_llama):
    for file in tiny_llama.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / 'model-00003-of-00005.safetensors'
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ValueError, match=f'{tmp_path}: {weights.name} is '
                       'damaged or cut short.*anew'):
        build_lvlm(dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path=str(tmp_path)))


def test_the_log_is_beside_the_answers(monkeypatch, capsys):
    logger = MMLogger('answers', log_level='INFO')
    monkeypatch.setattr(MMLogger, 'get_current_instance', lambda: logger)
    handler, = logger.handlers
    handler.stream = sys.stdout
    with log_beside_answers():
        print('answer')
        logger.info('a checkpoint is loaded')
    assert handler.stream is sys.stdout
    said = capsys.readouterr()
    assert said.out == 'answer\n' and 'is loaded' in said.err
