# python tools/train.py configs/baselines/posec3d_quickstart.py
#
# MMAction2's PoseC3D with its optimizer and schedule on pictures of the
# skeletons of the made sample.
_base_ = [
    'mmaction::skeleton/'
    'posec3d/slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py',
    '../_base_/loaders/sample_picture.py'
]

model = dict(
    backbone=dict(in_channels=25, base_channels=8),
    cls_head=dict(num_classes=10, in_channels=128))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = dict(_delete_=True, **_base_.data.test)
train_cfg = _base_.data.train_cfg
param_scheduler = [
    dict(
        type='CosineAnnealingLR',
        T_max=12,
        by_epoch=True,
        convert_to_iter_based=True)
]
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
