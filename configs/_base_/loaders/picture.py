# What PoseC3D sees of skeletons in space: a parallel projection, from a random
# side in training and from the camera in testing; then as MMAction2 has
# poses of pictures, ten views in testing. The data set adds its layout and the
# joints of either side.
picture = dict(
    turn=dict(type='RandomViewpoint3D', turn=60, tilt=15),
    frames=dict(type='UniformSampleFrames', clip_len=48),
    compact=[
        dict(type='PoseDecode'),
        dict(type='PoseCompact', hw_ratio=1., allow_imgpad=True),
        dict(type='Resize', scale=(-1, 64))
    ],
    random_crop=[
        dict(type='RandomResizedCrop', area_range=(0.56, 1.0)),
        dict(type='Resize', scale=(56, 56), keep_ratio=False)
    ],
    center_crop=dict(type='CenterCrop', crop_size=64),
    heatmap=dict(
        type='GeneratePoseTarget', sigma=0.6, use_score=True, with_kp=True,
        with_limb=False),
    pack=[
        dict(type='FormatShape', input_format='NCTHW_Heatmap'),
        dict(type='PackActionInputs', meta_keys=('frame_dir', ))
    ])
