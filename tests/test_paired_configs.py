"""The configs of pairs: each trains a step and predicts, at small size."""
import copy

import pytest
import torch
from helpers import CLASSES, REPO, head_cfg
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from lvlm_var_mm.estimate.plan import Plan
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import DATASETS, MODELS

NAMES = 'quickstart', 'ntu60_xsub'
LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'
SIZES = dict(scale=(-1, 40), size=32, crop_size=32)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Stands for either data set: the made sample has NTU's own format."""
    return str(make_sample(
        tmp_path_factory.mktemp('made') / 'sample', repeats=1,
        classes=(1, 43), performers=(1, 3), progress=False))


def shrink(cfg, folder):
    """The tiny language model knows four names; pictures and backbones are
    small."""
    width = dict(rgb=64, skeleton=32)
    cfg.model.backbone.rgb.update(depth=18, base_channels=8, pretrained=None)
    cfg.model.backbone.skeleton.base_channels = 8
    for branch, channels in width.items():
        neck = cfg.model.neck[branch]
        neck.update(in_channels=channels, codebook_size=16)
        neck.aux_head.num_classes = len(CLASSES)
        neck.pop('align', None)  # of texts that a hook gives
    small = head_cfg(folder)
    cfg.model.cls_head.update(
        num_classes=len(CLASSES), class_names=CLASSES,
        in_channels=sum(width.values()))
    for key in ('lvlm', 'lora'):  # set, not updated
        cfg.model.cls_head[key] = small[key]
    if 'num_negatives' in cfg.model.cls_head:
        cfg.model.cls_head.num_negatives = 2
    for name in LOADERS:
        cfg[name].dataset.update(actions=[1, 8, 10, 43], class_names=CLASSES)
        for step in cfg[name].dataset.pipeline[1].rgb:
            if step.get('scale') == (224, 224):
                step.scale = (32, 32)
            else:
                step.update({k: v for k, v in SIZES.items() if k in step})


@pytest.mark.parametrize('name', NAMES)
def test_step_and_prediction(name, root, tiny_llava, monkeypatch):
    monkeypatch.setenv('NTU_SAMPLE', root)
    monkeypatch.setenv('NTU_ROOT', root)
    cfg = Config.fromfile(REPO / f'configs/lvlmvar_paired_{name}.py')
    shrink(cfg, tiny_llava)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    train, val = (DATASETS.build(cfg[n].dataset) for n in LOADERS[:2])
    data = pseudo_collate([train[i] for i in range(4)])
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for part in (model.backbone.rgb, model.backbone.skeleton,
                 model.cls_head.projector):
        assert any(p.grad is not None and p.grad.any()
                   for p in part.parameters())

    whole = val[0]['inputs']
    length = cfg.model.neck.rgb.num_tokens
    for missing in (None, 'rgb', 'skeleton'):
        dataset = copy.deepcopy(cfg.test_dataloader.dataset)
        dataset.pipeline[1].missing = missing  # as the command line has it
        item = DATASETS.build(dataset)[0]
        for branch, inputs in item['inputs'].items():
            assert bool(inputs.numel()) == (branch != missing)
            if branch != missing:
                assert inputs.shape == whole[branch].shape
        with torch.no_grad():
            sample, = model.eval().test_step(pseudo_collate([item]))
        assert sample.pred_score.shape == (len(CLASSES), )
        assert sample.pred_tokens.shape == (
            length if missing else 2 * length, )


def test_pairs_are_not_estimated():
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_paired_quickstart.py')
    with pytest.raises(ValueError, match='either branch alone'):
        Plan.of(cfg)


def test_branches_are_those_of_the_siblings():
    """Backbones, tokens and preprocessing of the two configs that read one
    modality each."""
    pair, rgb, skeleton = (
        Config.fromfile(REPO / f'configs/lvlmvar_{name}ntu60_xsub.py')
        for name in ('paired_', 'rgb_', ''))
    for branch, alone in (('rgb', rgb), ('skeleton', skeleton)):
        assert pair.model.backbone[branch] == alone.model.backbone
        neck = dict(pair.model.neck[branch])
        own = dict(alone.model.neck)
        if branch == 'rgb':  # alone it has no events to align with
            assert neck.pop('align') and not own.pop('align')
        assert neck == own
    assert (pair.model.data_preprocessor.preprocessors.rgb ==
            rgb.model.data_preprocessor)
    for key in ('param_scheduler', 'train_cfg'):
        assert pair[key] == skeleton[key]
