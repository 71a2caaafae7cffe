# python tools/train.py configs/baselines/slowonly_ntu60_xsub.py
#
# MMAction2's own SlowOnly-R50, from scratch, on the videos of NTU RGB+D:
# NTU_ROOT/nturgb+d_rgb.
_base_ = ('mmaction::recognition/slowonly/'
          'slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb.py')

dataset = dict(
    type='NTURGBDVideoDataset',
    data_root='{{$NTU_ROOT:data/nturgbd}}',
    benchmark='ntu60',
    class_names='ntu60')
model = dict(cls_head=dict(num_classes=60))
train_dataloader = dict(
    dataset=dict(
        _delete_=True, **dataset, split='xsub_train',
        pipeline=_base_.train_pipeline))
val_dataloader = dict(
    dataset=dict(
        _delete_=True, **dataset, split='xsub_val',
        pipeline=_base_.val_pipeline, test_mode=True))
test_dataloader = dict(
    dataset=dict(
        _delete_=True, **dataset, split='xsub_val',
        pipeline=_base_.test_pipeline, test_mode=True))
custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
custom_hooks = [dict(type='SkippedSamplesHook')]
