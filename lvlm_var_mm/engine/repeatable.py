"""Training that goes on after a kill as if there had been none.

MMEngine's checkpoints hold no state of the random numbers, and a worker that
lives through several epochs has one of its own. So nothing here depends on
what was drawn before: a clip's augmentation is drawn by seed, epoch and
number of the clip, in whatever process and batch it is made; an iteration
(dropout, negatives, a narrative left out) by seed and iteration.
"""
import random
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import Dataset

from lvlm_var_mm.models.vst.codebook import Settling
from mmaction.registry import HOOKS

KEY = 'repeatable'  # in a checkpoint
OF_A_CLIP, OF_AN_ITERATION = 0, 1


@HOOKS.register_module()
class RepeatableHook(Hook):
    """Make a resumed training equal to an unbroken one.

    On a CPU, and on a GPU as far as its operations are deterministic, the
    weights are the same to the last bit, with any number of workers, and of
    processes under data parallelism. Kept in the checkpoint beside what
    MMEngine keeps: gradients that wait for the next step under
    ``accumulative_counts``, which FSDP and DeepSpeed lose, and the steps from
    which a codebook has not started yet, which DeepSpeed loses.

    For training by epochs. In training by iterations clips are drawn as
    MMEngine does it, which reads the past batches again when it resumes.
    """
    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self._kept: Dict[str, Any] = {}

    def before_train(self, runner: Runner) -> None:
        self._by_epoch = not isinstance(runner.train_loop, IterBasedTrainLoop)
        loader = runner.train_dataloader
        # With `diff_rank_seed` the seed of a process is that of the training
        # and the number of the process.
        apart = getattr(runner, '_randomness_cfg', {}).get('diff_rank_seed')
        self._rank = get_rank() if apart else 0
        self._seed = runner.seed - self._rank
        if self._by_epoch:
            if hasattr(loader.sampler, 'seed'):
                # A resumed training has the seed of its checkpoint.
                loader.sampler.seed = self._seed
            # The protocol by which PyTorch's loader fetches a batch.
            loader.dataset.__getitems__ = ClipsBySeed(
                loader.dataset, self._seed)
        self._restore(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        if self._by_epoch:
            runner.train_dataloader.dataset.__getitems__.epoch.fill_(
                runner.epoch)

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Any = None) -> None:
        seed_all(self._seed, OF_AN_ITERATION, runner.iter, self._rank)

    def after_train_epoch(self, runner: Runner) -> None:
        # One process saves for all, so what waits has to be the same in each;
        # the step to come takes the mean anyway.
        if _gradients_wait(runner) and get_world_size() > 1:
            _average_gradients(_model(runner))

    def before_save_checkpoint(self, runner: Runner,
                               checkpoint: Dict) -> None:
        kept = dict(
            codebooks={name: torch.cat(q.gathered).cpu()
                       for name, q in _codebooks(runner) if q.gathered},
            gradients={name: p.grad.cpu() for name, p in _model(
                runner).named_parameters() if p.grad is not None}
            if _gradients_wait(runner) else {})
        if any(kept.values()):
            checkpoint[KEY] = kept

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict) -> None:
        if getattr(runner, '_resume', False):
            self._kept = checkpoint.get(KEY) or {}

    def _restore(self, runner: Runner) -> None:
        waiting = self._kept.pop('codebooks', {})
        for name, quantizer in _codebooks(runner):
            if name in waiting:
                device = next(quantizer.buffers()).device
                quantizer.gathered = [waiting[name].to(device)]
        gradients = self._kept.pop('gradients', {})
        for name, p in _model(runner).named_parameters():
            if name in gradients:
                p.grad = gradients[name].to(p.device)


class ClipsBySeed:
    """Items of a data set, each drawn by ``seed``, :attr:`epoch` and its
    number.

    Args:
        dataset (Dataset): Any, inside whatever wrappers.
        seed (int): Of the training.

    Attributes:
        epoch (Tensor): (), in shared memory: workers that live on see it
            change.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self.dataset, self.seed = dataset, seed
        self.epoch = torch.zeros((), dtype=torch.long).share_memory_()

    def __call__(self, indices: Sequence[int]) -> List:
        items = []
        for i in indices:
            seed_all(self.seed, OF_A_CLIP, int(self.epoch), i)
            items.append(self.dataset[i])
        return items


def seed_all(*numbers: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch by some numbers >= 0
    together."""
    python, numpy, pytorch = np.random.SeedSequence(
        numbers).generate_state(3).tolist()
    random.seed(python)
    np.random.seed(numpy)
    torch.manual_seed(pytorch)


def _model(runner: Runner) -> nn.Module:
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _codebooks(runner: Runner) -> Iterator[Tuple[str, Settling]]:
    for name, module in _model(runner).named_modules():
        if isinstance(module, Settling):
            yield name, module


def _gradients_wait(runner: Runner) -> bool:
    """Return whether each process accumulates gradients of all parameters
    that no step has used."""
    optim = runner.optim_wrapper
    number = getattr(optim, '_accumulative_counts', 1)
    whole = get_world_size() == 1 or isinstance(
        runner.model, DistributedDataParallel)
    return whole and number > 1 and not optim.should_update()


def _average_gradients(model: nn.Module) -> None:
    """Take the mean over the processes; a process without a gradient that
    others have counts as zero."""
    trained = [p for p in model.parameters() if p.requires_grad]
    there = torch.tensor([float(p.grad is not None) for p in trained])
    all_reduce(there, 'max')
    for p, somewhere in zip(trained, there.tolist()):
        if somewhere:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            all_reduce(p.grad, 'mean')
