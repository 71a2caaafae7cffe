# python tools/train.py configs/lvlmvar_rgb_quickstart.py
#
# LVLM-VAR on the videos of the made sample: the neck, the head and the
# schedule of lvlmvar_quickstart.py behind a small stock SlowOnly.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_rgb.py',
    '_base_/models/lvlmvar_rgb.py', '_base_/schedules/quickstart_lvlmvar.py'
]

model = dict(cls_head=dict(class_names={{_base_.class_names}}))
val_evaluator = [
    dict(type='AccMetric'),
    dict(type='TokenMetric', codebook_size=256)
]
test_evaluator = val_evaluator
