# python tools/train.py configs/lvlmvar_ntu60_xview.py
_base_ = 'lvlmvar_ntu60_xsub.py'

train_dataloader = dict(dataset=dict(split='xview_train'))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))
