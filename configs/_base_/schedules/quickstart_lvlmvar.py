# The same for LVLM-VAR: the language model reads the tokens in the last two
# epochs.
_base_ = 'quickstart.py'

warmup_epochs = 10
max_epochs = 12
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=5,
    dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook')
]
# The language model has a schedule of its own, from when it reads.
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(parts={'cls_head': dict(lr=2e-3, decay_mult=0.)}))
in_epochs = dict(by_epoch=True, convert_to_iter_based=True)
warm = dict(type='PartLinearLR', start_factor=0.01, **in_epochs)
cosine = dict(type='PartCosineAnnealingLR', **in_epochs)
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**warm, parts=['rest'], end=1),
    dict(**cosine, parts=['rest'], end=warmup_epochs, eta_min_ratio=0.001),
    dict(**warm, **reading, end=warmup_epochs + 0.5),
    dict(**cosine, **reading, end=max_epochs)
]
