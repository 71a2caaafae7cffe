"""The copies of a model that a Runner keeps."""
from typing import List

from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn


def copies(runner: Runner) -> List[nn.Module]:
    """Return the model in training and, after it, its average where MMEngine's
    ``EMAHook`` keeps one.

    The hook validates and saves the averaged parameters, but knows nothing of
    what other hooks set in the model: they must set it in each copy.
    """
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    return [model] + [hook.ema_model.module for hook in runner.hooks
                      if isinstance(hook, EMAHook)]


def check_average(runner: Runner, reading: int) -> None:
    """Refuse an average that would lack the adapter of the language model,
    which no state dict has before it is trained.

    Args:
        runner (Runner): About to train.
        reading (int): The epoch, from 0, in which the language model begins.

    Raises:
        ValueError: ``EMAHook`` averages buffers, or begins later.
    """
    for hook in runner.hooks:
        if not isinstance(hook, EMAHook):
            continue
        if hook.ema_model.update_buffers:
            raise ValueError(
                'EMAHook: with `update_buffers=True` it would leave the '
                'adapter of the language model out of the average: take it '
                'out, buffers are those of the model in training then')
        begin = (max(hook.begin_epoch - 1, 0) if hook.enabled_by_epoch else
                 hook.begin_iter // max(len(runner.train_dataloader), 1))
        if begin > reading:
            raise ValueError(
                f'EMAHook begins in epoch {begin + 1}, and the language model '
                f'reads from epoch {reading + 1} on: validations '
                'between them would be without its adapter. Let it begin '
                'earlier')
