# Pipelines of videos with their skeletons, each through its own transforms, at
# the sizes of the made sample and of NTU RGB+D. `missing='rgb'` or 'skeleton'
# of PairedTransforms leaves one of them out.


def pipeline(pixels, frames, joint_frames, view=(), test_mode=False, **kwargs):
    """Return the steps of a pair; `pixels` are those of the video behind its
    decoding, `view` those of the skeleton that are for training."""
    return [
        dict(type='BodyPartEvents', layout='ntu25', fps=30),
        dict(
            type='PairedTransforms',
            rgb=[
                dict(type='DecordInit'),
                dict(
                    type='UniformSample',
                    clip_len=frames,
                    test_mode=test_mode),
                dict(type='ClipSpan'),
                dict(type='DecordDecode'), *pixels,
                dict(type='FormatShape', input_format='NCTHW')
            ],
            skeleton=[
                dict(
                    type='AlignSkeleton3D',
                    center=1,
                    torso=(0, 20),
                    left_right=[(4, 8), (12, 16)]),
                # The same seconds as the video.
                dict(
                    type='ResampleFrames',
                    part=(1., 1.),
                    clip_len=joint_frames,
                    test_mode=test_mode), *view,
                dict(type='SkeletonFeatures', feats=['j', 'jm']),
                dict(type='FormatGCNInput', num_person=2)
            ],
            **kwargs),
        dict(
            type='PackActionInputs',
            collect_keys=('rgb', 'skeleton'),
            meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                       'span'))
    ]


def dataset(size, frames, joint_frames, train, test):
    """Return the data sets of training and testing at one size."""
    size = dict(type='Resize', scale=(-1, size))
    view = [dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1)]
    kind = dict(type='NTURGBDPairedDataset')
    return dict(
        train=dict(
            **kind,
            pipeline=pipeline([size, *train], frames, joint_frames, view)),
        test=dict(
            **kind,
            pipeline=pipeline([size, test], frames, joint_frames,
                              test_mode=True, missing=None)))


pairs = dict(
    sample=dataset(
        size=80,
        frames=8,
        joint_frames=32,
        train=[dict(type='RandomCrop', size=72)],
        test=dict(type='CenterCrop', crop_size=72)),
    ntu=dataset(
        size=256,
        frames=16,
        joint_frames=64,
        train=[
            dict(type='RandomResizedCrop', area_range=(0.5, 1.0)),
            dict(type='Resize', scale=(224, 224), keep_ratio=False)
        ],
        test=dict(type='CenterCrop', crop_size=224)))
