# The made sample as MMAction2's GCNs have NTU RGB+D:
# aligned by the first frame, 100 frames, ten views in testing. Bones are those
# of the layout.
_base_ = '../datasets/ntu_sample_classes.py'

dataset = dict(
    type='NTURGBDSkeletonDataset',
    data_root='{{$NTU_SAMPLE:data/ntu_sample}}',
    benchmark='ntu60',
    actions=_base_.actions,
    class_names=_base_.class_names,
    make_sample=True)
own = [
    dict(type='PreNormalize3D'),
    dict(
        type='SkeletonFeatures', feats=['j'], layout='ntu25', motion_scale=1.)
]
frames = dict(type='UniformSampleFrames', clip_len=100)
after = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
]
data = dict(
    train=dict(
        batch_size=12,
        num_workers=1,
        persistent_workers=True,
        drop_last=True,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(
            type='RepeatDataset',
            times=5,
            dataset=dict(
                **dataset,
                split='xsub_train',
                pipeline=[*own, frames, *after]))),
    val=dict(
        batch_size=24,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[*own, dict(**frames, test_mode=True), *after],
            test_mode=True)),
    test=dict(
        batch_size=4,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[
                *own,
                dict(**frames, num_clips=10, test_mode=True), *after
            ],
            test_mode=True)),
    train_cfg=dict(max_epochs=12))
