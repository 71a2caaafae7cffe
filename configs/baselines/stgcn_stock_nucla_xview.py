# python tools/train.py configs/baselines/stgcn_stock_nucla_xview.py
#
# MMAction2's ST-GCN on Northwestern-UCLA with its own
# preprocessing, optimizer and schedule.
_base_ = [
    'mmaction::skeleton/'
    'stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',
    '../_base_/loaders/nucla_stock.py'
]

model = dict(
    backbone=dict(
        graph_cfg=dict(
            _delete_=True, layout=_base_.data.layout, mode='stgcn_spatial')),
    cls_head=dict(num_classes=10))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = dict(_delete_=True, **_base_.data.test)
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
