# The made sample (../datasets/ntu_sample_skeleton.py) by the recipe.
_base_ = ['recipe.py', 'sample.py']

layout = _base_.sample.layout
dataset = _base_.sample.dataset
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
        **_base_.loader.train,
        batch_size=12,
        num_workers=1,
        dataset=dict(
            type='RepeatDataset',
            times=_base_.recipe.times,
            dataset=dict(
                **dataset,
                split='xsub_train',
                pipeline=[*before, *_base_.recipe.train, *after]))),
    val=dict(
        **_base_.loader.test,
        batch_size=24,
        num_workers=1,
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
