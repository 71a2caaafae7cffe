# A small MADE sample in the format of NTU RGB+D (stick figures, nobody was
# recorded), written to data/ntu_sample on first use. Ten of NTU's actions,
# cross-subject: six performers train, four test.
_base_ = 'ntu_sample_classes.py'

data_root = '{{$NTU_SAMPLE:data/ntu_sample}}'
clip_len = 32

# What the joints do names the codes.
events = dict(type='BodyPartEvents', layout='ntu25', fps=30)
align = dict(
    type='AlignSkeleton3D',
    center=1,
    torso=(0, 20),
    left_right=[(4, 8), (12, 16)])
features = [
    dict(type='SkeletonFeatures', feats=['j', 'jm']),
    dict(type='FormatGCNInput', num_person=2),
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span'))
]
train_pipeline = [
    events,
    align,
    dict(type='ResampleFrames', clip_len=clip_len, part=(0.7, 1.0)),
    dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1), *features
]
test_pipeline = [
    events,
    align,
    dict(type='ResampleFrames', clip_len=clip_len, test_mode=True), *features
]

dataset = dict(
    type='NTURGBDSkeletonDataset',
    data_root=data_root,
    benchmark='ntu60',
    actions=_base_.actions,
    class_names=_base_.class_names,
    make_sample=True)
train_dataloader = dict(
    batch_size=12,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, split='xsub_train', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=24,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset, split='xsub_val', pipeline=test_pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
