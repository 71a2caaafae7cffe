# What the data of pairs share: how events are measured, and what happens to
# the skeletons beside the videos.
pairs = dict(
    dataset=dict(type='NTURGBDPairedDataset'),
    events=dict(type='BodyPartEvents', layout='ntu25', fps=30),
    align=dict(
        type='AlignSkeleton3D',
        center=1,
        torso=(0, 20),
        left_right=[(4, 8), (12, 16)]),
    # The same seconds as the video.
    resample=dict(type='ResampleFrames', part=(1., 1.)),
    view=dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1),
    features=[
        dict(type='SkeletonFeatures', feats=['j', 'jm']),
        dict(type='FormatGCNInput', num_person=2)
    ],
    pack=dict(
        type='PackActionInputs',
        collect_keys=('rgb', 'skeleton'),
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable', 'span')))
