# MMAction2's own runtime, the line that brings our registry entries into a
# stock MMAction2 tool, the report on skipped samples, and training that a kill
# does not change.
_base_ = 'mmaction::_base_/default_runtime.py'

custom_imports = dict(imports=['lvlm_var_mm'], allow_failed_imports=False)
default_hooks = dict(
    logger=dict(interval=20),
    checkpoint=dict(
        type='CheckpointHook', interval=1, max_keep_ckpts=1,
        save_best='acc/top1', rule='greater'),
    skipped_samples=dict(type='SkippedSamplesHook'),
    repeatable=dict(type='RepeatableHook'),
    # The reason of a clip is made of its own events, where it has some.
    reasons=dict(type='ClipReasonsHook'))
randomness = dict(seed=0)
# While the language model waits, several processes see no gradients of it.
find_unused_parameters = True
