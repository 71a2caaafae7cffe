# The second of two stages (configs/two_stage/): the language model trains
# alone, on tokens that no longer change. A config takes what it needs by name,
# since the settings of two bases must not overlap.
second_stage = dict(
    # Codes are integers.
    data_preprocessor=dict(type='ActionDataPreprocessor', to_float32=False),
    train_cfg=dict(val_interval=1, dynamic_intervals=None),
    warm=dict(
        type='PartLinearLR',
        parts=['cls_head'],
        start_factor=0.01,
        by_epoch=True,
        convert_to_iter_based=True),
    cosine=dict(
        type='PartCosineAnnealingLR',
        parts=['cls_head'],
        by_epoch=True,
        convert_to_iter_based=True),
    custom_hooks=[dict(type='TokenCacheHook')])
