# python tools/train.py configs/lvlmvar_rgb_quickstart.py
#
# LVLM-VAR on the videos of the made sample: the neck, the head and the
# schedule of lvlmvar_quickstart.py behind a small stock SlowOnly.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_rgb.py',
    '_base_/models/lvlmvar_rgb.py', '_base_/schedules/adamw_cosine.py'
]

warmup_epochs = 8
max_epochs = 11

model = dict(
    cls_head=dict(class_names={{_base_.class_names}}, num_classes=10))
train_cfg = dict(
    max_epochs=max_epochs, val_begin=warmup_epochs + 1, val_interval=1)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=30),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        by_epoch=True,
        convert_to_iter_based=True)
]
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='SkippedSamplesHook')
]
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head.lvlm': dict(lr_mult=2., decay_mult=0.),
            'cls_head.projector': dict(lr_mult=5., decay_mult=0.),
        }))
