# python tools/train.py configs/lvlmvar_rgb_keyframes_ntu60_xsub.py
#
# lvlmvar_rgb_ntu60_xsub.py whose LLaVA also sees four keyframes of the clip
# through its own vision tower, 576 positions each. On one GPU of 80 GB: 8
# clips at a time, sixteen times for a step of 128. Never trained at full size
# by its authors.
_base_ = 'lvlmvar_rgb_ntu60_xsub.py'

model = dict(
    cls_head=dict(
        prompt='USER: {keyframes}\nSemantic action tokens of the clip: '
        '{tokens}\nName the action, then say why. ASSISTANT: '))

keyframes = dict(type='KeyFrames', num=4, size=336)
meta_keys = ('frame_dir', 'explanation', 'keyframes')
train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1),
    dict(type='DecordDecode'),
    keyframes,
    dict(type='Resize', scale=(-1, 256)),
    dict(type='RandomResizedCrop', area_range=(0.5, 1.0)),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1,
        test_mode=True),
    dict(type='DecordDecode'),
    keyframes,
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=meta_keys)
]
train_dataloader = dict(
    batch_size=8, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(accumulative_counts=16)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
