# python tools/train.py configs/baselines/slowonly_ntu120_xsub.py
#
# MMAction2's own SlowOnly-R50, from scratch, on the videos of NTU RGB+D 120:
# NTU_ROOT/nturgb+d_rgb.
_base_ = 'slowonly_ntu60_xsub.py'

ntu120 = dict(benchmark='ntu120', class_names='ntu120')
model = dict(cls_head=dict(num_classes=120))
train_dataloader = val_dataloader = test_dataloader = dict(dataset=ntu120)
