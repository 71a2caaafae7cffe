# python tools/train.py configs/baselines/stgcnpp_recipe_ntu120_xsub.py
#
# MMAction2's ST-GCN++ with its optimizer on NTU RGB+D 120,
# by the recipe of ../_base_/loaders/recipe.py.
_base_ = 'stgcnpp_recipe_ntu60_xsub.py'

ntu120 = dict(benchmark='ntu120', class_names='ntu120')
model = dict(cls_head=dict(num_classes=120))
train_dataloader = dict(dataset=dict(dataset=ntu120))
val_dataloader = test_dataloader = dict(dataset=ntu120)
