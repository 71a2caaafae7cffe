# python tools/train.py configs/lvlmvar_ntu60_xsub.py
#
# LVLM-VAR with LLaVA-1.5-13B on NTU RGB+D, cross-subject: the setting of the
# paper. NTU_ROOT=path/to/nturgbd says where the data lies. As it is, it is for
# one GPU of 80 GB: 16 clips at a time, eight times for a step of 128; see
# configs/scale/ for other machines, where a step is of 128 clips, too. Built,
# and trained a step at small size, but never trained at full size by its
# authors.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_skeleton.py',
    '_base_/models/llava_13b.py', '_base_/schedules/adamw_cosine.py'
]

num_classes = 60
# The language model reads the tokens in the last four of the 30 epochs.
warmup_epochs = 26
max_epochs = 30

model = dict(
    backbone=dict(base_channels=64),
    neck=dict(
        in_channels=256,
        num_tokens=16,
        codebook_size=512,
        # Tokens are drawn to the words for what the body does meanwhile: more
        # of them earn a name.
        align=dict(loss_events=10.),
        aux_head=dict(num_classes=num_classes)),
    cls_head=dict(
        in_channels=256,
        num_classes=num_classes,
        class_names='ntu60',
        # Reading all names would be most of the work.
        num_negatives=15))

train_dataloader = dict(batch_size=16)
# While the language model waits, the tokens are validated now and then.
train_cfg = dict(
    max_epochs=max_epochs,
    val_interval=5,
    dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
# The language model has a schedule of its own, from when it reads. In epochs,
# schedules are the same whatever the accumulation.
optim_wrapper = dict(
    accumulative_counts=8,
    optimizer=dict(lr=1e-3),
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head': dict(lr=2e-4, decay_mult=0.),
            'cls_head.projector': dict(lr=4e-4, decay_mult=0.),
        }))
in_epochs = dict(by_epoch=True, convert_to_iter_based=True)
warm = dict(type='PartLinearLR', start_factor=0.01, **in_epochs)
cosine = dict(type='PartCosineAnnealingLR', **in_epochs)
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**warm, parts=['rest'], end=2),
    dict(**cosine, parts=['rest'], end=warmup_epochs, eta_min_ratio=0.001),
    dict(**warm, **reading, end=warmup_epochs + 0.5),
    dict(**cosine, **reading, end=max_epochs)
]
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator
