# The made sample by the recipe
# (../loaders/recipe.py), for a config whose model and schedule come from
# elsewhere.
_base_ = '../loaders/sample_recipe.py'

train_dataloader = _base_.data.train
val_dataloader = _base_.data.val
test_dataloader = val_dataloader
val_evaluator = [dict(type='AccMetric')]
test_evaluator = val_evaluator
