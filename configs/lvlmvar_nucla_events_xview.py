# python tools/train.py configs/lvlmvar_nucla_events_xview.py
#
# lvlmvar_nucla_xview.py with tokens that are also drawn to the words for what
# the body does meanwhile, and from which the features can be made again: more
# codes earn a name, and they flicker less.
_base_ = 'lvlmvar_nucla_xview.py'

model = dict(
    neck=dict(
        align=dict(loss_events=10.),
        reconstruct=dict(loss_features=1., loss_velocity=1.)))
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs={{_base_.warmup_epochs}}),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
