# The made sample (../datasets/ntu_sample_skeleton.py) by the recipe.
_base_ = ['recipe.py', '../datasets/ntu_sample_classes.py']

layout = 'ntu25'
dataset = dict(
    type='NTURGBDSkeletonDataset',
    data_root='{{$NTU_SAMPLE:data/ntu_sample}}',
    benchmark='ntu60',
    actions=_base_.actions,
    class_names=_base_.class_names,
    make_sample=True)
before = [
    dict(type='BodyPartEvents', layout=layout, fps=30),
    dict(type='CenterSkeleton3D', layout=layout)
]
after = [
    dict(type='SkeletonFeatures', feats=['j'], layout=layout, motion_scale=1.),
    dict(type='FormatGCNInput', num_person=2), _base_.recipe.pack
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
            times=_base_.recipe.times,
            dataset=dict(
                **dataset,
                split='xsub_train',
                pipeline=[*before, *_base_.recipe.train, *after]))),
    val=dict(
        batch_size=24,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[*before, *_base_.recipe.test, *after],
            test_mode=True)),
    train_cfg=dict(max_epochs=12),
    param_scheduler=[
        dict(
            type='LinearLR',
            start_factor=0.01,
            end=1,
            by_epoch=True,
            convert_to_iter_based=True),
        dict(
            type='CosineAnnealingLR',
            T_max=11,
            begin=1,
            end=12,
            by_epoch=True,
            convert_to_iter_based=True)
    ])
