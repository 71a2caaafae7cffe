"""Read checkpoints: files of MMEngine, and folders of other writers.

Since torch 2.6 ``torch.load`` reads tensors only, and refuses the message hub
that MMEngine stores in every checkpoint. Registering MMEngine's loader anew
allows exactly the classes of its own checkpoints; any other pickle stays
refused, for a checkpoint is somebody's file.
"""
import os.path as osp
from pickle import UnpicklingError
from typing import Callable, Dict, List, Optional

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader

# What a folder may be: each takes its path and gives the state dict, or None
# if the folder is none of its own. Their writers add themselves.
FOLDERS: List[Callable[[str, Optional[str]], Optional[Dict]]] = []


class CheckpointError(ValueError, UnpicklingError):
    """A file that cannot be read, or may not be, as a checkpoint."""


def load_checkpoint_file(filename: str,
                         map_location: Optional[str] = None) -> Dict:
    """Load a checkpoint of MMEngine, or a folder that a tool has written.

    Args:
        filename (str): A ``.pth`` file, or a folder known to
            :data:`FOLDERS`.
        map_location (str, optional): See ``torch.load``.

    Raises:
        FileNotFoundError: There is none.
        CheckpointError: It is damaged, or asks for other classes than
            MMEngine's checkpoints hold.
    """
    filename = osp.expanduser(filename)
    if osp.isdir(filename):
        for read in FOLDERS:
            checkpoint = read(filename, map_location)
            if checkpoint is not None:
                return checkpoint
        raise FileNotFoundError(
            f'no checkpoint in the folder {filename}: give a .pth file, or a '
            'folder that tools/export.py has written')
    if not osp.isfile(filename):
        raise FileNotFoundError(f'no checkpoint at {filename}')
    try:
        with torch.serialization.safe_globals(_mmengine_globals()):
            found = torch.load(
                filename, map_location=map_location, weights_only=True)
        if not isinstance(found, dict):
            raise TypeError(f'it is a {type(found).__name__}, not a dict')
        return found
    except Exception as e:  # a damaged file may raise anything
        if 'CUDA' in str(e) or getattr(e, 'filename', None):
            raise
        # Before that and behind it, PyTorch advises to load it anyhow.
        reason = str(e).rpartition('WeightsUnpickler error:')[2].strip()
        reason = (reason.splitlines() or ['it is empty'])[0].partition('. ')[0]
        raise CheckpointError(
            f'{filename} is no checkpoint of tensors, or a damaged one: '
            f'give a .pth that training has written ({reason})') from e


def find_checkpoint(path: str) -> str:
    """Return the path of a checkpoint, if there is one: a wrong path is told
    before minutes are spent on a language model.

    Args:
        path (str): A file, a folder, or the address of one elsewhere, which
            is not looked for.

    Raises:
        FileNotFoundError: There is none.
    """
    if '://' not in path and not osp.exists(osp.expanduser(path)):
        raise FileNotFoundError(f'no checkpoint at {path}')
    return path


def load_own_checkpoints() -> None:
    """Let MMEngine load local files through :func:`load_checkpoint_file`.
    Goes when mmengine passes a list of classes to ``torch.load`` itself."""
    CheckpointLoader.register_scheme(
        prefixes='', loader=load_checkpoint_file, force=True)


def _mmengine_globals() -> list:
    """Return the classes that MMEngine's checkpoints hold beside tensors."""
    dtypes = [type(np.dtype(t)) for t in
              ('f2', 'f4', 'f8', 'i4', 'i8', 'u4', 'u8', '?', 'S', 'U')]
    return [
        HistoryBuffer, np.dtype, np.ndarray, *dtypes,
        # Scalars and arrays of numpy 1.x and 2.x pickle under both names.
        (np.core.multiarray._reconstruct,
         'numpy.core.multiarray._reconstruct'),
        (np.core.multiarray._reconstruct,
         'numpy._core.multiarray._reconstruct'),
        (np.core.multiarray.scalar, 'numpy.core.multiarray.scalar'),
        (np.core.multiarray.scalar, 'numpy._core.multiarray.scalar'),
        (_statistics_method, 'builtins.getattr'),
    ]


def _statistics_method(owner, name):
    """HistoryBuffer pickles its statistics as ``getattr(HistoryBuffer,
    'mean')``. A free ``getattr`` would open the door again, so this stands
    in for it and finds those methods alone."""
    if owner is not HistoryBuffer or name.startswith('_'):
        raise UnpicklingError(
            f'a checkpoint may not ask for {name!r} of {owner!r}')
    return getattr(owner, name)
