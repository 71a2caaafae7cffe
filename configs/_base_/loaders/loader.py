# How the data of this folder are read: in training shuffled, without the last
# batch if it is smaller; in testing in order.
loader = dict(
    train=dict(
        persistent_workers=True,
        drop_last=True,
        sampler=dict(type='DefaultSampler', shuffle=True)),
    test=dict(
        persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=False)))
