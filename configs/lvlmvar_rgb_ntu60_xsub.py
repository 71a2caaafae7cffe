# python tools/train.py configs/lvlmvar_rgb_ntu60_xsub.py
#
# The RGB sibling of lvlmvar_ntu60_xsub.py: a stock SlowOnly-R50 on the
# *_rgb.avi of NTU_ROOT/nturgb+d_rgb, on one GPU of 80 GB: 16 clips at a time,
# eight times for a step of 128. Never trained at full size by its authors.
_base_ = 'lvlmvar_ntu60_xsub.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet3dSlowOnly',
        depth=50,
        # ImageNet weights, taken from the address by MMEngine.
        pretrained='https://download.pytorch.org/models/resnet50-11ad3fa6.pth',
        lateral=False,
        conv1_kernel=(1, 7, 7),
        conv1_stride_t=1,
        pool1_stride_t=1,
        inflate=(0, 0, 1, 1),
        norm_eval=False),
    # Without skeletons there are no body-part events to align with.
    neck=dict(input_format='NCTHW', in_channels=2048, align=None),
    cls_head=dict(in_channels=2048),
    data_preprocessor=dict(
        type='ActionDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        format_shape='NCTHW'))

custom_hooks = [
    dict(type='LVLMWarmupHook', epochs={{_base_.warmup_epochs}}),
    dict(type='CodeNamesHook')
]

train_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='RandomResizedCrop', area_range=(0.5, 1.0)),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
test_pipeline = [
    dict(type='DecordInit'),
    dict(
        type='SampleFrames', clip_len=16, frame_interval=4, num_clips=1,
        test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', 'explanation'))
]
videos = dict(type='NTURGBDVideoDataset')
train_dataloader = dict(dataset=dict(**videos, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(**videos, pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(**videos, pipeline=test_pipeline))
