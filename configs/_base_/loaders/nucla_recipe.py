# Northwestern-UCLA, cross-view, by the recipe: 65 epochs of 318 updates.
_base_ = 'recipe.py'

layout = 'kinect20'
dataset = dict(
    type='SkeletonDataset',
    ann_file='{{$NUCLA_PKL:data/nucla_3d.pkl}}',
    class_names='nucla',
    num_joints=20)
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
    layout=dict(
        num_node=20,
        inward=[(0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6),
                (8, 2), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12),
                (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18)],
        center=1),
    train=dict(
        batch_size=16,
        num_workers=1,
        persistent_workers=True,
        drop_last=True,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(
            type='RepeatDataset',
            times=_base_.recipe.times,
            dataset=dict(
                **dataset,
                split='xview_train',
                pipeline=[*before, *_base_.recipe.train, *after]))),
    val=dict(
        batch_size=32,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
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
