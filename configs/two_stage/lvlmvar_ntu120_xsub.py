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
# data/ntu120_xsub_tokens.npz, unless the environment says otherwise. The
# checkpoint is that of the whole model, and is tested with either config.
_base_ = 'lvlmvar_ntu60_xsub.py'

stage1 = '{{$STAGE1:work_dirs/stage1_ntu120_xsub}}'
load_from = f'{stage1}/epoch_30.pth'
train_dataloader = dict(
    dataset=dict(ann_file='{{$TOKENS:data/ntu120_xsub_tokens.npz}}'))

# As in ../lvlmvar_ntu120_xsub.py.
model = dict(
    neck=dict(aux_head=dict(num_classes=120)),
    cls_head=dict(num_classes=120, class_names='ntu120'))
ntu120 = dict(benchmark='ntu120', class_names='ntu120')
val_dataloader = test_dataloader = dict(dataset=ntu120)
