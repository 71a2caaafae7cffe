# python tools/train.py configs/baselines/posec3d_ntu120_xsub.py
#
# MMAction2's own PoseC3D on its own pickle of NTU RGB+D 120, which is
# like that of 60 classes:
# put ntu120_2d.pkl into data/skeleton/.
_base_ = ('mmaction::skeleton/posec3d/'
          'slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py')

ann_file = 'data/skeleton/ntu120_2d.pkl'
model = dict(cls_head=dict(num_classes=120))
train_dataloader = dict(dataset=dict(dataset=dict(ann_file=ann_file)))
val_dataloader = test_dataloader = dict(dataset=dict(ann_file=ann_file))
