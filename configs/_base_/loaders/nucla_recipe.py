# Northwestern-UCLA, cross-view, by the recipe: 65 epochs of 318 updates.
_base_ = ['recipe.py', 'nucla.py']

layout = _base_.nucla.layout
# What the joints do names the codes. The pickle says no frame rate; by the
# pace at which people walk it is about this.
before = [
    dict(type='BodyPartEvents', layout=layout, fps=12),
    dict(type='CenterSkeleton3D', layout=layout)
]
after = [
    # j joints, b bones, jm and bm their motion; each takes three channels of
    # `model.backbone.in_channels`.
    dict(type='SkeletonFeatures', feats=['j'], layout=layout, motion_scale=1.),
    dict(type='FormatGCNInput', num_person=1), _base_.recipe.pack
]
data = dict(
    layout=_base_.nucla.graph,
    train=dict(
        **_base_.loader.train,
        batch_size=16,
        num_workers=1,
        dataset=dict(
            type='RepeatDataset',
            times=_base_.recipe.times,
            dataset=dict(
                **_base_.nucla.dataset,
                split='xview_train',
                pipeline=[*before, *_base_.recipe.train, *after]))),
    val=dict(
        **_base_.loader.test,
        batch_size=32,
        num_workers=1,
        dataset=dict(
            **_base_.nucla.dataset,
            split='xview_val',
            pipeline=[*before, *_base_.recipe.test, *after],
            test_mode=True)),
    train_cfg=dict(max_epochs=65),
    param_scheduler=[
        dict(
            type='LinearLR',
            start_factor=0.01,
            end=5,
            by_epoch=True,
            convert_to_iter_based=True),
        dict(
            type='CosineAnnealingLR',
            T_max=60,
            begin=5,
            end=65,
            by_epoch=True,
            convert_to_iter_based=True)
    ])
