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
