"""Helpers that the command-line tools share."""
import argparse
import os
import os.path as osp
import sys
from contextlib import contextmanager
from typing import Iterator

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import is_distributed

from .shipped import find_config


def load_config(args: argparse.Namespace) -> Config:
    """The config of ``args.config``, a file or a name
    (:func:`~.shipped.find_config`), under ``--cfg-options``, ``--launcher``
    and ``--work-dir``, which defaults to ``work_dirs/<config name>``.

    Raises:
        FileNotFoundError: No such config.
        ValueError: Several configs have the name.
    """
    file = find_config(args.config)
    cfg = Config.fromfile(file)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.splitext(osp.basename(file))[0]
        cfg.work_dir = osp.join('work_dirs', name)
    return cfg


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
def user_errors(go_on: str = 'run it again') -> Iterator[None]:
    """End a tool on bad input with the message alone and exit code 2, and on
    Ctrl-C with 130. The message says what to do; a traceback through the
    framework does not. ``LVLM_VAR_TRACEBACK=1`` shows it all the same, for
    where the fault is the program's.

    Args:
        go_on (str): How to go on after an interruption.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError, ValueError) as e:
        if os.environ.get('LVLM_VAR_TRACEBACK'):
            raise
        sys.stdout.flush()
        message = str(e)
        if 'Original Traceback' in message:  # of a dataloader worker
            # The last line is 'package.Class: message'.
            message = message.strip().splitlines()[-1].partition(': ')[2]
        print(f'error: {message}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print(f'interrupted; {go_on}', file=sys.stderr)
        raise SystemExit(130) from None
