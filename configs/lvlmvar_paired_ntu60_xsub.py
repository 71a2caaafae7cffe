# python tools/train.py configs/lvlmvar_paired_ntu60_xsub.py
#
# Video and skeleton in one model: the backbones, necks and pipelines of
# lvlmvar_rgb_ntu60_xsub.py and lvlmvar_ntu60_xsub.py side by side, the tokens
# of both in one prompt. NTU_ROOT holds nturgb+d_rgb and nturgb+d_skeletons. On
# one GPU of 80 GB: 8 clips at a time, 16 times for a step of 128. Either
# modality may be missing in tests:
# --cfg-options test_dataloader.dataset.pipeline.1.missing=skeleton. Never
# trained at full size by its authors.
_base_ = ['lvlmvar_rgb_ntu60_xsub.py', '_base_/datasets/pairs.py']

pairs = _base_.pairs
neck = dict(
    type='VSTNeck',
    num_tokens=16,
    codebook_size=512,
    quantizer=dict(switch_cost=0.02),
    # Tokens of both are drawn to the words for what the body does meanwhile.
    align=dict(loss_events=10.),
    aux_head=dict(num_classes=60, label_smooth_eps=0.1))
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
            base_channels=64,
            graph_cfg=dict(layout='nturgb+d', mode='spatial'))),
    neck=dict(
        _delete_=True,
        type='PairedNeck',
        modality_drop=0.3,
        rgb=dict(**neck, in_channels=2048, input_format='NCTHW'),
        skeleton=dict(**neck, in_channels=256, input_format='NMCTV')),
    cls_head=dict(in_channels=2048 + 256),
    data_preprocessor=dict(
        _delete_=True,
        type='PairedDataPreprocessor',
        preprocessors=dict(
            rgb=_base_.model.data_preprocessor,
            skeleton=dict(type='ActionDataPreprocessor'))))

custom_hooks = [
    dict(type='LVLMWarmupHook', epochs={{_base_.warmup_epochs}}),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]

resample = dict(**pairs.resample, clip_len=64)
train_pipeline = [
    pairs.events,
    dict(
        type='PairedTransforms',
        rgb=[
            dict(type='DecordInit'),
            dict(type='UniformSample', clip_len=16),
            dict(type='ClipSpan'),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, 256)),
            dict(type='RandomResizedCrop', area_range=(0.5, 1.0)),
            dict(type='Resize', scale=(224, 224), keep_ratio=False),
            dict(type='FormatShape', input_format='NCTHW')
        ],
        skeleton=[pairs.align, resample, pairs.view, *pairs.features]),
    pairs.pack
]
test_pipeline = [
    pairs.events,
    dict(
        type='PairedTransforms',
        rgb=[
            dict(type='DecordInit'),
            dict(type='UniformSample', clip_len=16, test_mode=True),
            dict(type='ClipSpan'),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, 256)),
            dict(type='CenterCrop', crop_size=224),
            dict(type='FormatShape', input_format='NCTHW')
        ],
        skeleton=[
            pairs.align,
            dict(**resample, test_mode=True), *pairs.features
        ],
        missing=None),
    pairs.pack
]
train_dataloader = dict(
    batch_size=8, dataset=dict(**pairs.dataset, pipeline=train_pipeline))
optim_wrapper = dict(accumulative_counts=16)
val_dataloader = dict(dataset=dict(**pairs.dataset, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**pairs.dataset, pipeline=test_pipeline))
