# python tools/benchmark.py configs/benchmarks/nucla_xview_ingredients.py
#
# What each ingredient of the recipe is worth: stock ST-GCN++, joint stream, on
# Northwestern-UCLA, cross-view, at a third of the updates of nucla_xview.py,
# one ingredient changed at a time. NUCLA_PKL names the data.
title = 'Ingredients of the recipe, Northwestern-UCLA, cross-view'

config = 'baselines/stgcnpp_recipe_nucla_xview'
train = 'train_dataloader.dataset.dataset.pipeline.'
val = 'val_dataloader.dataset.pipeline.'
test = 'test_dataloader.dataset.pipeline.'
# In the place of the scaling to -1 ... 1.
nothing = dict(type='RandomViewpoint3D', turn=0., tilt=0., stretch=0.)
torso = dict(
    type='AlignSkeleton3D', center=1, torso=(0, 2), left_right=None)
changes = {
    'the recipe': {},
    'turn of 180': {
        train + '2.turn': 180.
    },
    'turn and tilt of 20': {
        train + '2.turn': 20.,
        train + '2.tilt': 20.
    },
    'no turn, no tilt': {
        train + '2.turn': 0.,
        train + '2.tilt': 0.
    },
    'no min-max': {
        train + '3': nothing,
        val + '2': nothing,
        test + '2': nothing
    },
    'torso length, no min-max': {
        train + '3': torso,
        val + '2': torso,
        test + '2': torso
    },
    'joints dropped': {
        train + '5.prob': 0.5
    },
    'an axis dropped': {
        train + '6.prob': 0.5
    },
    'a ninth of the updates': {
        'train_cfg.max_epochs': 7,
        'param_scheduler.0.end': 1,
        'param_scheduler.1.begin': 1,
        'param_scheduler.1.T_max': 6,
        'param_scheduler.1.end': 7
    },
}
entries = [
    dict(name=name, config=config, streams=['j'], options=options)
    for name, options in changes.items()
]
comparisons = [(f'{name}/j', 'the recipe/j') for name in list(changes)[1:]]
# Two cores of a CPU: a small model, bfloat16 if there is any, and no process
# that reads beside it.
options = {
    'model.backbone.base_channels': 32,
    'model.cls_head.in_channels': 128,
    'optim_wrapper.type': 'BFloat16OptimWrapper',
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'train_cfg.max_epochs': 22,
    'param_scheduler.0.end': 2,
    'param_scheduler.1.begin': 2,
    'param_scheduler.1.T_max': 20,
    'param_scheduler.1.end': 22
}
del config, train, val, test, nothing, torso, changes
