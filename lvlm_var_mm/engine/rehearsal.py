"""A rehearsal of a training: all that it does, a little of each.

Two iterations of every phase, a validation, a checkpoint and a resume pass
through the Runner, the hooks and the batch size of the config itself. So no
night is lost to what first happens in epoch 27.
"""
import copy
import gc
import os.path as osp
import resource
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import torch
from mmengine.config import Config
from mmengine.dist import (barrier, broadcast_object_list, get_world_size,
                           init_dist, is_distributed, is_main_process)
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, find_latest_checkpoint
from terminaltables import AsciiTable
from torch import Tensor, nn

from lvlm_var_mm.estimate.capacity import memory_here, require_memory
from lvlm_var_mm.estimate.hours import READS, VALIDATION, WAITS
from lvlm_var_mm.estimate.schedule import Schedule, clips_of, warmup_hooks
from mmaction.registry import RUNNERS
from .stand_ins import (stand_in_for_checkpoint, stand_in_for_data,
                        stand_in_for_lvlm)

EARLY = f'{VALIDATION} while {WAITS}'
# How far the next step of a resumed training may lie from the original, as
# a share of it: on a GPU, sums in bfloat16 differ from run to run.
ON_GPU, ON_CPU = .1, 1e-3


class Phase(NamedTuple):
    """Time and memory of the iterations of a phase."""
    first: float  # seconds of the first one
    seconds: float  # median of the others
    bytes: int  # peak of the memory


class Report(NamedTuple):
    """The result of a rehearsal."""
    phases: Dict[str, Phase]
    resumed: bool  # whether the resumed training took the same next step
    stand_ins: List[str]  # what was random or made
    hours: Optional[float]  # of the whole training, if its size is known


class Stopwatch(Hook):
    """Measure the iterations of each phase, and keep the last batch."""
    priority = 'LOWEST'

    def __init__(self) -> None:
        self.phase, self.batch = 'the start', None
        self.seconds: Dict[str, List[float]] = {}
        self.bytes: Dict[str, int] = {}

    def before_train_epoch(self, runner: Runner) -> None:
        self._enter(READS if _reads(runner) else WAITS)

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[Dict] = None) -> None:
        self.batch = data_batch
        self._start = _now()

    def after_train_iter(self, *args, **kwargs) -> None:
        self._stop()

    def before_val_epoch(self, runner: Runner) -> None:
        self._enter(VALIDATION if _reads(runner) else EARLY)

    def before_val_iter(self, *args, **kwargs) -> None:
        self._start = _now()

    def after_val_iter(self, *args, **kwargs) -> None:
        self._stop()

    def _enter(self, phase: str) -> None:
        self.phase, self.seconds[phase] = phase, []
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def _stop(self) -> None:
        self.seconds[self.phase].append(_now() - self._start)
        # Without a GPU, of the process so far.
        self.bytes[self.phase] = (
            torch.cuda.max_memory_allocated() if torch.cuda.is_available() else
            1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def phases(self) -> Dict[str, Phase]:
        return {name: Phase(seconds[0], median(seconds[1:] or seconds),
                            self.bytes[name])
                for name, seconds in self.seconds.items()}


def rehearse(cfg: Config, iterations: int = 2) -> Report:
    """Rehearse the training of a config and print what it takes.

    Nothing is written to the work directory of the config. Parts that are
    missing (weights, tokenizer, data) are replaced by random or made ones, and
    a note names them.

    Args:
        cfg (Config): The whole config, as ``tools/train.py`` would run it.
        iterations (int): Of each phase; the first one warms up.

    Raises:
        ValueError: It does not fit into the memory, or counts no epochs.
    """
    init_default_scope('mmaction')
    schedule, watch = Schedule.of(cfg), Stopwatch()
    with _shared_folder(cfg) as folder:
        small, stand_ins = shortened(cfg, schedule, folder, iterations)
        for text in stand_ins:
            _say(f'stand-in for {text}')
        require_memory(small, memory_here(), get_world_size())
        try:
            runner = _train(small, watch)
            step = _next_step(runner, watch)
            del runner
            _free()
            checkpoint = find_latest_checkpoint(small.work_dir)
            small.resume, small.load_from = True, None
            again = _next_step(_train(small), watch)
        except torch.cuda.OutOfMemoryError as e:
            raise ValueError(
                f'{watch.phase}: the GPU has too little memory; lower '
                '`train_dataloader.batch_size`, or set `model.cls_head.'
                'gradient_checkpointing=True`; `python -m lvlm_var_mm '
                'estimate CONFIG` prints what fits') from e
        except Exception:
            _say(f'the rehearsal failed in this phase: {watch.phase}')
            raise
        phases, resumed = watch.phases(), _same(step, again)
        rows, hours = _costs(cfg, schedule, phases)
        _say(AsciiTable(rows, title='rehearsal').table)
        _say(f'checkpoint: {_size(checkpoint) / 1e6:.1f} MB; resumed '
             f'from it, training {"takes" if resumed else "DOES NOT take"} '
             f'the same next step (loss {step[0]:.6f} and {again[0]:.6f})')
        _say('the whole training: ' + (
            'not known without the clips of an epoch' if hours is None else
            f'{hours:.2f} hours of iterations, if reading the data keeps up; '
            'hooks at the end of epochs come on top'))
    return Report(phases, resumed, stand_ins, hours)


def shortened(cfg: Config, schedule: Schedule, folder: str,
              iterations: int) -> Tuple[Config, List[str]]:
    """Return the config of a rehearsal in a folder, and what stands in for
    what is missing."""
    cfg = copy.deepcopy(cfg)
    # Named after the folder: MMEngine keeps what it has made for a name.
    cfg.update(work_dir=osp.join(folder, 'work'), resume=False,
               experiment_name=osp.basename(folder), log_level='WARNING')
    if cfg.get('visualizer'):  # which might publish
        cfg.visualizer.vis_backends = []
    stand_ins = stand_in_for_lvlm(cfg, folder) + stand_in_for_checkpoint(cfg)
    for name in ('train_dataloader', 'val_dataloader'):
        if cfg.get(name):
            number = iterations * cfg[name].batch_size
            stand_ins += stand_in_for_data(
                cfg, name, number * get_world_size(), folder)
            cfg[name].sampler = dict(type='FewSampler', number=number)
    stages = [schedule.waiting > 0, schedule.reading > 0]
    for hook in warmup_hooks(cfg):
        hook.epochs = int(stages[0])
    cfg.train_cfg.update(
        max_epochs=sum(stages), val_interval=1,
        val_begin=1 if schedule.val_waiting else sum(stages))
    cfg.train_cfg.pop('dynamic_intervals', None)
    checkpoint = cfg.default_hooks.checkpoint
    checkpoint.update(interval=1, by_epoch=True)
    for key in ('out_dir', 'save_begin'):
        checkpoint.pop(key, None)
    # Each iteration takes a step of the optimizer.
    if 'accumulative_counts' in cfg.optim_wrapper:
        cfg.optim_wrapper.accumulative_counts = 1
    return cfg, stand_ins


def _train(cfg: Config, watch: Optional[Stopwatch] = None) -> Runner:
    # A Runner changes the config that it is given.
    cfg = copy.deepcopy(cfg)
    runner = (RUNNERS.build(cfg) if 'runner_type' in cfg else
              Runner.from_cfg(cfg))
    if watch:
        runner.register_hook(watch)
    runner.train()
    return runner


def _next_step(runner: Runner,
               watch: Stopwatch) -> Tuple[float, List[Tensor]]:
    """Train once more on the last batch -> the loss, and by how much each
    parameter moved."""
    watch.phase = 'the step after the checkpoint'
    model = _bare(runner.model)
    if WAITS in watch.seconds and READS not in watch.seconds:
        model.cls_head.active = False
    torch.manual_seed(0)
    runner.model.train()
    before = _trained(model)
    log = runner.model.train_step(copy.deepcopy(watch.batch),
                                  optim_wrapper=runner.optim_wrapper)
    moved = [a - b for a, b in zip(_trained(model), before)]
    return float(log['loss'].detach()), moved


def _trained(model: nn.Module) -> List[Tensor]:
    return [p.detach().cpu().clone() for p in model.parameters()
            if p.requires_grad]


def _same(step: Tuple[float, List[Tensor]],
          again: Tuple[float, List[Tensor]]) -> bool:
    length = sum(float((m**2).sum()) for m in step[1])
    apart = sum(float(((m - n)**2).sum()) for m, n in zip(step[1], again[1]))
    share = ON_GPU if torch.cuda.is_available() else ON_CPU
    return (abs(step[0] - again[0]) <= .1 * share * abs(step[0]) and
            apart <= share**2 * length)


def _costs(cfg: Config, schedule: Schedule, phases: Dict[str, Phase]
           ) -> Tuple[List[Tuple], Optional[float]]:
    """Rows of the table, and the hours of the whole training."""
    rows, total = [('phase', 'first iteration, s', 'iteration, s',
                    'peak memory, GB', 'in the whole training', 'hours')], 0.
    epochs = {WAITS: schedule.waiting, READS: schedule.reading,
              EARLY: schedule.val_waiting, VALIDATION: schedule.val_reading}
    for name, phase in phases.items():
        loader = 'val' if name.startswith(VALIDATION) else 'train'
        clips = clips_of(cfg, f'{loader}_dataloader')
        row = (name, f'{phase.first:.2f}', f'{phase.seconds:.2f}',
               f'{phase.bytes / 1e9:.2f}')
        if clips is None:
            rows.append((*row, f'{epochs[name]} epochs', '?'))
            total = None
            continue
        batch = cfg[f'{loader}_dataloader'].batch_size * get_world_size()
        iterations = epochs[name] * -(-clips // batch)
        hours = iterations * phase.seconds / 3600
        rows.append((*row, f'{iterations:,} iterations', f'{hours:.3f}'))
        total = None if total is None else total + hours
    return rows, total


@contextmanager
def _shared_folder(cfg: Config) -> Iterator[str]:
    """A temporary folder, the same for all processes."""
    if cfg.get('launcher', 'none') != 'none' and not is_distributed():
        init_dist(cfg.launcher, **cfg.env_cfg.get('dist_cfg', {}))
    made = [tempfile.mkdtemp(prefix='rehearsal_') if is_main_process()
            else None]
    broadcast_object_list(made)
    try:
        yield made[0]
        barrier()  # nobody reads it any more
    finally:
        if is_main_process():
            shutil.rmtree(made[0], ignore_errors=True)


def _size(checkpoint: str) -> int:
    """Bytes of a file, or of a folder as DeepSpeed writes it."""
    files = [p for p in Path(checkpoint).rglob('*') if p.is_file()]
    return sum(p.stat().st_size for p in files or [Path(checkpoint)])


def _bare(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


def _reads(runner: Runner) -> bool:
    return getattr(_bare(runner.model).cls_head, 'active', True)


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _say(text: str) -> None:
    if is_main_process():
        print(text, flush=True)
