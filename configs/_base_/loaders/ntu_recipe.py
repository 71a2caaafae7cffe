# NTU RGB+D 60, cross-subject, by the recipe and the schedule of MMAction2: 16
# epochs of five passes. NTU_ROOT and `exclude` are those of
# ../datasets/ntu_skeleton.py.
_base_ = ['recipe.py', 'loader.py']

layout = 'ntu25'
ntu = dict(
    type='NTURGBDSkeletonDataset',
    data_root='{{$NTU_ROOT:data/nturgbd}}',
    benchmark='ntu60',
    class_names='ntu60',
    exclude=None)
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
        batch_size=16,
        num_workers=8,
        dataset=dict(
            type='RepeatDataset',
            times=_base_.recipe.times,
            dataset=dict(
                **ntu,
                split='xsub_train',
                pipeline=[*before, *_base_.recipe.train, *after]))),
    val=dict(
        **_base_.loader.test,
        batch_size=16,
        num_workers=8,
        dataset=dict(
            **ntu,
            split='xsub_val',
            pipeline=[*before, *_base_.recipe.test, *after],
            test_mode=True)))
