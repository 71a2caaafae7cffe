"""Checks of the clips of a training step and of the learning rates."""
from typing import Iterator

from mmengine.config import Config

from lvlm_var_mm.engine.schedules import learning_rates
from .findings import Finding, failure

AREA = 'schedule'
# Per epoch: enough to show the course of the learning rates.
ITERATIONS = 20


def check_schedule(cfg: Config) -> Iterator[Finding]:
    """Tell the clips of a step and when each part learns how fast; find a
    language model that does not begin its schedule when it begins to read."""
    loader, wrapper = cfg.get('train_dataloader'), cfg.get('optim_wrapper')
    if not loader or not wrapper:
        return
    times = wrapper.get('accumulative_counts', 1)
    clips = loader.batch_size * times
    yield Finding('ok', AREA, f'a step is of {clips} clips for each GPU' + (
        f', {times} times {loader.batch_size}' if times > 1 else ''))
    if (wrapper.get('constructor') != 'PartwiseOptimWrapperConstructor'
            or not cfg.get('param_scheduler')
            or not cfg.train_cfg.get('max_epochs')):
        return
    hooks = [h for h in cfg.get('custom_hooks') or ()
             if h.type == 'LVLMWarmupHook']
    start = hooks[0].epochs if hooks else 0
    if start >= cfg.train_cfg.max_epochs:
        start = 0  # it does not read at all
    try:
        found = learning_rates(cfg, ITERATIONS)
    except Exception as e:  # whatever it is, it is the finding
        yield failure(AREA, e, 'correct `optim_wrapper.paramwise_cfg` or '
                      '`param_scheduler`')
        return
    for part, rates in found.items():
        reads = part.startswith('cls_head') and start
        used = rates[start * ITERATIONS:] if reads else rates
        yield Finding(
            'ok', AREA, f'learning rate of {part}: {used[0]:.1e}, at most '
            f'{max(used):.1e}, {used[-1]:.1e} at the end' +
            (f'; from epoch {start + 1} on' if reads else ''))
        if reads and used[0] == max(used):
            yield Finding(
                'warning', AREA, f'{part} begins to learn in epoch '
                f'{start + 1} at its full learning rate',
                'let its `param_scheduler` begin at the `epochs` of '
                'LVLMWarmupHook')
