"""Save checkpoints so that a kill or a full disk costs none, and find the
latest that is whole.

MMEngine deletes the old checkpoint before it writes the new one, writes in
place, and resumes from whatever ``last_checkpoint`` names.
"""
import os.path as osp
import sys
from functools import wraps
from pathlib import Path
from typing import Callable, List, Optional, Union

import mmengine
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import checkpoint as mmengine_checkpoint

from lvlm_var_mm.atomic import replaced, write_text
from .loading import CheckpointError, load_checkpoint_file

LAST = 'last_checkpoint'


def save_whole_checkpoints() -> None:
    """Let MMEngine write local files and configs whole or not at all, delete a
    checkpoint when its successor is there, and resume from the latest that is
    whole. Goes when mmengine does so itself."""
    if LocalBackend.put is _put:
        return
    LocalBackend.put, LocalBackend.put_text = _put, _put_text
    Config.dump = _dump_whole(Config.dump)
    for name in ('_save_checkpoint_with_step', '_save_best_checkpoint'):
        setattr(CheckpointHook, name,
                _delete_afterwards(getattr(CheckpointHook, name)))
    found = mmengine_checkpoint.find_latest_checkpoint
    for module in list(sys.modules.values()):
        if (getattr(module, '__name__', '').startswith('mmengine.') and
                getattr(module, 'find_latest_checkpoint', None) is found):
            module.find_latest_checkpoint = find_latest_whole


def find_latest_whole(path: str) -> Optional[str]:
    """Find the checkpoint to resume from: what ``last_checkpoint`` names or
    its successor, or, if these are damaged or gone, the latest whole one of
    the folder.

    Args:
        path (str): The work directory.

    Returns:
        str | None: Its path; None if the folder has no checkpoint.

    Raises:
        CheckpointError: Its checkpoints are all damaged or gone.
    """
    candidates = _candidates(path)
    for candidate in candidates:
        try:
            load_checkpoint_file(candidate, 'cpu')
            return candidate
        except (FileNotFoundError, CheckpointError) as e:
            print_log(f'not resumed from {candidate}: {e}', logger='current',
                      level=30)
    if candidates:
        raise CheckpointError(
            f'{path}: no checkpoint is whole '
            f'({", ".join(map(osp.basename, candidates))}): delete them and '
            f'{LAST} to start anew, or give another, `--resume CHECKPOINT`')
    print_log(f'{path} has no checkpoint to resume: training starts anew',
              logger='current')
    return None


def has_checkpoints(path: str) -> bool:
    """Return whether a work directory has checkpoints, whole or not."""
    return bool(_candidates(path))


def _candidates(path: str) -> List[str]:
    """Paths, the first choice first."""
    named, last = [], osp.join(path, LAST)
    if osp.isfile(last):
        with open(last, encoding='utf-8', errors='replace') as f:
            named = [f.read().strip()]
    found = [p for kind in ('epoch', 'iter')
             for p in Path(path).glob(f'{kind}_*') if _number(p) is not None]
    found.sort(key=lambda p: (p.stat().st_mtime, _number(p)), reverse=True)
    # A kill may come between a checkpoint and the note that names it.
    newer = [p for p in found for n in map(Path, named)
             if n.is_file() and p.parent.resolve() == n.parent.resolve()
             and p.stat().st_mtime >= n.stat().st_mtime
             and p.stem.split('_')[0] == n.stem.split('_')[0]
             and _number(p) > (_number(n) or 0)]
    return list(dict.fromkeys(
        osp.normpath(p) for p in [*newer, *named, *found] if str(p)))


def _number(path: Path) -> Optional[int]:
    number = path.stem.rpartition('_')[2]
    return int(number) if number.isdigit() else None


def _put(self, obj: bytes, filepath: Union[str, Path]) -> None:
    """``LocalBackend.put``, whole or not at all."""
    mmengine.mkdir_or_exist(osp.dirname(filepath))
    with replaced(filepath) as f:
        f.write(obj)


def _put_text(self, obj: str, filepath: Union[str, Path],
              encoding: str = 'utf-8') -> None:
    """``LocalBackend.put_text``, whole or not at all."""
    mmengine.mkdir_or_exist(osp.dirname(filepath))
    with replaced(filepath, 'w', encoding) as f:
        f.write(obj)


def _dump_whole(dump: Callable) -> Callable:
    """Wrap ``Config.dump``, which opens Python files itself."""

    @wraps(dump)
    def dump_whole(self, file: Union[str, Path, None] = None
                   ) -> Optional[str]:
        if file is None or not str(file).endswith('.py'):
            return dump(self, file)
        write_text(file, self.pretty_text)
        return None

    return dump_whole


class _Later:
    """A file backend that keeps in mind what it is told to delete."""

    def __init__(self, backend) -> None:
        self.backend, self.paths = backend, []

    def __getattr__(self, name):
        return getattr(self.backend, name)

    def remove(self, path) -> None:
        self.paths.append((self.backend.remove, path))

    def rmtree(self, path) -> None:
        self.paths.append((self.backend.rmtree, path))


def _delete_afterwards(method: Callable) -> Callable:
    """Wrap a method of ``CheckpointHook`` that deletes before it writes."""

    @wraps(method)
    def save(self, runner, *args, **kwargs) -> None:
        backend = self.file_backend
        self.file_backend = later = _Later(backend)
        try:
            method(self, runner, *args, **kwargs)
        finally:
            self.file_backend = backend
        # After a resume an old one may have the name of the new one.
        new = {self.last_ckpt, getattr(self, 'best_ckpt_path', None),
               *getattr(self, 'best_ckpt_path_dict', {}).values()}
        for delete, path in later.paths:
            if path not in new:
                delete(path)

    return save
