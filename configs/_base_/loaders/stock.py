# What MMAction2's GCNs do to the skeletons of NTU RGB+D: aligned by the first
# frame, 100 frames, ten views in testing. Bones are those of the layout.
stock = dict(
    align=dict(type='PreNormalize3D'),
    train=dict(type='UniformSampleFrames', clip_len=100),
    val=dict(type='UniformSampleFrames', clip_len=100, test_mode=True),
    test=dict(
        type='UniformSampleFrames', clip_len=100, num_clips=10,
        test_mode=True),
    decode=dict(type='PoseDecode'),
    pack=dict(type='PackActionInputs', meta_keys=('frame_dir', )))
