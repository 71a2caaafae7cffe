# python tools/train.py configs/two_stage/lvlmvar_ntu120_xsub.py
#
# The second of two stages on NTU RGB+D 120: the language model learns to read
# tokens that no longer change, without backbone and neck in its way; for the
# same GPU and with the same steps of 128 clips. The first stage and what lies
# between:
#
#   python tools/train.py configs/lvlmvar_ntu120_xsub.py --work-dir STAGE1 \
#       --cfg-options custom_hooks.0.epochs=30
#   python tools/cache_tokens.py configs/lvlmvar_ntu120_xsub.py \
#       STAGE1/epoch_30.pth TOKENS
#
# STAGE1 is work_dirs/stage1_ntu120_xsub and TOKENS is
# data/ntu120_xsub_tokens.pkl, unless the environment says otherwise. The
# checkpoint is that of the whole model, and is tested with either config.
_base_ = '../lvlmvar_ntu120_xsub.py'

stage1 = '{{$STAGE1:work_dirs/stage1_ntu120_xsub}}'
load_from = f'{stage1}/epoch_30.pth'
model = dict(
    backbone=dict(
        _delete_=True, type='PassCodes', backbone={{_base_.model.backbone}}),
    data_preprocessor=dict(type='ActionDataPreprocessor', to_float32=False))
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='TokenDataset',
        ann_file='{{$TOKENS:data/ntu120_xsub_tokens.pkl}}'))

max_epochs = 4
train_cfg = dict(
    max_epochs=max_epochs, val_interval=1, dynamic_intervals=None)
in_epochs = dict(
    parts=['cls_head'], by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type='PartLinearLR', start_factor=0.01, end=0.5, **in_epochs),
    dict(type='PartCosineAnnealingLR', end=max_epochs, **in_epochs)
]
custom_hooks = [dict(type='TokenCacheHook')]
