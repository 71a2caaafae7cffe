# python tools/train.py configs/few_clips/event_counts_nucla_xview.py
#
# The plain interpretable baseline on Northwestern-UCLA, cross-view: a linear
# layer on the strengths of the body-part events, a minute on a CPU.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/nucla_xview.py',
    '../_base_/schedules/adamw_cosine.py'
]

model = dict(
    type='RecognizerGCN',
    backbone=dict(type='EventNorm'),
    cls_head=dict(type='EventCountHead', num_classes=10))

pipeline = [
    {{_base_.events}},
    dict(type='EventStrengths'),
    dict(type='PackActionInputs',
         meta_keys=('frame_dir', 'events', 'decidable'))
]
train_dataloader = dict(num_workers=0, persistent_workers=False,
                        dataset=dict(pipeline=pipeline))
val_dataloader = dict(num_workers=0, persistent_workers=False,
                      dataset=dict(pipeline=pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=0.01, weight_decay=0.1))
