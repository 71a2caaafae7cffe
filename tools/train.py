"""Train a recognizer: the flags are those of MMAction2's tools/train.py.

python tools/train.py configs/lvlmvar_quickstart.py
"""
import argparse
import os
import os.path as osp
import sys

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go; '
                        'default: work_dirs/<config name>')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the latest of the work dir')
    parser.add_argument(
        '--rehearse', action='store_true',
        help='do two iterations of each phase, a validation, a checkpoint and '
        'a resume,\nand print what they and the whole training take; writes '
        'nothing to the work\ndir; what is missing is random or made. Exit '
        'code 0 if all went well, else 1')
    parser.add_argument('--amp', action='store_true',
                        help='automatic mixed precision')
    parser.add_argument('--no-validate', action='store_true',
                        help='do not evaluate during training')
    parser.add_argument('--auto-scale-lr', action='store_true',
                        help='scale the learning rate with the batch size')
    parser.add_argument('--seed', type=int, help='random seed')
    parser.add_argument('--diff-rank-seed', action='store_true',
                        help='another seed on each rank')
    parser.add_argument('--deterministic', action='store_true',
                        help='deterministic CUDNN')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override settings of the config, e.g. '
        'train_dataloader.batch_size=8')
    parser.add_argument('--launcher', default='none',
                        choices=['none', 'pytorch', 'slurm', 'mpi'])
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    if args.rehearse and args.resume:
        parser.error('--rehearse starts anew: leave --resume out')
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.device import get_device
from mmengine.runner import Runner

import lvlm_var_mm  # noqa: F401  fills the registries, stock configs too
from lvlm_var_mm.atomic import full_disk_named
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.checkpoint.saving import has_checkpoints
from lvlm_var_mm.cli import (check_work_dir, describe, join_processes,
                             load_config, user_errors)
from lvlm_var_mm.engine import (InitialWeightsHook, ResumedScheduleHook,
                                StartHook)
from lvlm_var_mm.engine.start import short_log
from mmaction.registry import RUNNERS


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """The command line over the config."""
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        # The bfloat16 wrapper is mixed precision already.
        if kind != 'BFloat16OptimWrapper':
            if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
                raise ValueError(f'--amp does not go with `optim_wrapper` of '
                                 f'type {kind}')
            cfg.optim_wrapper.type = 'AmpOptimWrapper'
            cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if (cfg.optim_wrapper.get('type') == 'AmpOptimWrapper'
            and get_device() == 'cpu'):
        flag = '--amp' if args.amp else '`optim_wrapper.type=AmpOptimWrapper`'
        raise ValueError(
            f'{flag} needs a GPU, and there is none: set `optim_wrapper.type='
            'BFloat16OptimWrapper`, which runs on a CPU as well, or take it '
            'out')
    if args.resume:
        cfg.resume = True
        if args.resume != 'auto':
            cfg.load_from = args.resume
        elif cfg.get('load_from') and not has_checkpoints(cfg.work_dir):
            cfg.resume = False  # killed before the first: begin as at first
        else:
            cfg.load_from = None
    if args.auto_scale_lr:
        if 'auto_scale_lr' not in cfg:
            raise ValueError('--auto-scale-lr needs `auto_scale_lr` with a '
                             '`base_batch_size` in the config')
        cfg.auto_scale_lr.enable = True
    randomness = dict(cfg.get('randomness') or {})
    if args.seed is not None:
        randomness['seed'] = args.seed
    if args.diff_rank_seed:
        randomness['diff_rank_seed'] = True
    if args.deterministic:
        randomness['deterministic'] = True
    cfg.randomness = randomness or dict(seed=None)
    return cfg


def rehearsal(cfg: Config) -> int:
    """The exit code of a rehearsal."""
    from lvlm_var_mm.engine.rehearsal import rehearse
    try:
        return 0 if rehearse(cfg).resumed else 1
    except (ValueError, OSError) as e:
        if os.environ.get('LVLM_VAR_TRACEBACK'):
            raise
        print(f'error: {describe(e)}', file=sys.stderr)
        return 1


def main() -> int:
    args = parse_args()
    cfg = merge_args(load_config(args), args)
    join_processes(cfg)
    if args.rehearse:
        return rehearsal(cfg)
    check_work_dir(cfg.work_dir)
    if cfg.get('load_from'):
        find_checkpoint(cfg.load_from)
    with full_disk_named(cfg.work_dir), short_log() as short:
        runner = (RUNNERS.build(cfg)
                  if 'runner_type' in cfg else Runner.from_cfg(cfg))
        runner.register_hook(StartHook(args.config, short))
        runner.register_hook(InitialWeightsHook())
        runner.register_hook(ResumedScheduleHook())
        runner.train()
    print(f'checkpoints and logs: {osp.abspath(cfg.work_dir)}')
    return 0


if __name__ == '__main__':
    with user_errors('`--resume` goes on from the last checkpoint'):
        raise SystemExit(main())
