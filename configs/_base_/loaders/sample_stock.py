# The made sample as MMAction2's GCNs have NTU RGB+D.
_base_ = ['stock.py', 'sample.py']

dataset = _base_.sample.dataset
stock = _base_.stock
before = [
    stock.align,
    dict(
        type='SkeletonFeatures',
        feats=['j'],
        layout=_base_.sample.layout,
        motion_scale=1.)
]
after = [
    stock.decode,
    dict(type='FormatGCNInput', num_person=2), stock.pack
]
data = dict(
    train=dict(
        **_base_.loader.train,
        batch_size=12,
        num_workers=1,
        dataset=dict(
            type='RepeatDataset',
            times=5,
            dataset=dict(
                **dataset,
                split='xsub_train',
                pipeline=[*before, stock.train, *after]))),
    val=dict(
        **_base_.loader.test,
        batch_size=24,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[*before, stock.val, *after],
            test_mode=True)),
    test=dict(
        **_base_.loader.test,
        batch_size=4,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xsub_val',
            pipeline=[*before, stock.test, *after],
            test_mode=True)),
    train_cfg=dict(max_epochs=12))
