# python tools/train.py configs/lvlmvar_quickstart.py
#
# The whole of LVLM-VAR on two CPU cores in minutes: ST-GCN++, VST neck and
# SmolLM2-135M on a made sample in the layout of NTU RGB+D. Run
# `python tools/fetch_smollm2.py` once before.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_skeleton.py',
    '_base_/models/lvlmvar_skeleton.py', '_base_/schedules/adamw_cosine.py'
]

# The language model reads the tokens in the last three epochs.
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
