# tools/dist_train.sh configs/scale/lvlmvar_ntu60_xsub_8xb16-bf16-fsdp.py 8
#
# lvlmvar_ntu60_xsub.py on eight GPUs of 24 GB, with the frozen 13B model in
# bfloat16 spread over them: each holds an eighth of its layers, and what is
# trained. 16 clips on each for a step of 128.
_base_ = '../lvlmvar_ntu60_xsub.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='FrozenShardStrategy',
    # While it waits, the head's parameters take no part in the loss.
    model_wrapper=dict(find_unused_parameters=True))
train_dataloader = dict(batch_size=16)
optim_wrapper = dict(accumulative_counts=1)
