# tools/dist_train.sh configs/scale/lvlmvar_ntu60_xsub_8xb16-bf16.py 8
#
# lvlmvar_ntu60_xsub.py on eight GPUs of 80 GB, 16 clips on each for a step of
# 128. The frozen 13B model is on every GPU; what DDP sends around is the
# gradients of the two per cent that are trained.
_base_ = '../lvlmvar_ntu60_xsub.py'

train_dataloader = dict(batch_size=16)
optim_wrapper = dict(accumulative_counts=1)
