# python tools/train.py configs/baselines/stgcnpp_quickstart.py
#
# Stock ST-GCN++ on the made sample, as lvlmvar_quickstart.py sees it.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/ntu_sample_skeleton.py',
    '../_base_/schedules/quickstart.py'
]

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='STGCN',
        gcn_adaptive='init',
        gcn_with_res=True,
        tcn_type='mstcn',
        in_channels=6,
        base_channels=16,
        graph_cfg=dict(layout='nturgb+d', mode='spatial')),
    cls_head=dict(
        type='GCNHead', num_classes=10, in_channels=64,
        label_smooth_eps=0.1))
