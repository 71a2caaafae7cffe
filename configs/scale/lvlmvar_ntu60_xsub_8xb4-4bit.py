# tools/dist_train.sh configs/scale/lvlmvar_ntu60_xsub_8xb4-4bit.py 8
#
# lvlmvar_ntu60_xsub.py on eight GPUs of 24 GB: the frozen 13B model in 4 bits
# (QLoRA, Dettmers et al., arXiv:2305.14314; pip install -e '.[quant]'), 4
# clips on each, four times for a step of 128.
_base_ = '../lvlmvar_ntu60_xsub.py'

model = dict(
    cls_head=dict(
        lvlm=dict(
            quantization_config=dict(
                type='transformers.BitsAndBytesConfig',
                load_in_4bit=True,
                bnb_4bit_quant_type='nf4',
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype='bfloat16'))))
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(accumulative_counts=4)
