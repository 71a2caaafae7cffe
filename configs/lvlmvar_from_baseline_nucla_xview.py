# python tools/train.py configs/lvlmvar_from_baseline_nucla_xview.py
#
# LVLM-VAR by the recipe that begins with a trained baseline, whose path
# BASELINE says: baselines/stgcnpp_recipe_nucla_xview.py of width 32, as
# benchmarks/nucla_xview.py trains it. The backbone is taken, the classifier is
# left out. Neck and codebook are learned in two epochs of three passes each,
# and the language model reads in a third.
_base_ = 'lvlmvar_recipe_nucla_xview.py'

load_from = '{{$BASELINE:data/baseline.pth}}'
warmup_epochs = 2
max_epochs = 3

train_dataloader = dict(dataset=dict(times=3))
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=1,
    dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
# The backbone has ended its own schedule, the neck begins.
optim_wrapper = dict(
    optimizer=dict(lr=3e-4),
    paramwise_cfg=dict(parts=dict(neck=dict(lr=2e-3))))
trained = dict(parts=['rest', 'neck'])
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**_base_.warm, **trained, end=0.25),
    dict(**_base_.cosine, **trained, end=warmup_epochs, eta_min_ratio=0.001),
    dict(**_base_.warm, **reading, end=warmup_epochs + 0.25),
    dict(**_base_.cosine, **reading, end=max_epochs)
]
