"""Hooks of MMEngine's Runner."""
from typing import Dict, Optional

from mmengine.hooks import CheckpointHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.nn.modules.batchnorm import _BatchNorm

from lvlm_var_mm.datasets.corrupt import (CorruptSampleError, find_corrupt,
                                          skipping_datasets)
from lvlm_var_mm.evaluation import TokenMetric
from lvlm_var_mm.models.vst.codebook import Settling
from mmaction.registry import HOOKS
from .averaged import check_average

SHOWN = 5  # corrupt samples that a message names


@HOOKS.register_module()
class LVLMWarmupHook(Hook):
    """Let the tokens settle before the language model reads them.

    For the first epochs the backbone and the VST neck train by the neck's own
    losses alone. A language model costs many times their step, and codes that
    still change their meaning teach it nothing. So once it reads, what moves
    by itself stands still: the codebook, and the running statistics of batch
    normalisation, by which a step is normalised from then on in training as
    in testing. The weights go on learning. Resuming is safe: the state
    follows from the epoch.

    Validation meanwhile is that of the tokens: of the metrics only
    ``TokenMetric`` runs, which has the accuracy of the neck's light classifier
    as ``token/quantised_top1``. No ``acc/top1`` of another model stands
    beside that of the language model, and no checkpoint is kept as the best.

    Args:
        epochs (int): Epochs without the language model.

    Raises:
        ValueError: Training that is counted in iterations, or an average of
            weights that would lack the adapter.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self._put_aside = []  # (owner, attribute, value)

    def before_train(self, runner: Runner) -> None:
        if self.epochs and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(
                'LVLMWarmupHook counts epochs: set `train_cfg.by_epoch=True`, '
                'or take the hook out of `custom_hooks`')
        if not self.epochs or self.epochs < runner.max_epochs:
            check_average(runner, self.epochs)

    def before_train_epoch(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        active = runner.epoch >= self.epochs
        if active != model.cls_head.active or not runner.epoch:
            runner.logger.info(
                'the language model reads the tokens from now on' if active
                else f'{self.epochs} epochs of tokens alone: the language '
                'model waits')
        model.cls_head.active = active
        neck = getattr(model, 'neck', None)
        for module in neck.modules() if neck and self.epochs else ():
            if isinstance(module, Settling):  # one, or one of each branch
                module.settled = active

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[Dict] = None) -> None:
        # After the loop has called `model.train()`, once an epoch.
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if self.epochs and batch_idx == 0 and model.cls_head.active:
            for part in (model.backbone, getattr(model, 'neck', None)):
                for module in part.modules() if part is not None else ():
                    if isinstance(module, _BatchNorm):
                        module.eval()

    def before_val_epoch(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        if model.cls_head.active:
            return
        evaluator = runner.val_loop.evaluator
        self._replace(evaluator, 'metrics', [
            m for m in evaluator.metrics if isinstance(m, TokenMetric)])
        for hook in runner.hooks:
            if isinstance(hook, CheckpointHook):
                self._replace(hook, 'save_best', None)

    def _replace(self, owner, attribute: str, value) -> None:
        self._put_aside.append((owner, attribute, getattr(owner, attribute)))
        setattr(owner, attribute, value)

    def after_val(self, runner: Runner) -> None:
        while self._put_aside:
            setattr(*self._put_aside.pop())

    def after_train(self, runner: Runner) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        model.cls_head.active = True


@HOOKS.register_module()
class SkippedSamplesHook(Hook):
    """Look for corrupt samples in the validation set before training starts,
    which its first validation would end; after each epoch, report those that
    training has skipped so far.

    Args:
        check_val (bool): Whether to look. It takes the time that reading the
            validation set takes, without its pipeline; of videos the first
            and the last frame are decoded.

    Raises:
        CorruptSampleError: There are some in the validation set; names them.
    """

    def __init__(self, check_val: bool = True) -> None:
        self.check_val = check_val

    def before_train(self, runner: Runner) -> None:
        if not self.check_val or runner.val_loop is None:
            return
        loader = runner.val_dataloader
        for dataset in skipping_datasets(loader.dataset):
            corrupt = find_corrupt(dataset, loader.num_workers)
            if corrupt:
                names = '; '.join(f'{e.path}: {e.problem}'
                                  for e in corrupt[:SHOWN])
                more = len(corrupt) - SHOWN
                raise CorruptSampleError(
                    f'{len(corrupt)} of {len(dataset)} validation samples '
                    f'are corrupt: {names}' +
                    (f' and {more} more' if more > 0 else '') +
                    '. Restore the files, or list them in `exclude` of '
                    '`val_dataloader.dataset`: a figure over fewer samples '
                    'than it claims would be wrong')

    def after_train_epoch(self, runner: Runner) -> None:
        for dataset in skipping_datasets(runner.train_dataloader.dataset):
            names = dataset.corrupt_samples
            if names:
                runner.logger.warning(
                    f'{len(names)} of {len(dataset)} samples are corrupt and '
                    f'were skipped: {", ".join(names[:10])}' +
                    (', ...' if len(names) > 10 else ''))
