# python tools/train.py configs/lvlmvar_rgb_quickstart.py
#
# LVLM-VAR on the videos of the made sample: the neck, the head and the
# schedule of lvlmvar_quickstart.py behind a small stock SlowOnly.
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_rgb.py',
    '_base_/models/lvlmvar_rgb.py', '_base_/schedules/quickstart_lvlmvar.py'
]

codebook_size = 64  # few clips leave many more codes unused
model = dict(
    neck=dict(codebook_size=codebook_size),
    cls_head=dict(
        class_names={{_base_.class_names}},
        # On a CPU every position of the prompt costs.
        prompt='Motion: {tokens}\nAction:\n'))
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator
