# The recipe: what CTR-GCN's feeder does to skeletons, for any layout and any
# frame rate (lvlm_var_mm/datasets/transforms/recipe.py). Data sets take the
# steps by name:
#
#   train: events, center, *recipe.train, features
#   test:  events, center, *recipe.test, features
#
# `center` and `features` need the names of the joints; events are measured on
# the joints as recorded, before any of it. Where y is not the axis that points
# up or down, set `up` of the first step.
recipe = dict(
    train=[
        # Seen from anywhere in front, above and below; wider: turn=180.
        dict(type='RandomViewpoint3D', turn=60, tilt=60, stretch=0.),
        # After the rotation, so that the scale is another one each time.
        dict(type='MinMaxSkeleton'),
        dict(type='DrawFrames', clip_len=52),
        # Off; part of the clips that lose joints, or an axis.
        dict(type='RandomDropJoints', prob=0., ratio=0.2),
        dict(type='RandomDropAxis', prob=0.),
    ],
    test=[
        dict(type='MinMaxSkeleton'),
        dict(type='DrawFrames', clip_len=52, test_mode=True),
    ],
    pack=dict(
        type='PackActionInputs',
        meta_keys=('frame_dir', 'explanation', 'events', 'decidable',
                   'span')),
    # Passes over the data that count as an epoch: no data are read again, no
    # events measured again, and validation comes less often.
    times=5,
    # On the stock heads.
    label_smooth_eps=0.1)
