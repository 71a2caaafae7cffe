# python tools/train.py configs/baselines/stgcn_recipe_ntu60_xsub.py
#
# MMAction2's ST-GCN with its optimizer on NTU RGB+D,
# by the recipe of ../_base_/loaders/recipe.py.
_base_ = [
    'mmaction::skeleton/'
    'stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',
    '../_base_/loaders/ntu_recipe.py'
]

model = dict(
    cls_head=dict(
        num_classes=60, label_smooth_eps=_base_.recipe.label_smooth_eps))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = val_dataloader
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
