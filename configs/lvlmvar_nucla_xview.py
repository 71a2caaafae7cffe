# python tools/train.py configs/lvlmvar_nucla_xview.py
#
# LVLM-VAR with SmolLM2-135M on Northwestern-UCLA, cross-view, from scratch.
# NUCLA_PKL=path/to/nucla_3d.pkl says where the data lies.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/nucla_xview.py',
    '_base_/models/lvlmvar_skeleton.py', '_base_/schedules/adamw_cosine.py'
]

# The backbone and the codebook first. The language model reads the tokens in
# the last eight of the 60 epochs, in which the codebook stands still, and
# backbone and neck hardly move.
warmup_epochs = 52
max_epochs = 60

model = dict(
    backbone=dict(
        graph_cfg=dict(_delete_=True, layout={{_base_.kinect20}},
                       mode='spatial')),
    # Tokens are drawn to the words for what the body does meanwhile: more of
    # them earn a name.
    neck=dict(align=dict(loss_events=10.)))
train_cfg = dict(dynamic_intervals=[(warmup_epochs + 1, 1)])
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
# The language model has a schedule of its own, from when it reads.
optim_wrapper = dict(
    constructor='PartwiseOptimWrapperConstructor',
    paramwise_cfg=dict(
        parts={
            'cls_head': dict(lr=4e-4, decay_mult=0.),
            'cls_head.projector': dict(lr=1e-3, decay_mult=0.),
        }))
in_epochs = dict(by_epoch=True, convert_to_iter_based=True)
warm = dict(type='PartLinearLR', start_factor=0.01, **in_epochs)
cosine = dict(type='PartCosineAnnealingLR', **in_epochs)
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**warm, parts=['rest'], end=3),
    dict(**cosine, parts=['rest'], end=warmup_epochs, eta_min_ratio=0.001),
    dict(**warm, **reading, end=warmup_epochs + 1),
    dict(**cosine, **reading, end=max_epochs)
]
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator
