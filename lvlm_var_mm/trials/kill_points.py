"""The points at which tools/perf/kill.py kills a process."""
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from multiprocessing import RawValue, Value
from typing import Callable, Dict, List, Optional, Tuple
from unittest import mock

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from lvlm_var_mm import atomic
from lvlm_var_mm.engine import cache_tokens, code_names
from lvlm_var_mm.models.tokens import tokens_of
from lvlm_var_mm.preparation import ntu

KINDS = ('iteration', 'validation', 'naming', 'caching', 'reading', 'write',
         'rename', 'delete')


class Points:
    """Counts the points of each kind that a process comes by, its workers
    together, and kills them all at one."""

    def __init__(self) -> None:
        self.saved = RawValue('l', 0)  # epochs with a checkpoint
        self.target: Optional[Tuple[str, int]] = None
        self.count_anew()
        self.whole: Dict[str, int] = {}

    def count_anew(self) -> None:
        """Begin a run; who was killed may have left a lock behind."""
        self.counts = {kind: Value('l', 0) for kind in KINDS}
        if self.target is not None:
            self.saved.value = 0

    def kill_at(self, kind: Optional[str], at: int = 0) -> None:
        """Kill at point ``at`` of a kind, counted from 1; None: at none."""
        self.target = None if kind is None else (kind, at)

    def draw(self, number: int, seed: int) -> List[Tuple[str, int]]:
        """Draw points of the run that has just ended, kinds in turn."""
        self.whole = {k: c.value for k, c in self.counts.items() if c.value}
        rng = np.random.default_rng(seed)
        kinds = [list(self.whole)[i % len(self.whole)] for i in range(number)]
        return [(kind, int(rng.integers(self.whole[kind])) + 1)
                for kind in kinds]

    def seen(self) -> Counter:
        """Return the number of points of each kind in an unbroken run."""
        return Counter(self.whole)

    def passed(self, kind: str, path: str = '') -> None:
        """Come by a point; ``path`` is a file that is being written."""
        with self.counts[kind].get_lock():
            self.counts[kind].value += 1
            number = self.counts[kind].value
        if self.target != (kind, number):
            return
        if path and os.path.isfile(path):  # half of it is written
            os.truncate(path, os.path.getsize(path) // 2)
        os.killpg(0, signal.SIGKILL)

    # ------------------------------------------------- what is looked at
    def watch(self) -> None:
        """Look at all that this process does from now on."""
        sync, rename = atomic._sync, os.replace
        rmtree, remove = shutil.rmtree, os.remove

        def synced(path):
            self.passed('write', str(path))
            sync(path)

        def renamed(a, b):
            self.passed('rename')
            rename(a, b)
            found = re.search(r'/epoch_(\d+)\.pth$', str(b))
            if found:
                self.saved.value = int(found[1])
            self.passed('rename')

        def before(call, kind):
            def called(*args, **kwargs):
                self.passed(kind)
                return call(*args, **kwargs)
            return called

        # Until the process ends.
        for owner, name, new in (
                (atomic, '_sync', synced), (os, 'replace', renamed),
                (shutil, 'rmtree', before(rmtree, 'delete')),
                (os, 'remove', before(remove, 'delete')),
                (code_names, 'tokens_of', before(tokens_of, 'naming')),
                (cache_tokens, 'tokens_of', before(tokens_of, 'caching')),
                (ntu, 'read_skeleton', before(ntu.read_skeleton, 'reading'))):
            mock.patch.object(owner, name, new).start()


class PointsHook(Hook):
    """Pass the points of a training."""
    priority = 'LOWEST'

    def __init__(self, points: Points) -> None:
        self.points = points

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        self.points.passed('iteration')

    def after_val_iter(self, runner: Runner, *args, **kwargs) -> None:
        self.points.passed('validation')


CURRENT: List[Points] = []  # of this process, for hooks


def in_a_process(work: Callable[[], None], points: Points) -> None:
    """Do some work in a process of its own, forked from this one, which has
    the imports already; it may be killed at its point.

    Raises:
        RuntimeError: It failed by itself; says how.
    """
    points.count_anew()
    with tempfile.TemporaryFile() as log:
        sys.stdout.flush()
        child = os.fork()
        if not child:
            code = 1
            try:
                os.setsid()  # workers are killed with it
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
                points.watch()
                CURRENT.append(points)
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        killed = os.WIFSIGNALED(status) and (
            os.WTERMSIG(status) == signal.SIGKILL)
        if status and not (killed and points.target):
            log.seek(0)
            raise RuntimeError(log.read().decode(errors='replace')[-4000:])
