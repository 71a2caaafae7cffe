# Pictures of the skeletons of Northwestern-UCLA for PoseC3D: a
# parallel projection from a random side in training, from the camera in
# testing; then as MMAction2 has poses of pictures, ten views in testing.
dataset = dict(
    type='SkeletonDataset',
    ann_file='{{$NUCLA_PKL:data/nucla_3d.pkl}}',
    class_names='nucla',
    num_joints=20)
left = [4, 5, 6, 7, 12, 13, 14, 15]
right = [8, 9, 10, 11, 16, 17, 18, 19]
first = dict(type='SkeletonPicture', layout='kinect20')
frames = dict(type='UniformSampleFrames', clip_len=48)
compact = [
    dict(type='PoseDecode'),
    dict(type='PoseCompact', hw_ratio=1., allow_imgpad=True),
    dict(type='Resize', scale=(-1, 64))
]
augment = [
    dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
    dict(type='Resize', scale=(56, 56), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5, left_kp=left, right_kp=right)
]
crop = dict(type='CenterCrop', crop_size=64)
heatmap = dict(
    type='GeneratePoseTarget', sigma=0.6, use_score=True, with_kp=True,
    with_limb=False)
after = [
    dict(type='FormatShape', input_format='NCTHW_Heatmap'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
]
data = dict(
    train=dict(
        batch_size=16,
        num_workers=1,
        persistent_workers=True,
        drop_last=True,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(
            type='RepeatDataset',
            times=10,
            dataset=dict(
                **dataset,
                split='xview_train',
                pipeline=[
                    dict(type='RandomViewpoint3D', turn=60, tilt=15), first,
                    frames, *compact, *augment, heatmap, *after
                ]))),
    val=dict(
        batch_size=16,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[
                first,
                dict(**frames, test_mode=True), *compact, crop, heatmap,
                *after
            ],
            test_mode=True)),
    test=dict(
        batch_size=2,
        num_workers=1,
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[
                first,
                dict(**frames, num_clips=10, test_mode=True), *compact, crop,
                dict(
                    **heatmap, double=True, left_kp=left,
                    right_kp=right), *after
            ],
            test_mode=True)))
