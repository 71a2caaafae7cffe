# Videos of the made sample with their skeletons (see ntu_sample_skeleton.py),
# each through its own transforms. `missing='rgb'` or 'skeleton' of
# PairedTransforms leaves one of them out.
_base_ = 'ntu_sample_skeleton.py'

clip_len = 32
events = dict(type='BodyPartEvents', layout='ntu25', fps=30)
align = dict(
    type='AlignSkeleton3D',
    center=1,
    torso=(0, 20),
    left_right=[(4, 8), (12, 16)])
resample = dict(type='ResampleFrames', clip_len=clip_len, part=(1., 1.))
features = [
    dict(type='SkeletonFeatures', feats=['j', 'jm']),
    dict(type='FormatGCNInput', num_person=2)
]
pack = dict(
    type='PackActionInputs',
    collect_keys=('rgb', 'skeleton'),
    meta_keys=('frame_dir', 'explanation', 'events', 'decidable', 'span'))
train_pipeline = [
    events,
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
        skeleton=[
            align, resample,
            dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1),
            *features
        ]),
    pack
]
test_pipeline = [
    events,
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
        skeleton=[align, dict(**resample, test_mode=True), *features],
        missing=None),
    pack
]
pairs = dict(type='NTURGBDPairedDataset')
train_dataloader = dict(dataset=dict(**pairs, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**pairs, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**pairs, pipeline=test_pipeline))
