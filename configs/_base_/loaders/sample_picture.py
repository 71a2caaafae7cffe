# Pictures of the skeletons of the made sample for PoseC3D.
_base_ = ['picture.py', 'sample.py']

dataset = _base_.sample.dataset
picture = _base_.picture
sides = dict(
    left_kp=[4, 5, 6, 7, 12, 13, 14, 15, 21, 22],
    right_kp=[8, 9, 10, 11, 16, 17, 18, 19, 23, 24])
project = dict(type='SkeletonPicture', layout=_base_.sample.layout)
data = dict(
    train=dict(
        **_base_.loader.train,
        batch_size=12,
        num_workers=1,
        dataset=dict(
            type='RepeatDataset',
            times=10,
            dataset=dict(
                **dataset,
                split='xsub_train',
                pipeline=[
                    picture.turn, project, picture.frames, *picture.compact,
                    *picture.random_crop,
                    dict(type='Flip', flip_ratio=0.5, **sides),
                    picture.heatmap, *picture.pack
                ]))),
    val=dict(
        **_base_.loader.test,
        batch_size=24,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[
                project,
                dict(**picture.frames, test_mode=True), *picture.compact,
                picture.center_crop, picture.heatmap, *picture.pack
            ],
            test_mode=True)),
    test=dict(
        **_base_.loader.test,
        batch_size=2,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[
                project,
                dict(**picture.frames, num_clips=10, test_mode=True),
                *picture.compact, picture.center_crop,
                dict(**picture.heatmap, double=True, **sides), *picture.pack
            ],
            test_mode=True)),
    train_cfg=dict(max_epochs=12))
