# LVLM-VAR on pairs: the SlowOnly of lvlmvar_rgb.py on the video, a stock
# ST-GCN++ on the skeleton, each with a neck and a codebook of its own, and the
# tokens of both in one prompt.
_base_ = 'lvlmvar_rgb.py'

num_classes = 10
neck = dict(
    type='VSTNeck',
    num_tokens=8,
    quantizer=dict(switch_cost=0.02),
    aux_head=dict(num_classes=num_classes, label_smooth_eps=0.1))
model = dict(
    backbone=dict(
        _delete_=True,
        type='TwoBranchBackbone',
        rgb=_base_.model.backbone,
        skeleton=dict(
            type='STGCN',
            gcn_adaptive='init',
            gcn_with_res=True,
            tcn_type='mstcn',
            in_channels=6,  # joints and their motion
            base_channels=16,
            graph_cfg=dict(layout='nturgb+d', mode='spatial'))),
    neck=dict(
        _delete_=True,
        type='PairedNeck',
        # So that the model knows clips that lack one of the two.
        modality_drop=0.3,
        rgb=dict(**neck, in_channels=128, input_format='NCTHW'),
        skeleton=dict(**neck, in_channels=64, input_format='NMCTV')),
    # The channels of both.
    cls_head=dict(in_channels=128 + 64),
    data_preprocessor=dict(
        _delete_=True,
        type='PairedDataPreprocessor',
        preprocessors=dict(
            rgb=_base_.model.data_preprocessor,
            skeleton=dict(type='ActionDataPreprocessor'))))
