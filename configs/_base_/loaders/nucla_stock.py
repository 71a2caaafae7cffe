# Northwestern-UCLA, cross-view, as MMAction2's GCNs have NTU RGB+D:
# aligned by the first frame, 100 frames, ten views in testing. Bones are those
# of the layout.
dataset = dict(
    type='SkeletonDataset',
    ann_file='{{$NUCLA_PKL:data/nucla_3d.pkl}}',
    class_names='nucla',
    num_joints=20)
own = [
    dict(type='PreNormalize3D'),
    dict(
        type='SkeletonFeatures',
        feats=['j'],
        layout='kinect20',
        motion_scale=1.)
]
frames = dict(type='UniformSampleFrames', clip_len=100)
after = [
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
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
            times=5,
            dataset=dict(
                **dataset,
                split='xview_train',
                pipeline=[*own, frames, *after]))),
    val=dict(
        batch_size=16,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[*own, dict(**frames, test_mode=True), *after],
            test_mode=True)),
    test=dict(
        batch_size=4,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[
                *own,
                dict(**frames, num_clips=10, test_mode=True), *after
            ],
            test_mode=True)))
