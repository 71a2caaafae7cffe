# The same with the paper's language model: LLaVA-1.5-13B, LoRA, bfloat16,
# recomputed activations. LLAVA_PATH names another hub id or a folder, such as
# llava-hf/llava-1.5-7b-hf.
_base_ = 'lvlmvar_skeleton.py'

llava_path = '{{$LLAVA_PATH:llava-hf/llava-1.5-13b-hf}}'

model = dict(
    cls_head=dict(
        lvlm=dict(
            _delete_=True,
            type='transformers.LlavaForConditionalGeneration.from_pretrained',
            pretrained_model_name_or_path=llava_path,
            dtype='bfloat16',
            low_cpu_mem_usage=True),
        lora=dict(
            _delete_=True,
            type='peft.LoraConfig',
            r=64,
            lora_alpha=128,
            lora_dropout=0.05,
            # The language model alone: the vision tower is not read.
            target_modules=r'.*language_model.*\.'
            r'(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)'),
        gradient_checkpointing=True,
        prompt='USER: Semantic action tokens of a clip: {tokens}\n'
        'Name the action, then say why. ASSISTANT: '))
