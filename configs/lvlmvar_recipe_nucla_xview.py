# python tools/train.py configs/lvlmvar_recipe_nucla_xview.py
#
# lvlmvar_nucla_xview.py by the recipe of _base_/loaders/recipe.py: backbone,
# data and number of updates are those of
# baselines/stgcnpp_recipe_nucla_xview.py at width 32 (as configs/benchmarks/
# trains it). lvlmvar_from_baseline_nucla_xview.py begins with such a
# checkpoint.
_base_ = ['lvlmvar_nucla_xview.py', '_base_/loaders/nucla_recipe.py']

# Of five passes each; the language model reads in the last two.
warmup_epochs = 63
max_epochs = 65

model = dict(
    backbone=dict(in_channels=3),  # joints alone
    neck=dict(num_tokens=13))  # of 52 frames the backbone leaves as many
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = val_dataloader
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=5,
    dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
optim_wrapper = dict(optimizer=dict(lr=1e-3))  # half as many clips in a step
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**_base_.warm, parts=['rest'], end=1),
    dict(**_base_.cosine, parts=['rest'], end=warmup_epochs,
         eta_min_ratio=0.001),
    dict(**_base_.warm, **reading, end=warmup_epochs + 0.25),
    dict(**_base_.cosine, **reading, end=max_epochs)
]
