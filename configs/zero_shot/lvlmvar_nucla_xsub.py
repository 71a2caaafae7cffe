# ROTATION=0 python tools/train.py configs/zero_shot/lvlmvar_nucla_xsub.py \
#     --work-dir work_dirs/zero_shot0
#
# Zero-shot on Northwestern-UCLA, cross-subject: seven classes are seen in
# training, three are not, every third one. ROTATION is 0, 1 or 2. Tests score
# the names of all ten; ZeroShotMetric gives both ways of choosing.
_base_ = '../lvlmvar_nucla_xsub.py'

rotation = int('{{$ROTATION:0}}')
unseen = list(range(rotation, 9, 3))
seen = [label for label in range(10) if label not in unseen]

warmup_epochs = 24
max_epochs = 30
model = dict(cls_head=dict(unseen=unseen))
train_dataloader = dict(dataset=dict(only=seen))
val_evaluator = [
    dict(type='ZeroShotMetric', unseen=unseen),
    dict(type='TokenMetric')
]
test_evaluator = val_evaluator
default_hooks = dict(
    checkpoint=dict(save_best=None))
train_cfg = dict(max_epochs=max_epochs, val_begin=max_epochs)
in_epochs = dict(by_epoch=True, convert_to_iter_based=True)
warm = dict(type='PartLinearLR', start_factor=0.01, **in_epochs)
cosine = dict(type='PartCosineAnnealingLR', **in_epochs)
reading = dict(parts=['cls_head'], begin=warmup_epochs)
param_scheduler = [
    dict(**warm, parts=['rest'], end=2),
    dict(**cosine, parts=['rest'], end=warmup_epochs, eta_min_ratio=0.001),
    dict(**warm, **reading, end=warmup_epochs + 1),
    dict(**cosine, **reading, end=max_epochs)
]
custom_hooks = [
    dict(type='LVLMWarmupHook', epochs=warmup_epochs),
    dict(type='CodeNamesHook'),
    dict(type='SemanticAlignmentHook')
]
