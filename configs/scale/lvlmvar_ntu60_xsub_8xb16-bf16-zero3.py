# tools/dist_train.sh configs/scale/lvlmvar_ntu60_xsub_8xb16-bf16-zero3.py 8
#
# lvlmvar_ntu60_xsub.py on eight GPUs of 24 GB by DeepSpeed ZeRO-3
# (pip install -e '.[zero]'): all weights, gradients and optimizer state are
# spread over them. 16 clips on each for a step of 128.
_base_ = '../lvlmvar_ntu60_xsub.py'

runner_type = 'FlexibleRunner'
strategy = dict(
    type='ZeroStrategy',
    # Gradients are sent in buckets of 200 MB; by default it is 2 GB.
    zero_optimization=dict(stage=3, reduce_bucket_size=50_000_000),
    gradient_clipping=5.0,
    autocast='bfloat16')
train_dataloader = dict(batch_size=16)
# The strategy clips and autocasts.
optim_wrapper = dict(
    _delete_=True,
    type='DeepSpeedOptimWrapper',
    optimizer={{_base_.optim_wrapper.optimizer}},
    constructor={{_base_.optim_wrapper.constructor}},
    paramwise_cfg={{_base_.optim_wrapper.paramwise_cfg}})
