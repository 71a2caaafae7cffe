# python tools/train.py configs/baselines/2s-agcn_stock_nucla_xview.py
#
# MMAction2's 2s-AGCN on Northwestern-UCLA with its own
# preprocessing, optimizer and schedule.
_base_ = [
    'mmaction::skeleton/'
    '2s-agcn/2s-agcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py',
    '../_base_/loaders/nucla_stock.py'
]

model = dict(
    backbone=dict(
        num_person=1,  # AAGCN normalises each person apart
        graph_cfg=dict(
            _delete_=True, layout=_base_.data.layout, mode='spatial')),
    cls_head=dict(num_classes=10))
train_dataloader = dict(_delete_=True, **_base_.data.train)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = dict(_delete_=True, **_base_.data.test)
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
