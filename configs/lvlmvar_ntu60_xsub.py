# python tools/train.py configs/lvlmvar_ntu60_xsub.py
#
# LVLM-VAR with LLaVA-1.5-13B on NTU RGB+D, cross-subject: the setting of the
# paper. NTU_ROOT=path/to/nturgbd says where the data lies. Built, and trained
# a step at small size, but never trained at full size by its authors.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_skeleton.py',
    '_base_/models/llava_13b.py', '_base_/schedules/adamw_cosine.py'
]

num_classes = 60
# The language model reads the tokens in the last four of the 30 epochs.
warmup_epochs = 26
max_epochs = 30

model = dict(
    backbone=dict(base_channels=64),
    neck=dict(
        in_channels=256,
        num_tokens=16,
        codebook_size=512,
        # Tokens are drawn to the words for what the body does meanwhile: more
        # of them earn a name.
        align=dict(loss_events=10.),
        aux_head=dict(num_classes=num_classes)),
    cls_head=dict(
        in_channels=256, num_classes=num_classes, class_names='ntu60'))

train_cfg = dict(
    max_epochs=max_epochs, val_begin=warmup_epochs + 1, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=500),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True)
]
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
optim_wrapper = dict(
    optimizer=dict(lr=1e-3),
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head.lvlm': dict(lr_mult=2., decay_mult=0.),
            'cls_head.projector': dict(lr_mult=4., decay_mult=0.),
        }))
auto_scale_lr = dict(enable=False, base_batch_size=128)
val_evaluator = [
    dict(type='AccMetric'),
    dict(type='TokenMetric', codebook_size=512)
]
test_evaluator = val_evaluator
