# python tools/train.py configs/baselines/stgcnpp_nucla_xview.py
#
# Stock ST-GCN++ (RecognizerGCN, GCNHead) with the backbone, the data, the
# augmentation and the schedule of lvlmvar_nucla_xview.py.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/nucla_xview.py',
    '../_base_/schedules/adamw_cosine.py'
]

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        in_channels=6,
        base_channels=32,
        graph_cfg=dict(layout={{_base_.kinect20}}, mode='spatial')),
    cls_head=dict(
        type='GCNHead', num_classes=10, in_channels=128,
        label_smooth_eps=0.1))
