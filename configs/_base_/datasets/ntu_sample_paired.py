# Videos of the made sample with their skeletons (see ntu_sample_skeleton.py),
# each through its own transforms. `missing='rgb'` or 'skeleton' of
# PairedTransforms leaves one of them out.
_base_ = ['ntu_sample_skeleton.py', 'pairs.py']

pairs = _base_.pairs
resample = dict(**pairs.resample, clip_len=32)
train_pipeline = [
    pairs.events,
    dict(
        type='PairedTransforms',
        rgb=[
            dict(type='DecordInit'),
            dict(type='UniformSample', clip_len=8),
            dict(type='ClipSpan'),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, 80)),
            dict(type='RandomCrop', size=72),
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
            dict(type='UniformSample', clip_len=8, test_mode=True),
            dict(type='ClipSpan'),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, 80)),
            dict(type='CenterCrop', crop_size=72),
            dict(type='FormatShape', input_format='NCTHW')
        ],
        skeleton=[
            pairs.align,
            dict(**resample, test_mode=True), *pairs.features
        ],
        missing=None),
    pairs.pack
]
train_dataloader = dict(dataset=dict(**pairs.dataset, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**pairs.dataset, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**pairs.dataset, pipeline=test_pipeline))
