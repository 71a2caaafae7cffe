# python tools/train.py configs/two_stage/lvlmvar_nucla_xview.py
#
# The second of two stages: the language model learns to read tokens that no
# longer change, without backbone and neck in its way. The first stage and
# what lies between:
#
#   python tools/train.py configs/lvlmvar_nucla_xview.py --work-dir STAGE1 \
#       --cfg-options custom_hooks.0.epochs=60
#   python tools/cache_tokens.py configs/lvlmvar_nucla_xview.py \
#       STAGE1/epoch_60.pth TOKENS
#
# STAGE1 is work_dirs/stage1 and TOKENS is data/nucla_tokens.npz, unless the
# environment says otherwise. The checkpoint is that of the whole model, and
# is tested with either config.
_base_ = ['../lvlmvar_nucla_xview.py', '../_base_/schedules/second_stage.py']

stage1 = '{{$STAGE1:work_dirs/stage1}}'
load_from = f'{stage1}/epoch_60.pth'
model = dict(
    backbone=dict(
        _delete_=True, type='PassCodes', backbone={{_base_.model.backbone}}),
    data_preprocessor=_base_.second_stage.data_preprocessor)

max_epochs = 8
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='TokenDataset',
        ann_file='{{$TOKENS:data/nucla_tokens.npz}}'))
train_cfg = dict(max_epochs=max_epochs, **_base_.second_stage.train_cfg)
param_scheduler = [
    dict(**_base_.second_stage.warm, end=1),
    dict(**_base_.second_stage.cosine, end=max_epochs)
]
custom_hooks = _base_.second_stage.custom_hooks
