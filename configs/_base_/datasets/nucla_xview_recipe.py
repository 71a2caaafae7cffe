# Northwestern-UCLA, cross-view, by the recipe
# (../loaders/recipe.py), for a config whose model and schedule come from
# elsewhere.
_base_ = '../loaders/nucla_recipe.py'

train_dataloader = _base_.data.train
val_dataloader = _base_.data.val
test_dataloader = val_dataloader
val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
kinect20 = _base_.data.layout
