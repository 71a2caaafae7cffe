# python tools/train.py configs/baselines/slowonly_quickstart.py
#
# A small stock SlowOnly (Recognizer3D, I3DHead) on the videos of the made
# sample, as lvlmvar_rgb_quickstart.py sees them.
_base_ = [
    'mmaction::_base_/models/slowonly_r50.py',
    '../_base_/default_runtime.py', '../_base_/datasets/ntu_sample_rgb.py',
    '../_base_/schedules/quickstart.py'
]

model = dict(
    backbone=dict(depth=18, base_channels=16, pretrained=None),
    cls_head=dict(in_channels=128, num_classes=10))
