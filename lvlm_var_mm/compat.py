"""Makes MMAction2 1.2.0 run on current PyTorch and transformers.

One function a shim, each with its reason and the condition under which it can
go. :func:`apply` runs them all, before anything imports ``mmaction.models``;
each leaves an installation that does not need it as it is.
"""
import ctypes
import importlib.util
import os.path as osp
import sys
import types
import warnings
from functools import wraps
from importlib.metadata import PackageNotFoundError, version


def apply() -> tuple:
    """Apply every shim; return the names of those that changed something."""
    return tuple(shim.__name__ for shim in _SHIMS if shim())


def quiet_mmcv_lite() -> bool:
    """mmcv-lite warns at import that it lacks one operator, which no model
    here uses. Goes when mmcv-lite stops warning."""
    warnings.filterwarnings(
        'ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    return False


def quiet_pkg_resources() -> bool:
    """mmengine imports ``pkg_resources`` for ``mmaction::`` configs, which
    setuptools warns of in every run. Goes when mmengine does without."""
    warnings.filterwarnings(
        'ignore', message='pkg_resources is deprecated as an API')
    return False


def quiet_peft() -> bool:
    """peft asks transformers by a name that the latter warns of in every
    training. Goes when peft takes the new name."""
    warnings.filterwarnings(
        'ignore', message='`is_gradient_checkpointing` is deprecated')
    return False


def numpy_2_names() -> bool:
    """mmaction2 uses names that NumPy 2 dropped (docs/stack.md). Goes when a
    release of mmaction2 does without."""
    import numpy as np
    old = dict(Inf='inf', in1d='isin', trapz='trapezoid')
    lacking = [name for name in old if not hasattr(np, name)]
    for name in lacking:
        setattr(np, name, getattr(np, old[name]))
    return bool(lacking)


def drn_placeholder() -> bool:
    """The 1.2.0 wheel lacks ``mmaction.models.localizers.drn``, which its
    ``localizers/__init__`` imports; and in a source checkout that file needs
    torchvision. Goes when a release of mmaction2 ships the folder."""
    name = 'mmaction.models.localizers.drn'
    import mmaction
    there = osp.isdir(
        osp.join(osp.dirname(mmaction.__file__), 'models/localizers/drn'))
    if there and importlib.util.find_spec('torchvision') is not None:
        return False
    if name in sys.modules:
        return False

    class DRN:

        def __init__(self, *args, **kwargs):
            raise ImportError(
                'DRN is not part of the mmaction2 1.2.0 wheel; install '
                'mmaction2 from source, with torchvision, to use it')

    package, module = types.ModuleType(name), types.ModuleType(f'{name}.drn')
    package.__path__ = []
    module.DRN = package.DRN = DRN
    package.drn = module
    sys.modules.update({name: package, f'{name}.drn': module})
    return True


def no_vindlu() -> bool:
    """mmaction2 imports its VindLU models wherever transformers >= 4.28 is
    installed; they need timm and names that transformers 5 dropped. Goes
    when mmaction2 checks for what it imports."""
    import mmaction.utils.dependency as dependency
    try:
        old_names = int(version('transformers').split('.')[0]) < 5
    except PackageNotFoundError:
        old_names = False
    if old_names and importlib.util.find_spec('timm') is not None:
        return False
    dependency.WITH_MULTIMODAL = False
    return True


def flexible_runner_resumes() -> bool:
    """``FlexibleRunner.save_checkpoint`` overwrites the epoch that a hook
    gives with a guess, one too high for a checkpoint saved after validation
    (the best one): training resumed from it skips an epoch. ``Runner`` keeps
    what it is given. Goes when mmengine's FlexibleRunner does."""
    from mmengine.runner import FlexibleRunner
    save_checkpoint = FlexibleRunner.save_checkpoint

    @wraps(save_checkpoint)
    def save_as_given(self, *args, meta=None, **kwargs):
        given, save = dict(meta or {}), self.strategy.save_checkpoint

        def save_given(*args, extra_ckpt, **kwargs):
            extra_ckpt['meta'].update(given)
            save(*args, extra_ckpt=extra_ckpt, **kwargs)

        self.strategy.save_checkpoint = save_given
        try:
            save_checkpoint(self, *args, meta=meta, **kwargs)
        finally:
            del self.strategy.save_checkpoint

    FlexibleRunner.save_checkpoint = save_as_given
    return True


def packed_weights_have_a_mean() -> bool:
    """``BaseModule.init_weights`` takes the mean of every parameter, to tell
    in the log what initialised it; weights packed to 4 or 8 bits are integers,
    which have none. Goes when mmengine asks floating point ones alone."""
    import torch
    from mmengine.model import BaseModule
    from torch.overrides import TorchFunctionMode
    init_weights = BaseModule.init_weights

    class MeanOfIntegers(TorchFunctionMode):

        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is torch.Tensor.mean and not args[0].is_floating_point():
                return args[0].as_subclass(torch.Tensor).float().mean()
            return func(*args, **(kwargs or {}))

    @wraps(init_weights)
    def with_means(self):
        with MeanOfIntegers():
            init_weights(self)

    BaseModule.init_weights = with_means
    return True


def decord_reads_paths() -> bool:
    """``DecordInit`` hands decord the bytes of a file. decord 0.6 ends the
    process on many a damaged AVI that it reads from memory, and on none that
    it reads from a path. Goes when decord survives them."""
    import decord

    from mmaction.datasets.transforms import DecordInit
    get_video_reader = DecordInit._get_video_reader

    @wraps(get_video_reader)
    def by_path(self, filename):
        path = filename if osp.splitext(filename)[1] else f'{filename}.mp4'
        if self.io_backend != 'disk' or not osp.isfile(path):
            return get_video_reader(self, filename)
        return decord.VideoReader(path, num_threads=self.num_threads)

    DecordInit._get_video_reader = by_path
    return True


def decord_keeps_its_libraries() -> bool:
    """decord 0.6 loads its libraries, a libxcb among them, for the whole
    process. An OpenCV that was imported before takes them for its own, and its
    first window ends the process. Goes when decord loads them for itself."""
    if 'decord' in sys.modules:
        return False
    shared = ctypes.CDLL

    class ForItself(shared):

        def __init__(self, name, mode=ctypes.DEFAULT_MODE, **kwargs):
            if 'decord' in str(name):
                mode = ctypes.RTLD_LOCAL
            super().__init__(name, mode, **kwargs)

    ctypes.CDLL = ForItself
    try:
        import decord  # noqa: F401
    finally:
        ctypes.CDLL = shared
    return True


_SHIMS = (quiet_mmcv_lite, quiet_pkg_resources, quiet_peft,
          decord_keeps_its_libraries, numpy_2_names, drn_placeholder,
          no_vindlu, flexible_runner_resumes, packed_weights_have_a_mean,
          decord_reads_paths)
