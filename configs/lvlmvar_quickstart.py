# python tools/train.py configs/lvlmvar_quickstart.py
#
# The whole of LVLM-VAR on two CPU cores in minutes: ST-GCN++, VST neck and
# SmolLM2-135M on a made sample in the format of NTU RGB+D. Run
# `python tools/fetch_smollm2.py` once before.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_skeleton.py',
    '_base_/models/lvlmvar_skeleton.py',
    '_base_/schedules/quickstart_lvlmvar.py'
]

codebook_size = 64  # few clips leave many more codes unused
model = dict(
    backbone=dict(base_channels=16),
    neck=dict(in_channels=64, num_tokens=8, codebook_size=codebook_size),
    cls_head=dict(
        in_channels=64,
        class_names={{_base_.class_names}},
        # On a CPU every position of the prompt costs.
        prompt='Motion: {tokens}\nAction:\n'))
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator
