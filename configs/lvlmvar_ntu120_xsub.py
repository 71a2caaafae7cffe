# python tools/train.py configs/lvlmvar_ntu120_xsub.py
#
# lvlmvar_ntu60_xsub.py on NTU RGB+D 120, cross-subject. On one GPU of 80 GB, a
# step of 128 clips.
_base_ = 'lvlmvar_ntu60_xsub.py'

model = dict(
    neck=dict(aux_head=dict(num_classes=120)),
    cls_head=dict(num_classes=120, class_names='ntu120'))
ntu120 = dict(benchmark='ntu120', class_names='ntu120')
train_dataloader = dict(dataset=ntu120)
val_dataloader = dict(dataset=ntu120)
test_dataloader = dict(dataset=ntu120)
