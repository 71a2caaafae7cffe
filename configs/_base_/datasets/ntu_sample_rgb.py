# The videos of the made sample (see ntu_sample_skeleton.py), through
# MMAction2's own transforms.
_base_ = 'ntu_sample_skeleton.py'

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=6, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 80)),
    dict(type='RandomCrop', size=72),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames', clip_len=8, frame_interval=6, num_clips=1,
        test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 80)),
    dict(type='CenterCrop', crop_size=72),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
videos = dict(type='NTURGBDVideoDataset')
train_dataloader = dict(dataset=dict(**videos, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**videos, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**videos, pipeline=test_pipeline))
