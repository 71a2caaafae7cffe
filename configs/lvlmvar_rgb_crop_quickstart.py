# python tools/train.py configs/lvlmvar_rgb_crop_quickstart.py
#
# lvlmvar_rgb_quickstart.py on the persons alone: each clip is cropped to where
# its skeleton stands, so that the few pixels show bodies, not the room. What
# the joints do meanwhile names the codes.
_base_ = 'lvlmvar_rgb_quickstart.py'

events = dict(type='BodyPartEvents', layout='ntu25', fps=30)
sample = dict(type='SampleFrames', clip_len=8, frame_interval=6, num_clips=1)
pack = [
    dict(type='Resize', scale=(72, 72), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span'))
]
train_pipeline = [
    events,
    dict(type='DecordInit'), sample,
    dict(type='ClipSpan'),
    dict(type='DecordDecode'),
    dict(type='PersonCrop', jitter=0.1), *pack
]
test_pipeline = [
    events,
    dict(type='DecordInit'),
    dict(**sample, test_mode=True),
    dict(type='ClipSpan'),
    dict(type='DecordDecode'),
    dict(type='PersonCrop'), *pack
]
pairs = dict(type='NTURGBDPairedDataset')
train_dataloader = dict(dataset=dict(**pairs, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**pairs, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**pairs, pipeline=test_pipeline))
