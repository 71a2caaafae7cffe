"""A hook that keeps the record of a run."""
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any, Dict, Optional, Union

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from lvlm_var_mm.atomic import write_text
from mmaction.registry import HOOKS

RECORD = 'record.jsonl'
PARENT = 'LVLM_VAR_BENCHMARK'  # the process that a run belongs to


@HOOKS.register_module()
class RunRecordHook(Hook):
    """Write down what each epoch of a training took.

    ``record.jsonl`` in the work directory has a line for each epoch: its
    number, the seconds that its training took, the peak of memory in MB (of
    the GPU, else of the process) and what the validation said. A run whose
    benchmark was killed ends itself.
    """
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        self.file = Path(runner.work_dir) / RECORD
        self.parent = int(os.environ.get(PARENT, 0))
        self.epoch: Dict[str, Any] = {}

    def before_train_epoch(self, runner: Runner) -> None:
        self.start = time.perf_counter()

    def after_train_iter(self, runner: Runner, batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        if self.parent and os.getppid() != self.parent:
            sys.exit('the benchmark that started this run is gone')

    def after_train_epoch(self, runner: Runner) -> None:
        self.epoch = dict(
            epoch=runner.epoch + 1,
            seconds=round(time.perf_counter() - self.start, 3),
            memory=peak_memory())
        self._write(self.epoch)

    def after_val_epoch(self, runner: Runner,
                        metrics: Optional[Dict[str, float]] = None) -> None:
        if getattr(self, 'epoch', None):
            self._write(dict(self.epoch, val={
                k: float(v) for k, v in (metrics or {}).items()
                if isinstance(v, (int, float))}))

    def _write(self, row: dict) -> None:
        rows = self.file.read_text('utf-8') if self.file.exists() else ''
        write_text(self.file, f'{rows}{json.dumps(row)}\n')


def read_record(work_dir: Union[str, Path]) -> Dict[int, dict]:
    """Return what is known of each epoch, by its number from 1; the last line
    of an epoch counts, one that a kill cut short does not."""
    file = Path(work_dir) / RECORD
    found: Dict[int, dict] = {}
    for line in file.read_text('utf-8').splitlines() if file.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        found[row['epoch']] = row
    return found


def peak_memory() -> float:
    """Return the peak of memory so far, in MB: of the GPU, else of this whole
    process, libraries and all."""
    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20, 1)
    # Kilobytes, but for macOS.
    unit = 2**20 if sys.platform == 'darwin' else 2**10
    return round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, 1)
