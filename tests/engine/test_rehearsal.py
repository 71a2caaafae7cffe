"""A rehearsal does all that training does, and leaves nothing behind."""
import copy
import runpy
import shutil
from pathlib import Path

import pytest
import torch
from helpers import CLASSES, REPO
from mmengine.config import Config
from mmengine.hooks import Hook
from recognizers import RANDOM, L, recognizer, waiting_config

from lvlm_var_mm.engine import rehearsal, stand_ins
from lvlm_var_mm.estimate.schedule import Schedule, clips_of
from mmaction.registry import DATASETS, HOOKS

KIND = 'transformers.{}.from_pretrained'.format
PIPELINE = [dict(type='ResampleFrames', clip_len=16),
            dict(type='FormatGCNInput', num_person=2),
            dict(type='PackActionInputs', meta_keys=('frame_dir', ))]


@pytest.fixture(autouse=True)
def plain_configs(monkeypatch):
    """A Runner writes its config down four times, formatted by yapf, which
    takes longer than all else here."""
    monkeypatch.setattr('mmengine.config.config.FormatCode',
                        lambda text, **kwargs: (text, True))


@pytest.fixture
def empty_folder(tiny_llava, tmp_path):
    """A model without its weights."""
    return shutil.copytree(tiny_llava, tmp_path / 'llava',
                           ignore=shutil.ignore_patterns('*.safetensors*'))


def test_every_phase_is_rehearsed(tiny_llava, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    cfg = waiting_config(tiny_llava, tmp_path)
    before = copy.deepcopy(cfg.to_dict())
    report = rehearsal.rehearse(cfg)
    assert list(report.phases) == [
        rehearsal.WAITS, rehearsal.READS, rehearsal.VALIDATION]
    assert report.resumed and not report.stand_ins
    waits, reads, val = report.phases.values()
    assert waits.bytes > 1e6 and reads.first > 0
    # 9 clips in batches of 2: 5 iterations an epoch.
    assert report.hours == pytest.approx(
        5 * (2 * waits.seconds + reads.seconds + val.seconds) / 3600)
    out = capsys.readouterr().out
    assert '10 iterations' in out and 'takes the same next step' in out
    assert 'stand-in' not in out
    assert not list(tmp_path.glob('rehearsal_*'))
    assert not Path(cfg.work_dir).exists()
    assert cfg.to_dict() == before


def test_what_is_missing_is_made(empty_folder, tmp_path, monkeypatch, capsys):
    missing = dict(type='SkeletonDataset', ann_file='no/where.pkl',
                   pipeline=PIPELINE, class_names=CLASSES)
    cfg = waiting_config(empty_folder, tmp_path, missing)
    file = tmp_path / 'config.py'
    cfg.dump(file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['train.py', str(file), '--rehearse'])
    assert runpy.run_path(str(REPO / 'tools/train.py'))['main']() == 0
    out = capsys.readouterr().out
    assert f'no weights at {empty_folder}; random ones of its shape' in out
    assert out.count('no data at no/where.pkl') == 2
    assert 'not known without the clips of an epoch' in out
    assert {p.name for p in tmp_path.iterdir()} == {'config.py', 'llava'}


@HOOKS.register_module()
class ForgetsHook(Hook):
    """A state that is in no checkpoint."""

    def before_train(self, runner):
        if runner.iter:
            next(runner.model.backbone.parameters()).data.add_(.1)


def test_training_that_cannot_be_resumed_fails(tiny_llava, tmp_path, capsys):
    cfg = waiting_config(tiny_llava, tmp_path, waits=3)
    cfg.custom_hooks.append(dict(type='ForgetsHook'))
    report = rehearsal.rehearse(cfg)
    assert not report.resumed
    assert list(report.phases) == [rehearsal.WAITS, rehearsal.EARLY]
    assert 'DOES NOT take the same next step' in capsys.readouterr().out


def test_fault_of_a_phase_is_named(tiny_llava, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path))
    cfg = waiting_config(tiny_llava, tmp_path)
    cfg.default_hooks.checkpoint.save_best = 'acc/none'
    with pytest.raises(KeyError, match='acc/none'):
        rehearsal.rehearse(cfg)
    assert 'failed in this phase: validation' in capsys.readouterr().out
    assert not list(tmp_path.glob('rehearsal_*'))


def test_what_cannot_fit_is_refused(tiny_llava, tmp_path, monkeypatch):
    cfg = waiting_config(tiny_llava, tmp_path)
    monkeypatch.setattr(rehearsal, 'memory_here', lambda: 1e4)
    with pytest.raises(ValueError, match='at least .*but there are 0.0 GB.*'
                       'LVLM_PATH'):
        rehearsal.rehearse(cfg)


# ------------------------------------------------------------- what is made
@pytest.mark.parametrize('path, kind, words, width', [
    ('llava-hf/llava-1.5-13b-hf', 'LlavaForConditionalGeneration',
     'LLaVA-1.5-13b', 5120),
    ('/no/where', 'AutoModelForCausalLM', 'SmolLM2-135M', 576)])
def test_shapes_of_weights_that_are_elsewhere(path, kind, words, width,
                                              tmp_path):
    cfg = Config(dict(model=recognizer(path)))
    cfg.model.cls_head.lvlm.type = KIND(kind)
    said = stand_ins.stand_in_for_lvlm(cfg, str(tmp_path))
    assert words in said[0] and 'a word is a token' in said[1]
    lvlm = cfg.model.cls_head.lvlm
    empty = stand_ins.weightless(lvlm.kind, pretrained_model_name_or_path=lvlm
                                 .pretrained_model_name_or_path)
    assert empty.config.get_text_config().hidden_size == width


def test_unknown_shape_is_refused(tmp_path):
    cfg = Config(dict(model=recognizer('/no/where')))
    with pytest.raises(ValueError, match='no config.json at /no/where.*LVLM_'):
        stand_ins.stand_in_for_lvlm(cfg, str(tmp_path))


def test_random_weights_are_always_the_same(empty_folder):
    one, two = (stand_ins.random_lvlm(
        KIND('LlavaForConditionalGeneration'), str(empty_folder),
        dtype=torch.bfloat16) for _ in range(2))
    for (name, a), b in zip(one.named_parameters(), two.parameters()):
        assert torch.equal(a, b) and a.dtype is torch.bfloat16, name
        assert a.std() > .01 or a.dim() == 1, name


def test_second_stage_without_its_first(tiny_llava, tmp_path):
    cfg = waiting_config(tiny_llava, tmp_path, dict(
        type='TokenDataset', ann_file='no/tokens.npz'), waits=0, epochs=1)
    cfg.load_from = 'no/stage1.pth'
    cfg.val_dataloader.dataset = RANDOM
    cfg.model.backbone = dict(type='PassCodes', backbone=cfg.model.backbone)
    cfg.model.data_preprocessor.to_float32 = False
    cfg.custom_hooks = [dict(type='TokenCacheHook')]
    report = rehearsal.rehearse(cfg)
    assert report.resumed and len(report.stand_ins) == 2
    assert 'no/stage1.pth' in report.stand_ins[0]
    assert 'no/tokens.npz' in report.stand_ins[1]


def test_made_tokens_fit(tmp_path):
    cfg = Config(dict(model=recognizer(tmp_path), train_dataloader=dict(
        dataset=dict(type='TokenDataset', ann_file='no/tokens.npz'))))
    stand_ins.stand_in_for_data(cfg, 'train_dataloader', 5, str(tmp_path))
    made = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(made) == 5 and made[4]['inputs'].shape == (1, L)
    assert int(made[4]['data_samples'].gt_label) == 4 % len(CLASSES)


@pytest.mark.parametrize('size, found', [(9, [0, 2, 4, 6]), (2, [0, 1, 0, 1])])
def test_few_samples_are_spread(size, found):
    assert list(stand_ins.FewSampler(range(size), 4)) == found


# ------------------------------------------------------------- the schedule
def test_schedule():
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_ntu60_xsub.py')
    schedule = Schedule.of(cfg)
    assert schedule.waiting + schedule.reading == cfg.train_cfg.max_epochs
    assert schedule.waiting == cfg.warmup_epochs
    assert schedule.val_reading == schedule.reading
    assert clips_of(cfg) == 40091
    assert clips_of(cfg, 'val_dataloader') == 16487
    cfg.train_cfg = dict(max_epochs=11, val_interval=4,
                         dynamic_intervals=[(10, 1)])
    for hook in cfg.custom_hooks:
        if 'Warmup' in hook.type:
            hook.epochs = 8
    assert Schedule.of(cfg) == (8, 3, 2, 3)  # after 4 and 8, and 9, 10, 11
    cfg.train_cfg = dict(by_epoch=False, max_iters=7)
    with pytest.raises(ValueError, match='max_epochs'):
        Schedule.of(cfg)
    sample = Config.fromfile(REPO / 'configs/lvlmvar_quickstart.py')
    sample.train_dataloader.dataset.data_root = '/no/where'
    assert clips_of(sample) is None
