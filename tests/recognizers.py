"""LVLM-VAR on tiny backbones, and what its configs name in tests: a data set
of noise, a hook."""
import copy
import json
from pathlib import Path

import torch
from helpers import CLASSES, head_cfg, make_samples
from mmengine.config import Config
from mmengine.dataset import BaseDataset, Compose, pseudo_collate
from mmengine.hooks import Hook

from lvlm_var_mm.engine.sharding import decoder_layers
from mmaction.registry import DATASETS, HOOKS, MODELS

L, K = 4, 16
STGCN = dict(
    type='STGCN', in_channels=3, base_channels=4, num_stages=3,
    inflate_stages=[2], down_stages=[2],
    graph_cfg=dict(layout='nturgb+d', mode='spatial'))
SLOW_ONLY = dict(
    type='ResNet3dSlowOnly', depth=18, pretrained=None, base_channels=4,
    num_stages=2, out_indices=(1, ), spatial_strides=(1, 2),
    temporal_strides=(1, 1), dilations=(1, 1), inflate=(0, 1))
SKELETON = (1, 2, 16, 25, 3)  # views, persons, frames, joints, coordinates
RGB = (1, 3, 8, 16, 16)  # views, colours, frames, height, width
REASONS = ['the knees bend', 'one hand rises to the mouth and holds a glass']
RANDOM = dict(type='RandomClips', number=9, serialize_data=False)


def recognizer(folder, kind='skeleton', **over):
    """Config of LVLM-VAR on a tiny backbone."""
    backbone, input_format, preprocessor = dict(
        skeleton=(STGCN, 'NMCTV', dict(type='ActionDataPreprocessor')),
        rgb=(SLOW_ONLY, 'NCTHW', dict(
            type='ActionDataPreprocessor', mean=[128.] * 3, std=[50.] * 3,
            format_shape='NCTHW')))[kind]
    return dict(
        type='Recognizer3D', backbone=copy.deepcopy(backbone),
        neck=dict(type='VSTNeck', in_channels=8, input_format=input_format,
                  num_tokens=L, codebook_size=K,
                  aux_head=dict(num_classes=len(CLASSES))),
        cls_head=head_cfg(folder), data_preprocessor=preprocessor, **over)


def paired_recognizer(folder, **neck):
    """Config of LVLM-VAR on pairs: the two backbones of above."""
    sides = {kind: recognizer(folder, kind) for kind in ('rgb', 'skeleton')}
    return dict(
        type='Recognizer3D',
        backbone=dict(type='TwoBranchBackbone', **{
            kind: cfg['backbone'] for kind, cfg in sides.items()}),
        neck=dict(type='PairedNeck', **{
            kind: cfg['neck'] for kind, cfg in sides.items()}, **neck),
        cls_head=head_cfg(folder, in_channels=16),
        data_preprocessor=dict(type='PairedDataPreprocessor', preprocessors={
            kind: cfg['data_preprocessor'] for kind, cfg in sides.items()}))


def paired_batch(labels, seed=0, lacks=(), views=1):
    """As the dataloader hands pairs over.

    Args:
        lacks (sequence): Of each clip the modality that it lacks, None where
            it has both.
    """
    data = batch((views, *RGB[1:]), labels, seed)
    inputs = dict(rgb=data['inputs'], skeleton=batch(
        (views, *SKELETON[1:]), labels, seed + 1)['inputs'])
    for i, kind in enumerate(lacks):
        if kind:
            inputs[kind][i] = torch.zeros(1, 0)
    return dict(data, inputs=inputs)


def build(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    model.init_weights()
    return model


def batch(shape, labels, seed=0):
    """As the dataloader hands it over; colours lie between 0 and 255."""
    rng = torch.Generator().manual_seed(seed)

    def clip():
        # Mere noise is averaged away: a person, a colour walks as a whole.
        walk = torch.randn(*shape[:3], 1, 1, generator=rng).cumsum(2)
        return walk + torch.randn(shape, generator=rng)

    inputs = [clip() for _ in labels]
    if shape[1] == 3:
        inputs = [(128 + 50 * x).clamp(0, 255).byte() for x in inputs]
    return dict(inputs=inputs, data_samples=make_samples(labels))


@torch.no_grad()
def build_for_test(cfg, shape=SKELETON, data=None):
    """With a codebook, which the first batch of training starts, and with
    normalisation that fits it; by default it is one of noise."""
    model = build(cfg)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # one batch settles it
    data = model.data_preprocessor(
        data or batch(shape, [0, 1, 2, 3], seed=9), training=True)
    model.extract_feat(**data)
    return model.eval()


@DATASETS.register_module()
class RandomClips(BaseDataset):
    """Skeletons of noise, always the same, with reasons of two lengths."""

    def __init__(self, number, **kwargs):
        self.number = number
        super().__init__(**kwargs)

    def load_data_list(self):
        return [dict(number=i) for i in range(self.number)]

    def prepare_data(self, idx):
        data = batch(SKELETON, [idx % len(CLASSES)], seed=idx)
        sample = data['data_samples'][0]
        sample.set_metainfo(dict(explanation=REASONS[idx % 3 % 2]))
        return dict(inputs=data['inputs'][0], data_samples=sample)


def waiting_config(folder, tmp_path, dataset=None, waits=2, epochs=3):
    """Return the config of a tiny model that waits for some epochs."""
    loader = dict(
        batch_size=2, num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dataset or RANDOM)
    return Config(dict(
        model=recognizer(folder), default_scope='mmaction', launcher='none',
        work_dir=str(tmp_path / 'work'), train_dataloader=loader,
        val_dataloader=copy.deepcopy(loader), val_cfg=dict(type='ValLoop'),
        val_evaluator=[dict(type='AccMetric')],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs,
                       val_begin=waits + 1),
        param_scheduler=dict(type='CosineAnnealingLR', T_max=3),
        optim_wrapper=dict(
            type='OptimWrapper', accumulative_counts=8,
            optimizer=dict(type='AdamW', lr=1e-2)),
        default_hooks=dict(checkpoint=dict(
            type='CheckpointHook', interval=5, save_best='acc/top1',
            out_dir=str(tmp_path / 'best'))),
        custom_hooks=[dict(type='LVLMWarmupHook', epochs=waits)],
        randomness=dict(seed=0)))


def get_decoder(model):
    return getattr(model, 'module', model).cls_head.lm.decoder


@HOOKS.register_module()
class WriteLosses(Hook):
    """The losses of each step, a file for each process. Batch normalisation
    takes its statistics as they are: they are of each process's own part of
    the batch, as in MMAction2 without `sync_bn`."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for module in runner.model.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()

    def after_train_iter(self, runner, batch_idx, data_batch=None,
                         outputs=None):
        path = Path(runner.work_dir) / f'losses{runner.rank}.jsonl'
        with path.open('a') as f:
            f.write(json.dumps({k: float(v) for k, v in outputs.items()
                                if 'loss' in k}) + '\n')
        layers = decoder_layers(get_decoder(runner.model))
        (path.parent / f'frozen{runner.rank}').write_text(str(sum(
            getattr(p, 'to_local', lambda p=p: p)().numel()
            for layer in layers for p in layer.parameters()
            if not p.requires_grad)))

    def after_val_epoch(self, runner, metrics=None):
        if runner.rank == 0:
            (Path(runner.work_dir) / 'metrics.json').write_text(
                json.dumps(metrics))


def inference_config(folder, kind='skeleton', **over):
    """Config of a tiny model with a pipeline for tests: joints of NTU RGB+D,
    joints of COCO in pictures, or videos."""
    pack = dict(type='PackActionInputs', meta_keys=('frame_dir', 'span'))
    joints = [dict(type='ResampleFrames', clip_len=16, test_mode=True),
              dict(type='FormatGCNInput', num_person=2), pack]
    pipeline = dict(
        skeleton=[dict(type='BodyPartEvents', layout='ntu25', fps=30),
                  dict(type='AlignSkeleton3D', center=1, torso=(0, 20),
                       left_right=[(4, 8), (12, 16)]), *joints],
        picture=[dict(type='BodyPartEvents', layout='coco17', fps=30),
                 dict(type='NormalizePicture2D'), *joints],
        rgb=[dict(type='DecordInit'),
             dict(type='SampleFrames', clip_len=8, frame_interval=1,
                  num_clips=1, test_mode=True),
             dict(type='ClipSpan'),
             dict(type='DecordDecode'), dict(type='Resize', scale=(-1, 16)),
             dict(type='CenterCrop', crop_size=16),
             dict(type='FormatShape', input_format='NCTHW'), pack])[kind]
    model = recognizer(folder, 'rgb' if kind == 'rgb' else 'skeleton', **over)
    if kind == 'picture':
        model['backbone']['graph_cfg'] = dict(layout='coco', mode='spatial')
    return Config(dict(
        model=model, default_scope='mmaction', test_pipeline=pipeline,
        test_dataloader=dict(
            batch_size=4, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(pipeline=pipeline)),
        test_evaluator=[dict(type='AccMetric')], test_cfg=dict(
            type='TestLoop')))


def write_checkpoint(cfg, path, clips):
    """A checkpoint of a model that tells these clips apart, of the form that
    its pipeline takes; repeated, for each code needs a step."""
    pipeline = Compose(cfg.test_pipeline)
    clips = list(clips) * -(-K // (L * len(clips)))
    model = build_for_test(cfg.model.to_dict(), data=pseudo_collate(
        [pipeline({'label': i % len(CLASSES), **clip})
         for i, clip in enumerate(clips)]))
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)
