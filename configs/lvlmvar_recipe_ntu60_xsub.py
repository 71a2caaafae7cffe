# python tools/train.py configs/lvlmvar_recipe_ntu60_xsub.py
#
# lvlmvar_ntu60_xsub.py with skeletons by the recipe (docs/benchmark.md): seen
# from anywhere, each axis scaled, 52 frames drawn. Epochs of one pass and
# schedule are as there, and so are steps of 128 clips on one GPU of 80 GB.
# Never trained by its authors.
_base_ = ['lvlmvar_ntu60_xsub.py', '_base_/loaders/ntu_recipe.py']

model = dict(
    backbone=dict(in_channels=3),  # joints alone
    neck=dict(num_tokens=13))  # of 52 frames the backbone leaves as many
train_dataloader = dict(
    _delete_=True,
    **_base_.loader.train,
    batch_size=16,
    num_workers=8,
    dataset=_base_.data.train.dataset.dataset)
val_dataloader = dict(_delete_=True, **_base_.data.val)
test_dataloader = val_dataloader
