"""Gives the codes of a VST neck their names."""
from typing import Optional, Tuple

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from lvlm_var_mm.models.tokens import tokens_of
from lvlm_var_mm.models.vst.code_names import (UNNAMED, VOCABULARY, name_codes,
                                               steps_active)
from mmaction.registry import HOOKS
from .averaged import copies
from .undisturbed import left_as_it_was


@HOOKS.register_module()
class CodeNamesHook(Hook):
    """Name the codes by what the training clips do while they last.

    Runs at the end of an epoch, so the names are in its checkpoint and its
    validation. Training goes on as if nothing had happened. Needs ``events``
    and ``span`` in the meta information of the samples
    (:class:`~lvlm_var_mm.datasets.BodyPartEvents` before ``ResampleFrames``);
    without, all codes stay unnamed. For training by epochs. With MMEngine's
    ``EMAHook`` the averaged model is asked, which is the one that is validated
    and saved.

    Args:
        support (int): Steps that a code needs to be named.
        truth (float): The share of a code's steps of which its name must be
            true, see :func:`~lvlm_var_mm.models.vst.code_names.name_codes`.
        max_clips (int): Training clips that are looked at, on each process.
        begin (int, optional): The first epoch to do so, counted from 1; the
            last one is always among them. Defaults to the first in which the
            language model reads and which is validated.
    """

    def __init__(self,
                 support: int = 30,
                 truth: float = 0.78,
                 max_clips: int = 10000,
                 begin: Optional[int] = None) -> None:
        self.support, self.truth = support, truth
        self.max_clips = max_clips
        self.begin = begin

    def after_train_epoch(self, runner: Runner) -> None:
        loop, epoch = runner.train_loop, runner.epoch + 1
        begin = self.begin
        models = copies(runner)
        if begin is None:
            begin = (loop.val_begin if getattr(
                models[0].cls_head, 'active', True) else loop.max_epochs)
        if epoch < min(begin, loop.max_epochs):
            return
        model = models[-1]
        with left_as_it_was(model):
            model.eval()
            counts, totals = count_events(model, runner.train_dataloader,
                                          self.max_clips)
        tally = torch.cat([counts, totals[:, None]], 1)
        tally = tally.to(next(model.parameters()).device)
        all_reduce(tally)
        counts, totals = tally[:, :-1].cpu(), tally[:, -1].cpu()
        names = name_codes(counts, totals, self.support, self.truth,
                           models[0].neck.code_names)
        for model in models:
            model.neck.code_names = names
        named = torch.tensor([name != UNNAMED for name in names])
        share = totals[named].sum() / totals.sum().clamp(min=1)
        runner.logger.info(
            f'{int(named.sum())} of {len(names)} codes have names, '
            f'{float(share):.1%} of the steps of the training clips')


@torch.no_grad()
def count_events(model: nn.Module, loader: DataLoader,
                 max_clips: int) -> Tuple[Tensor, Tensor]:
    """Count which events hold while a code lasts.

    Args:
        model (nn.Module): A recognizer with a :class:`VSTNeck`.
        loader (DataLoader): Of clips with ``events`` and ``span``.
        max_clips (int): Stop after so many.

    Returns:
        tuple[Tensor, Tensor]: (K, E) steps of a code during which an entry of
        the vocabulary holds, and (K, ) steps of a code, of the clips that
        have ``events``.
    """
    codes = len(model.neck.code_names)
    counts, totals = torch.zeros(codes, len(VOCABULARY)), torch.zeros(codes)
    seen = 0
    for data in loader:
        if seen >= max_clips:
            break
        seen += len(data['data_samples'])
        if not any('events' in s and 'span' in s
                   for s in data['data_samples']):
            continue
        data = model.data_preprocessor(data, False)
        feats = tokens_of(model, data['inputs'])
        samples = data['data_samples']
        first = slice(None, None, len(feats.ids) // len(samples))
        parts = 1 + int(feats.parts.max())
        for sample, ids, mask in zip(samples, feats.ids[first].cpu(),
                                     feats.mask[first].cpu()):
            if 'events' in sample and 'span' in sample:
                active = steps_active(sample.events, sample.span,
                                      len(ids) // parts).repeat(parts, 1)
                counts.index_add_(0, ids[mask], active[mask].float())
                totals.index_add_(0, ids[mask], torch.ones(int(mask.sum())))
    return counts, totals
