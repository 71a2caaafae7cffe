# python tools/train.py configs/scale/lvlmvar_ntu60_xsub_1x80g.py
#
# lvlmvar_ntu60_xsub.py on one GPU of 80 GB: 16 clips at a time, eight times
# for a step, so a step is of 128 clips on any of these machines.
_base_ = '../lvlmvar_ntu60_xsub.py'

train_dataloader = dict(batch_size=16)
optim_wrapper = dict(accumulative_counts=8)
