# python tools/train.py configs/baselines/stgcn_recipe_quickstart.py
#
# MMAction2's ST-GCN with its optimizer on the made sample,
# by the recipe of ../_base_/loaders/recipe.py.
_base_ = [
    'mmaction::skeleton/'
    'stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',
    '../_base_/loaders/sample_recipe.py'
]

model = dict(
    backbone=dict(base_channels=16),
    cls_head=dict(
        num_classes=10,
        in_channels=64,
        label_smooth_eps=_base_.recipe.label_smooth_eps))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = val_dataloader
train_cfg = _base_.data.train_cfg
param_scheduler = _base_.data.param_scheduler
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
