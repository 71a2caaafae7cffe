# python tools/train.py configs/lvlmvar_qwen2_5_vl_ntu60_xsub.py
#
# lvlmvar_ntu60_xsub.py with Qwen2.5-VL-7B in the place of LLaVA-1.5-13B, also
# for one GPU of 80 GB and a step of 128 clips. LVLM_PATH names a folder or
# another hub id of this kind. Built at small size with random weights; never
# trained at full size by its authors.
_base_ = 'lvlmvar_ntu60_xsub.py'

lvlm_path = '{{$LVLM_PATH:Qwen/Qwen2.5-VL-7B-Instruct}}'

model = dict(
    cls_head=dict(
        lvlm=dict(
            _delete_=True,
            type='transformers.Qwen2_5_VLForConditionalGeneration.'
            'from_pretrained',
            pretrained_model_name_or_path=lvlm_path,
            dtype='bfloat16'),
        # With the marks of its chat template.
        prompt='<|im_start|>user\nSemantic action tokens of a clip: {tokens}\n'
        'Name the action, then say why.<|im_end|>\n<|im_start|>assistant\n'))
