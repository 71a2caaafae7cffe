# Northwestern-UCLA, cross-view, as MMAction2's GCNs have NTU RGB+D.
_base_ = ['stock.py', 'nucla.py']

dataset = _base_.nucla.dataset
stock = _base_.stock
before = [
    stock.align,
    dict(
        type='SkeletonFeatures',
        feats=['j'],
        layout=_base_.nucla.layout,
        motion_scale=1.)
]
after = [
    stock.decode,
    dict(type='FormatGCNInput', num_person=1), stock.pack
]
data = dict(
    layout=_base_.nucla.graph,
    train=dict(
        **_base_.loader.train,
        batch_size=16,
        num_workers=1,
        dataset=dict(
            type='RepeatDataset',
            times=5,
            dataset=dict(
                **dataset,
                split='xview_train',
                pipeline=[*before, stock.train, *after]))),
    val=dict(
        **_base_.loader.test,
        batch_size=16,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[*before, stock.val, *after],
            test_mode=True)),
    test=dict(
        **_base_.loader.test,
        batch_size=4,
        num_workers=1,
        dataset=dict(
            **dataset,
            split='xview_val',
            pipeline=[*before, stock.test, *after],
            test_mode=True)))
