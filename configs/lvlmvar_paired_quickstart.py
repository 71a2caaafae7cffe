# python tools/train.py configs/lvlmvar_paired_quickstart.py
#
# LVLM-VAR on the videos of the made sample together with their skeletons: a
# branch for each, and the tokens of both in one prompt. Either may be missing:
# python tools/test.py configs/lvlmvar_paired_quickstart.py CHECKPOINT \
#     --cfg-options test_dataloader.dataset.pipeline.1.missing=skeleton
_base_ = [
    '_base_/default_runtime.py', '_base_/datasets/ntu_sample_paired.py',
    '_base_/models/lvlmvar_paired.py', '_base_/schedules/quickstart_lvlmvar.py'
]

codebook_size = 64  # few clips leave many more codes unused
model = dict(
    neck=dict(
        rgb=dict(codebook_size=codebook_size),
        skeleton=dict(codebook_size=codebook_size)),
    cls_head=dict(
        class_names={{_base_.class_names}},
        # On a CPU every position of the prompt costs.
        prompt='Motion: {tokens}\nAction:\n'))
val_evaluator = [dict(type='AccMetric'), dict(type='TokenMetric')]
test_evaluator = val_evaluator
