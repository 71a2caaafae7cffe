# python tools/train.py configs/baselines/stgcn_stock_quickstart.py
#
# MMAction2's ST-GCN on the made sample with its own
# preprocessing, optimizer and schedule.
_base_ = [
    'mmaction::skeleton/'
    'stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',
    '../_base_/loaders/sample_stock.py'
]

model = dict(
    backbone=dict(base_channels=16),
    cls_head=dict(num_classes=10, in_channels=64))
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
