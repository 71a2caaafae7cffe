# python tools/train.py configs/lvlmvar_quickstart.py
#
# The whole of LVLM-VAR on two CPU cores in minutes: ST-GCN++, VST neck and
# SmolLM2-135M on a made sample in the layout of NTU RGB+D. Run
# `python tools/fetch_smollm2.py` once before.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_skeleton.py',
    '_base_/models/lvlmvar_skeleton.py',
    '_base_/schedules/quickstart_lvlmvar.py'
]

model = dict(cls_head=dict(class_names={{_base_.class_names}}))
val_evaluator = [
    dict(type='AccMetric'),
    dict(type='TokenMetric', codebook_size=256)
]
test_evaluator = val_evaluator
