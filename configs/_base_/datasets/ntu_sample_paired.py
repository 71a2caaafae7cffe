# Videos of the made sample (see ntu_sample_skeleton.py) with their skeletons.
_base_ = ['ntu_sample_skeleton.py', 'pairs.py']

train_dataloader = dict(dataset=_base_.pairs.sample.train)
val_dataloader = dict(dataset=_base_.pairs.sample.test)
test_dataloader = dict(dataset=_base_.pairs.sample.test)
