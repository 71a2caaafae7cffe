# python tools/train.py configs/lvlmvar_paired_ntu60_xsub.py
#
# Video and skeleton in one model: the backbones, necks and pipelines of
# lvlmvar_rgb_ntu60_xsub.py and lvlmvar_ntu60_xsub.py side by side, the tokens
# of both in one prompt. NTU_ROOT holds nturgb+d_rgb and nturgb+d_skeletons. On
# one GPU of 80 GB: 8 clips at a time, 16 times for a step of 128. Either
# modality may be missing in tests:
# --cfg-options test_dataloader.dataset.pipeline.1.missing=skeleton. Never
# trained at full size by its authors.
_base_ = [
    'lvlmvar_rgb_ntu60_xsub.py', '_base_/datasets/pairs.py',
    '_base_/models/pairs.py'
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='TwoBranchBackbone',
        rgb=_base_.model.backbone,
        skeleton=dict(**_base_.stgcnpp, base_channels=64)),
    neck=_base_.necks.ntu,
    cls_head=dict(in_channels=2048 + 256),
    data_preprocessor=dict(
        _delete_=True,
        type='PairedDataPreprocessor',
        preprocessors=dict(rgb=_base_.model.data_preprocessor)))

custom_hooks = [
    dict(type='LVLMWarmupHook', epochs={{_base_.warmup_epochs}}),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]

train_dataloader = dict(batch_size=8, dataset=_base_.pairs.ntu.train)
optim_wrapper = dict(accumulative_counts=16)
val_dataloader = dict(dataset=_base_.pairs.ntu.test)
test_dataloader = dict(dataset=_base_.pairs.ntu.test)
