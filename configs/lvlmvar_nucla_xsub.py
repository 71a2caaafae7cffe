# python tools/train.py configs/lvlmvar_nucla_xsub.py
#
# lvlmvar_nucla_xview.py, cross-subject: performers of odd numbers train, those
# of even numbers test.
_base_ = 'lvlmvar_nucla_xview.py'

train_dataloader = dict(dataset=dict(split='xsub_train'))
val_dataloader = dict(dataset=dict(split='xsub_val'))
test_dataloader = val_dataloader
