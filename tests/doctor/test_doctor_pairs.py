"""The doctor on the config of pairs, and faults planted in it."""
import pytest
import torch
from helpers import CLASSES, REPO
from mmengine.config import Config

from lvlm_var_mm.doctor import examine, exit_code, table
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import MODELS

LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    return str(make_sample(
        tmp_path_factory.mktemp('made') / 'sample', repeats=1,
        classes=(1, 43), performers=(1, 3), progress=False))


@pytest.fixture
def cfg(sample, tiny_llama, tmp_path, monkeypatch):
    monkeypatch.setenv('NTU_SAMPLE', sample)
    monkeypatch.setenv('LVLM_PATH', str(tiny_llama))
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_paired_quickstart.py')
    cfg.work_dir = str(tmp_path / 'work')
    for name in LOADERS:
        cfg[name].batch_size = 2
        cfg[name].dataset.update(actions=[1, 8, 10, 43], class_names=CLASSES)
    cfg.model.cls_head.update(num_classes=4, class_names=CLASSES)
    for branch in ('rgb', 'skeleton'):
        cfg.model.neck[branch].aux_head.num_classes = 4
        cfg.model.neck[branch].codebook_size = 8
    return cfg


def errors(cfg, **kwargs):
    found = examine(cfg, number=None, progress=False, **kwargs)
    lines = [f.text for f in found if f.level == 'error']
    assert exit_code(found) == bool(lines), table(found, 120)
    return found, lines


def test_healthy(cfg):
    found, lines = errors(cfg)
    assert not lines
    assert any('rgb (1, 3, 8, 72, 72) and skeleton (1, 2, 32, 25, 6) pass'
               in f.text for f in found)


def test_faults(cfg):
    cfg.model.backbone.skeleton.in_channels = 3
    cfg.model.neck.rgb.aux_head.num_classes = 5
    cfg.model.neck.skeleton.aux_head.num_classes = 5
    found, lines = errors(cfg)
    assert any('6 channels a joint, but the backbone takes 3' in line
               for line in lines)
    assert any(f.remedy.startswith('set `model.backbone.skeleton.in_channels`')
               for f in found if f.level == 'error')
    assert any('`neck.rgb.aux_head.num_classes` is 5' in line
               for line in lines)
    assert any('`neck.skeleton.aux_head.num_classes` is 5' in line
               for line in lines)


def test_a_branch_that_does_not_fit(cfg):
    cfg.model.neck.skeleton.in_channels = 32
    _, lines = errors(cfg)
    assert any('these have 64 channels' in line for line in lines)


def test_tokens_of_a_checkpoint(cfg, tmp_path):
    state = MODELS.build(cfg.model).state_dict()
    for key, value in state.items():
        if key.endswith('initted'):  # as training leaves it
            value.fill_(True)
    torch.save(dict(state_dict=state), tmp_path / 'a.pth')
    _, lines = errors(cfg, checkpoint=str(tmp_path / 'a.pth'))
    assert not lines
    cfg.model.neck.skeleton.quantizer.codebook_dim = 16
    found, lines = errors(cfg, checkpoint=str(tmp_path / 'a.pth'))
    assert any('trained with other `codebook`' in line for line in lines)
    assert any('set `model.neck.skeleton` to that of training' in f.remedy
               for f in found if f.level == 'error')
