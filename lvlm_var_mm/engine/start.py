"""The start of a training as a person reads it: ten lines on the terminal,
the long config and the environment in the log file alone."""
import logging
import os.path as osp
import textwrap
from contextlib import contextmanager
from typing import Dict, Iterator, List, Optional

import torch
from mmengine.dist import get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from lvlm_var_mm.datasets.corrupt import skipping_datasets
from mmaction.registry import HOOKS
from .hooks import LVLMWarmupHook

# The beginnings of records that nobody reads on a terminal.
LONG = 'Config:', '-----', 'System environment', 'Hooks will be executed'
WIDTH = 79


class _Short(logging.Filter):
    """Keep from the terminal what is long and, while nothing has been said,
    all that is no warning."""

    def __init__(self) -> None:
        super().__init__()
        self.started = False

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            return True
        text = str(record.msg).lstrip()
        return self.started and not text.startswith(LONG)


@contextmanager
def short_log(started: bool = False) -> Iterator[_Short]:
    """Keep the config and the environment from the terminal; the log file has
    them.

    Args:
        started (bool): Whether other records are shown from the beginning;
            else from when ``started`` of what this yields is set.
    """
    short, handlers, call = _Short(), [], MMLogger.callHandlers
    short.started = started

    def filtered(self, record: logging.LogRecord) -> None:
        for handler in self.handlers:
            # A file handler is a stream handler, too.
            if type(handler) is logging.StreamHandler and (
                    short not in handler.filters):
                handler.addFilter(short)
                handlers.append(handler)
        call(self, record)

    MMLogger.callHandlers = filtered
    try:
        yield short
    finally:
        MMLogger.callHandlers = call
        for handler in handlers:
            handler.removeFilter(short)


@HOOKS.register_module()
class StartHook(Hook):
    """Print what is about to be trained.

    Args:
        config (str): Its file.
        short (logging.Filter): Of :func:`short_log`, which lets the log
            appear from then on.
    """
    priority = 'VERY_HIGH'

    def __init__(self, config: str, short: _Short) -> None:
        self.config, self.short = config, short

    def before_train(self, runner: Runner) -> None:
        if runner.rank == 0:
            print(table(facts(runner, self.config)), flush=True)
        self.short.started = True


def table(rows: Dict[str, str]) -> str:
    """Names at the left, what is said of them beside, as wide as a page."""
    indent = max(map(len, rows)) + 2
    return '\n'.join(
        textwrap.fill(text, WIDTH, initial_indent=name.ljust(indent),
                      subsequent_indent=' ' * indent, break_on_hyphens=False,
                      break_long_words=False)
        for name, text in rows.items())


def facts(runner: Runner, config: str) -> Dict[str, str]:
    """Say what a training does, in the order in which one asks.

    Args:
        runner (Runner): Before its first iteration.
        config (str): The file of the config.

    Returns:
        dict: A sentence of ``training``, ``data``, ``classes``, ``model``,
        ``weights``, ``device``, ``schedule``, ``start``, ``writes`` and
        ``resume``.
    """
    model = runner.model
    model = model.module if is_model_wrapper(model) else model
    return dict(
        training=config,
        data=_data(runner),
        classes=_classes(runner, model),
        model=_model(model),
        weights=_weights(model),
        device=_device(runner, model),
        schedule=_schedule(runner),
        start=_start(runner),
        writes=_writes(runner),
        resume='the same command with --resume')


def _data(runner: Runner) -> str:
    train = runner.train_dataloader.dataset
    text = f'{len(train):,} training clips'
    if runner.val_loop is not None:
        text += f', {len(runner.val_dataloader.dataset):,} validation clips'
    sources = {str(d.ann_file or getattr(d, 'data_root', '')): None
               for d in skipping_datasets(train)}
    note = (getattr(train, 'metainfo', None) or {}).get('note')
    return text + (f' from {", ".join(filter(None, sources))}'
                   if any(sources) else '') + (f' ({note})' if note else '')


def _classes(runner: Runner, model: nn.Module) -> str:
    head = getattr(model, 'cls_head', None)
    names = getattr(getattr(head, 'classes', None), 'names', None)
    if names is None:
        lists = [d.class_list for d in skipping_datasets(
            runner.train_dataloader.dataset) if getattr(d, 'class_list', None)]
        if not lists:
            return str(getattr(head, 'num_classes', 'unknown'))
        names = lists[0].names
    return f'{len(names)}: ' + ', '.join(names[:4]) + (
        ', ...' if len(names) > 4 else '')


def _model(model: nn.Module) -> str:
    parts = [type(getattr(model, name)).__name__
             for name in ('backbone', 'neck', 'cls_head')
             if getattr(model, name, None) is not None]
    neck, head = getattr(model, 'neck', None), getattr(model, 'cls_head', None)
    said = []
    if hasattr(neck, 'code_names'):
        said.append(f'{neck.num_tokens} tokens a clip'
                    f'{" and body part" if neck.parts else ""}, '
                    f'{len(neck.code_names)} codes')
    if hasattr(head, 'base'):
        said.append(str(head.base['name']))
    return ' -> '.join(parts) + (f' ({"; ".join(said)})' if said else '')


def _weights(model: nn.Module) -> str:
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    whole, trained = sum(n for n, _ in sizes), sum(n for n, t in sizes if t)
    return (f'{trained / 1e6:.1f} of {whole / 1e6:.1f} million are trained '
            f'({trained / max(whole, 1):.1%})')


def _device(runner: Runner, model: nn.Module) -> str:
    device = next(model.parameters()).device
    name = (torch.cuda.get_device_name(device) if device.type == 'cuda' else
            device.type.upper())
    number, wrapper = get_world_size(), runner.optim_wrapper
    dtype = getattr(wrapper, 'dtype', None) or getattr(
        wrapper, 'cast_dtype', None)
    kind = ('float16' if dtype is None and 'Amp' in type(wrapper).__name__
            else str(dtype or torch.float32).replace('torch.', ''))
    return (f'{number} x ' if number > 1 else '') + f'{name}, {kind}'


def _schedule(runner: Runner) -> str:
    loader, loop = runner.train_dataloader, runner.train_loop
    clips = (loader.batch_size or 0) * get_world_size()
    times = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
    step = f'{clips * times} clips a step' + (
        f' ({times} times {clips})' if times > 1 else '')
    epochs = getattr(loop, 'max_epochs', None)
    if type(loop).__name__.startswith('Iter') or epochs is None:
        return f'{loop.max_iters:,} iterations, {step}'
    text = (f'{epochs} epoch{"s" * (epochs > 1)} of {len(loader):,} '
            f'iterations, {step}')
    waiting = [h.epochs for h in runner.hooks
               if isinstance(h, LVLMWarmupHook) and h.epochs]
    if waiting:
        text += (f'; the language model reads from epoch {waiting[0] + 1} on'
                 if waiting[0] < epochs else '; the language model waits')
    return text


def _start(runner: Runner) -> str:
    if runner.iter:
        return (f'goes on after epoch {runner.epoch}, iteration '
                f'{runner.iter:,}')
    source = runner._load_from
    return f'with the weights of {source}' if source else 'anew'


def _writes(runner: Runner) -> str:
    hooks: List[CheckpointHook] = [
        h for h in runner.hooks if isinstance(h, CheckpointHook)]
    text = f'{osp.abspath(runner.work_dir)}'
    for hook in hooks[:1]:
        unit = 'epoch' if hook.by_epoch else 'iteration'
        text += (f': a checkpoint every {hook.interval} {unit}s'
                 if hook.interval > 1 else f': a checkpoint every {unit}')
        if hook.max_keep_ckpts > 0:
            text += f', the last {hook.max_keep_ckpts} kept'
        if hook.save_best:
            best: Optional[str] = ', '.join(hook.key_indicators)
            text += f', and the best by {best}'
    return text + f'; log in {osp.basename(runner.log_dir)}/'
