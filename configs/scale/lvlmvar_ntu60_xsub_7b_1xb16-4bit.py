# python tools/train.py configs/scale/lvlmvar_ntu60_xsub_7b_1xb16-4bit.py
#
# lvlmvar_ntu60_xsub.py on one GPU of 24 GB: LLaVA-1.5-7B, frozen in 4 bits
# (QLoRA, Dettmers et al., arXiv:2305.14314; pip install -e '.[quant]'), in the
# place of 13B, 16 clips at a time, eight times for a step of 128.
_base_ = '../lvlmvar_ntu60_xsub.py'

llava_path = '{{$LLAVA_PATH:llava-hf/llava-1.5-7b-hf}}'

model = dict(
    cls_head=dict(
        lvlm=dict(
            pretrained_model_name_or_path=llava_path,
            quantization_config=dict(
                type='transformers.BitsAndBytesConfig',
                load_in_4bit=True,
                bnb_4bit_quant_type='nf4',
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype='bfloat16'))))
