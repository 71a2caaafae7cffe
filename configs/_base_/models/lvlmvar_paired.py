# LVLM-VAR on pairs: the SlowOnly of lvlmvar_rgb.py on the video, a stock
# ST-GCN++ on the skeleton, each with a neck and a codebook of its own, and the
# tokens of both in one prompt.
_base_ = ['lvlmvar_rgb.py', 'pairs.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='TwoBranchBackbone',
        rgb=_base_.model.backbone,
        skeleton=dict(**_base_.stgcnpp, base_channels=16)),
    neck=_base_.necks.sample,
    cls_head=dict(in_channels=128 + 64),
    data_preprocessor=dict(
        _delete_=True,
        type='PairedDataPreprocessor',
        preprocessors=dict(rgb=_base_.model.data_preprocessor)))
