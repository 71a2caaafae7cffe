# python tools/train.py configs/two_stage/lvlmvar_ntu60_xsub.py
#
# The second of two stages on NTU RGB+D: the language model learns to read
# tokens that no longer change, without backbone and neck in its way; for the
# same GPU and with the same steps of 128 clips. The first stage and what lies
# between:
#
#   python tools/train.py configs/lvlmvar_ntu60_xsub.py --work-dir STAGE1 \
#       --cfg-options custom_hooks.0.epochs=30
#   python tools/cache_tokens.py configs/lvlmvar_ntu60_xsub.py \
#       STAGE1/epoch_30.pth TOKENS
#
# STAGE1 is work_dirs/stage1_ntu60_xsub and TOKENS is
# data/ntu60_xsub_tokens.npz, unless the environment says otherwise. The
# checkpoint is that of the whole model, and is tested with either config.
_base_ = ['../lvlmvar_ntu60_xsub.py', '../_base_/schedules/second_stage.py']

stage1 = '{{$STAGE1:work_dirs/stage1_ntu60_xsub}}'
load_from = f'{stage1}/epoch_30.pth'
model = dict(
    backbone=dict(
        _delete_=True, type='PassCodes', backbone={{_base_.model.backbone}}),
    data_preprocessor=_base_.second_stage.data_preprocessor)

max_epochs = 4
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='TokenDataset',
        ann_file='{{$TOKENS:data/ntu60_xsub_tokens.npz}}'))
train_cfg = dict(max_epochs=max_epochs, **_base_.second_stage.train_cfg)
param_scheduler = [
    dict(**_base_.second_stage.warm, end=0.5),
    dict(**_base_.second_stage.cosine, end=max_epochs)
]
custom_hooks = _base_.second_stage.custom_hooks
