# python tools/train.py configs/baselines/stgcnpp_recipe_nucla_xsub.py
#
# stgcnpp_recipe_nucla_xview.py, cross-subject.
_base_ = 'stgcnpp_recipe_nucla_xview.py'

train_dataloader = dict(dataset=dict(dataset=dict(split='xsub_train')))
val_dataloader = test_dataloader = dict(dataset=dict(split='xsub_val'))
