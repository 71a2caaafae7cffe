# The same for LVLM-VAR: the language model reads the tokens in the last two
# epochs.
_base_ = 'quickstart.py'

warmup_epochs = 10
train_cfg = dict(val_begin=warmup_epochs + 1, val_interval=1)
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook')
]
# At that point of the cosine the base rate is down to 1e-4.
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head.lvlm': dict(lr_mult=12., decay_mult=0.),
            'cls_head.projector': dict(lr_mult=10., decay_mult=0.),
        }))
