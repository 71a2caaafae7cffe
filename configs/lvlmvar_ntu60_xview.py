# python tools/train.py configs/lvlmvar_ntu60_xview.py
#
# lvlmvar_ntu60_xsub.py, cross-view. On one GPU of 80 GB, a step of 128 clips.
_base_ = 'lvlmvar_ntu60_xsub.py'

train_dataloader = dict(dataset=dict(split='xview_train'))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))
