"""Stock models of MMAction2 on every data set: built, and trained a step."""
import pickle

import numpy as np
import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import DATASETS, MODELS

# The others are those of tests/test_configs.py.
PATHS = sorted(
    str(p.relative_to(REPO)) for p in REPO.glob('configs/baselines/*.py')
    if '_stock_' in p.name or '_recipe_' in p.name or 'posec3d' in p.name
    or p.stem in ('slowonly_ntu60_xsub', 'stgcn_ntu120_xsub',
                  '2s-agcn_ntu60_xsub'))


def clips(joints, dims, number=4):
    rng = np.random.default_rng(0)
    # Performer 1 trains, performer 3 tests.
    names = [f'S001C001P{1 + i % 2 * 2:03}R001A{i + 1:03}'
             for i in range(number)]
    made = []
    for i, name in enumerate(names):
        keypoint = rng.normal(size=(1, 12, joints, dims)).astype('f4')
        clip = dict(frame_dir=name, label=i, total_frames=12,
                    keypoint=keypoint)
        if dims == 2:
            clip.update(
                keypoint=50 * keypoint + 200, img_shape=(400, 400),
                original_shape=(400, 400),
                keypoint_score=np.ones(keypoint.shape[:3], 'f4'))
        made.append(clip)
    return dict(annotations=made, split={
        f'{split}_{part}': names for split in ('xview', 'xsub')
        for part in ('train', 'val')})


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A little of each data set, under the names that the configs have."""
    folder = tmp_path_factory.mktemp('data')
    for name, joints, dims in (('nucla', 20, 3), ('3d', 25, 3), ('2d', 17, 2)):
        (folder / f'{name}.pkl').write_bytes(
            pickle.dumps(clips(joints, dims)))
    make_sample(folder / 'ntu', repeats=1, classes=[1, 6], performers=(1, 3),
                progress=False)
    return folder


def load(path, data, monkeypatch):
    monkeypatch.setenv('NUCLA_PKL', str(data / 'nucla.pkl'))
    monkeypatch.setenv('NTU_SAMPLE', str(data / 'ntu'))
    monkeypatch.setenv('NTU_ROOT', str(
        data / ('ntu' if 'slowonly' in path else '3d.pkl')))
    cfg = Config.fromfile(str(REPO / path))
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg[name].dataset
        dataset = dataset.get('dataset') or dataset
        if dataset.type == 'PoseDataset':
            dataset.ann_file = str(data / f'{dataset.ann_file[-6:-4]}.pkl')
    return cfg


def small(cfg):
    """The same model, narrow and on few frames."""
    backbone, head = cfg.model.backbone, cfg.model.cls_head
    narrow = 4 if backbone.type == 'ResNet3dSlowOnly' else 8
    head.in_channels = head.in_channels * narrow // backbone.get(
        'base_channels', 64)
    backbone.base_channels, backbone.pretrained = narrow, None
    if backbone.type != 'ResNet3dSlowOnly':
        backbone.pop('pretrained')
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = cfg[name].dataset
        for step in (dataset.get('dataset') or dataset).pipeline:
            if 'clip_len' in step:
                step.clip_len = min(step.clip_len, 16)
            if step.get('num_clips', 1) > 1:
                step.num_clips = 2
    return cfg


@pytest.mark.parametrize('path', PATHS)
def test_a_step(path, data, monkeypatch):
    cfg = small(load(path, data, monkeypatch))
    model = MODELS.build(cfg.model)
    train = DATASETS.build(cfg.train_dataloader.dataset)
    batch = model.data_preprocessor(
        pseudo_collate([train[0], train[1]]), training=True)
    loss = model(**batch, mode='loss')['loss_cls']
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in model.parameters())
    test = DATASETS.build(cfg.test_dataloader.dataset)
    with torch.no_grad():
        result, = model.eval().test_step(pseudo_collate([test[0]]))
    assert result.pred_score.shape == (cfg.model.cls_head.num_classes, )
    assert torch.isfinite(result.pred_score).all()


def test_every_model_is_there_for_every_data_set():
    names = {p.stem for p in REPO.glob('configs/baselines/*.py')}
    for model in ('stgcn', 'stgcnpp', '2s-agcn'):
        for data in ('ntu60_xsub', 'ntu120_xsub', 'nucla_xview',
                     'quickstart'):
            assert f'{model}_recipe_{data}' in names
            own = '' if 'ntu' in data else 'stock_'
            assert f'{model}_{own}{data}' in names
    assert {f'posec3d_{d}' for d in ('ntu60_xsub', 'ntu120_xsub',
                                     'nucla_xview', 'quickstart')} <= names
    assert {f'slowonly_{d}' for d in ('ntu60_xsub', 'ntu120_xsub',
                                      'quickstart')} <= names


@pytest.mark.parametrize('path', [p for p in PATHS if '_recipe_' in p])
def test_recipe_is_the_same_everywhere(path):
    cfg = Config.fromfile(str(REPO / path))
    recipe = Config.fromfile(
        str(REPO / 'configs/_base_/loaders/recipe.py')).recipe
    wrapper = cfg.train_dataloader.dataset
    assert (wrapper.type, wrapper.times) == ('RepeatDataset', recipe.times)
    kinds = [t.type for t in wrapper.dataset.pipeline]
    assert kinds[:2] == ['BodyPartEvents', 'CenterSkeleton3D']
    assert wrapper.dataset.pipeline[2:7] == recipe.train
    assert cfg.test_dataloader.dataset.pipeline[2:4] == recipe.test
    assert cfg.model.cls_head.label_smooth_eps == recipe.label_smooth_eps
    assert cfg.optim_wrapper.optimizer.type == 'SGD'
