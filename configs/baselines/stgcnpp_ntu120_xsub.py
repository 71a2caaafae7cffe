# python tools/train.py configs/baselines/stgcnpp_ntu120_xsub.py
#
# MMAction2's own ST-GCN++ on its own pickle of NTU RGB+D 120, which is
# like that of 60 classes:
# put ntu120_3d.pkl into data/skeleton/.
_base_ = ('mmaction::skeleton/stgcnpp/'
          'stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py')

ann_file = 'data/skeleton/ntu120_3d.pkl'
model = dict(cls_head=dict(num_classes=120))
train_dataloader = dict(dataset=dict(dataset=dict(ann_file=ann_file)))
val_dataloader = test_dataloader = dict(dataset=dict(ann_file=ann_file))
