# python tools/train.py configs/lvlmvar_ntu120_xset.py
_base_ = 'lvlmvar_ntu120_xsub.py'

train_dataloader = dict(dataset=dict(split='xset_train'))
val_dataloader = dict(dataset=dict(split='xset_val'))
test_dataloader = dict(dataset=dict(split='xset_val'))
