"""Log what the model says while it learns."""
import random
from typing import Dict, Optional

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from lvlm_var_mm.apis.explain import explain
from mmaction.registry import HOOKS
from .undisturbed import left_as_it_was


@HOOKS.register_module()
class ShowAnswersHook(Hook):
    """Logs a few answers of the model after a validation: always the same
    clips, each with the class, the reason and the truth.

    Training goes on as if nothing had been shown: the mode of each module and
    the state of the random numbers are put back, whatever happens. A head
    that still waits (``LVLMWarmupHook``) is not asked.

    Args:
        clips (int): Number of clips.
        interval (int): Every so many validations.
    """

    # Before EMAHook takes back the weights that were validated.
    priority = 'ABOVE_NORMAL'

    def __init__(self, clips: int = 3, interval: int = 1) -> None:
        if clips < 1 or interval < 1:
            raise ValueError('ShowAnswersHook: `clips` and `interval` must '
                             'be at least 1')
        self.clips, self.interval = clips, interval
        self._validations = 0

    def after_val_epoch(self, runner: Runner,
                        metrics: Optional[Dict] = None) -> None:
        self._validations += 1
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if ((self._validations - 1) % self.interval
                or not getattr(model.cls_head, 'active', True)):
            return
        # In every process: a sharded model takes all of them to answer. The
        # logger of the first one speaks.
        dataset = runner.val_dataloader.dataset
        chosen = random.Random(0).sample(
            range(len(dataset)), min(self.clips, len(dataset)))
        with left_as_it_was(model):
            for clip in explain(model, dataset, chosen):
                runner.logger.info(
                    f'{clip["name"]}: {clip["answer"]} '
                    f'({clip["score"]:.2f}; truth: {clip["truth"]}), '
                    f'because: {clip["reason"]}')
