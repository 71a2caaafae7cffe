# python tools/train.py configs/baselines/posec3d_nucla_xview.py
#
# MMAction2's PoseC3D with its optimizer and schedule on pictures of the
# skeletons of Northwestern-UCLA.
_base_ = [
    'mmaction::skeleton/'
    'posec3d/slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py',
    '../_base_/loaders/nucla_picture.py'
]

model = dict(
    backbone=dict(in_channels=20),
    cls_head=dict(num_classes=10))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = dict(_delete_=True, **_base_.data.test)
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
