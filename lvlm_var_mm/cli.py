"""Helpers that the command-line tools share."""
import argparse
import logging
import os
import os.path as osp
import re
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed
from mmengine.logging import MMLogger

from lvlm_var_mm.doctor import environment
from .options import idle_options
from .shipped import PACKAGE, TOOLS, find_config

HOW = 'LVLM_VAR_TRACEBACK=1 shows the way there'


def load_config(args: argparse.Namespace) -> Config:
    """The config of ``args.config``, a file or a name
    (:func:`~.shipped.find_config`), under ``--cfg-options``, ``--launcher``
    and ``--work-dir``, which defaults to ``work_dirs/<config name>``. Options
    that change nothing are warned of.

    Raises:
        FileNotFoundError: No such config.
        ValueError: Several configs have the name, or an option that the
            config cannot take.
    """
    file = find_config(args.config)
    cfg = Config.fromfile(file)
    if args.cfg_options is not None:
        for text in idle_options(cfg, args.cfg_options):
            warn(f'--cfg-options: {text}')
        try:
            cfg.merge_from_dict(args.cfg_options)
        except (KeyError, TypeError) as e:
            raise ValueError(
                f'--cfg-options {" ".join(args.cfg_options)}: '
                f'{e.args[0] if e.args else e}') from e
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(file))[0]
        cfg.work_dir = osp.join('work_dirs', name)
    return cfg


def check_work_dir(path: str) -> None:
    """Refuse a work directory that cannot be written, as the doctor does.

    Raises:
        ValueError: Says why, and what to do.
    """
    for found in environment.check_work_dir(path):
        if found.level == 'error':
            raise ValueError(f'{found.text}: {found.remedy}')


def warn(text: str) -> None:
    """Print a warning, of the first process alone."""
    if os.environ.get('RANK', '0') == '0':
        print(f'warning: {text}', file=sys.stderr)


def join_processes(cfg: Config) -> None:
    """Let the processes of a launcher find each other on a machine without
    an accelerator, by gloo: MMEngine would look for a GPU. Does nothing where
    there is one, or without a launcher.
    """
    if cfg.launcher == 'none' or torch.cuda.is_available() or (
            get_device() != 'cpu'):
        return
    if not is_distributed():
        dist.init_process_group('gloo')
    cfg.setdefault('model_wrapper_cfg', dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False)))


@contextmanager
def log_beside_answers() -> Iterator[None]:
    """Send MMEngine's log to stderr, so that stdout holds the answers alone
    and programs can read it."""
    moved = [(handler, handler.stream)
             for handler in MMLogger.get_current_instance().handlers
             if type(handler) is logging.StreamHandler]
    for handler, _ in moved:
        handler.stream = sys.stderr
    try:
        yield
    finally:
        for handler, stream in moved:
            handler.stream = stream


@contextmanager
def user_errors(go_on: str = 'run it again') -> Iterator[None]:
    """End a tool on bad input with the message alone and exit code 2, and on
    Ctrl-C with 130. The message says what to do; a traceback through the
    framework does not. Where other code than ours raised it, such as a
    user's own transform, the place is printed. ``LVLM_VAR_TRACEBACK=1`` shows
    the traceback, for where the fault is the program's.

    Args:
        go_on (str): How to go on after an interruption.
    """
    try:
        yield
    except (OSError, ValueError) as e:
        if os.environ.get('LVLM_VAR_TRACEBACK'):
            raise
        sys.stdout.flush()
        print(f'error: {describe(e)}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print(f'interrupted; {go_on}', file=sys.stderr)
        raise SystemExit(130) from None


def describe(error: Exception) -> str:
    """The message of an error and, where it is not ours, its place."""
    message = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        message = f'{error.strerror}: {error.filename}'
    ours = type(error).__module__.startswith('lvlm_var_mm')
    place = None if ours else _place(error)
    if 'Original Traceback' in message:  # of a dataloader worker
        places = re.findall(r'File "(.+)", line (\d+), in (.+)', message)
        place = _outside(*places[-1]) if places and not ours else None
        # The last line is 'package.Class: message'.
        message = message.strip().splitlines()[-1].partition(': ')[2]
    return message + (f'\n({place}; {HOW})' if place else '')


def _place(error: BaseException) -> Optional[str]:
    """Where an error was raised first, None where by our own code."""
    while error.__cause__ or (error.__context__
                              and not error.__suppress_context__):
        # What our own code raises anew says all that is needed.
        if _raised_at(error) is None:
            return None
        error = error.__cause__ or error.__context__
    return _raised_at(error)


def _raised_at(error: BaseException) -> Optional[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return _outside(frames[-1].filename, frames[-1].lineno,
                    frames[-1].name) if frames else None


def _outside(file: str, line, function: str) -> Optional[str]:
    inside = {PACKAGE, TOOLS} & set(Path(file).resolve().parents)
    return None if inside else f'raised in {file}, line {line}, in {function}'
