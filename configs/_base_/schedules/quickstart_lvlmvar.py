# The same for LVLM-VAR: the language model reads the tokens in the last three
# epochs.
_base_ = 'quickstart.py'

warmup_epochs = 8
train_cfg = dict(val_begin=warmup_epochs + 1, val_interval=1)
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook')
]
# At that point of the cosine the base rate is down to 3e-4.
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head.lvlm': dict(lr_mult=6., decay_mult=0.),
            'cls_head.projector': dict(lr_mult=4., decay_mult=0.),
        }))
