# Northwestern-UCLA Multiview Action 3D, skeletons, cross-view: cameras 1 and
# 2 train, camera 3 tests. A pickle in MMAction2's PoseDataset format; where
# it lies is said by NUCLA_PKL or by editing the next line.
ann_file = '{{$NUCLA_PKL:data/nucla_3d.pkl}}'

# Kinect v1: 0 hip centre, 1 spine, 2 shoulder centre, 3 head, 4-7 left arm,
# 8-11 right arm, 12-15 left leg, 16-19 right leg.
kinect20 = dict(
    num_node=20,
    inward=[(0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2),
            (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14),
            (16, 0), (17, 16), (18, 17), (19, 18)],
    center=1)
clip_len = 48

# What the joints do names the codes. The pickle says no frame rate; by the
# pace at which people walk it is about this.
events = dict(type='BodyPartEvents', layout='kinect20', fps=12)
align = dict(
    type='AlignSkeleton3D',
    center=1,
    torso=(0, 2),
    left_right=[(4, 8), (12, 16)])
train_pipeline = [
    events,
    align,
    dict(type='ResampleFrames', clip_len=clip_len, part=(0.5, 1.0)),
    # The view that is tested is never seen in training.
    dict(type='RandomViewpoint3D', turn=30, tilt=15, stretch=0.1),
    dict(type='SkeletonFeatures', feats=['j', 'jm']),
    dict(type='FormatGCNInput', num_person=1),
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span'))
]
test_pipeline = [
    events,
    align,
    dict(type='ResampleFrames', clip_len=clip_len, part=(0.5, 0.95),
         test_mode=True),
    dict(type='SkeletonFeatures', feats=['j', 'jm']),
    dict(type='FormatGCNInput', num_person=1),
    dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span'))
]

dataset = dict(
    type='SkeletonDataset',
    ann_file=ann_file,
    class_names='nucla',
    num_joints=20)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(**dataset, split='xview_train', pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        **dataset, split='xview_val', pipeline=test_pipeline, test_mode=True))
test_dataloader = val_dataloader
val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
