# python tools/train.py configs/lvlmvar_ntu120_xset.py
#
# lvlmvar_ntu120_xsub.py, cross-setup. On one GPU of 80 GB, a step of 128
# clips.
_base_ = 'lvlmvar_ntu120_xsub.py'

train_dataloader = dict(dataset=dict(split='xset_train'))
val_dataloader = dict(dataset=dict(split='xset_val'))
test_dataloader = dict(dataset=dict(split='xset_val'))
