# NTU RGB+D 60, cross-subject, by the recipe
# (../loaders/recipe.py), for a config whose model and schedule come from
# elsewhere.
_base_ = '../loaders/ntu_recipe.py'

train_dataloader = _base_.data.train
val_dataloader = _base_.data.val
test_dataloader = val_dataloader
val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
