# LVLM-VAR on skeletons: stock ST-GCN++ -> VST neck -> LVLM head. The language
# model is SmolLM2-135M-Instruct, from `python tools/fetch_smollm2.py`;
# LVLM_PATH names any other folder or hub id of a causal language model.
lvlm_path = '{{$LVLM_PATH:~/.cache/lvlm_var_mm/SmolLM2-135M-Instruct}}'

stgcnpp = dict(
    type='STGCN',
    gcn_adaptive='init',
    gcn_with_res=True,
    tcn_type='mstcn',
    in_channels=6,  # joints and their motion
    graph_cfg=dict(layout='nturgb+d', mode='spatial'))
model = dict(
    type='Recognizer3D',
    backbone=dict(**stgcnpp, base_channels=32),
    neck=dict(
        type='VSTNeck',
        input_format='NMCTV',
        in_channels=128,
        num_tokens=12,
        codebook_size=256,
        # Codes that only just beat their neighbour's do not interrupt it.
        quantizer=dict(switch_cost=0.02),
        aux_head=dict(num_classes=10, label_smooth_eps=0.1)),
    cls_head=dict(
        type='LVLMHead',
        num_classes=10,
        in_channels=128,
        class_names='nucla',
        lvlm=dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path=lvlm_path,
            dtype='bfloat16',
            # On so few positions plain attention is the faster one on a CPU.
            attn_implementation='eager'),
        lora=dict(
            type='peft.LoraConfig',
            r=16,
            lora_alpha=32,
            target_modules=['q_proj', 'k_proj', 'v_proj', 'o_proj'])))
