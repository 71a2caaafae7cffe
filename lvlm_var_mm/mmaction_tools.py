"""Let MMAction2's own tools read our configs and models.

The tools are run as they are, from MMAction2's wheel. What some of them do not
expect of a model or of PyTorch is prepared here, before they run.
"""
import functools
from pathlib import Path
from typing import Callable, Dict

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from mmaction.utils import gradcam_utils
from .checkpoint.loading import load_checkpoint_file
from .models import VSTNeck
from .models.lvlm.build import without_weights
from .shipped import find_config


def prepare(tool: str) -> None:
    """Make this process ready for a tool of MMAction2, which then finds our
    configs by name.

    Args:
        tool (str): Its path.
    """
    change = PREPARATIONS.get(Path(tool).stem, lambda: lambda cfg: None)()
    fromfile = Config.fromfile

    @functools.wraps(fromfile)
    def found(filename: str, *args, **kwargs) -> Config:
        cfg = fromfile(find_config(str(filename)), *args, **kwargs)
        change(cfg)
        return cfg

    Config.fromfile = staticmethod(found)


def _get_flops() -> Callable[[Config], None]:
    """Count backbone and neck: the tool stops there. The neck has no trained
    codebook and needs none, the language model no weights."""
    build = VSTNeck.__init__

    @functools.wraps(build)
    def started(self, *args, **kwargs) -> None:
        build(self, *args, **kwargs)
        for name, buffer in self.quantizer.named_buffers():
            if name.endswith('initted'):
                buffer.fill_(True)

    VSTNeck.__init__ = started

    def change(cfg: Config) -> None:
        cfg.model = without_weights(cfg.model)

    return change


def _vis_scheduler() -> Callable[[Config], None]:
    """Draw a curve for each part of the optimizer, in the order of
    ``['rest', *parts]``; the tool's model has none, and no hook of ours."""
    build = Runner.__init__

    @functools.wraps(build)
    def with_parts(self, model: nn.Module, *args, **kwargs) -> None:
        for part in _parts(kwargs['optim_wrapper']):
            owner = model
            *path, last = part.split('.')
            for name in path:
                if not hasattr(owner, name):
                    owner.add_module(name, nn.Module())
                owner = getattr(owner, name)
            owner.add_module(last, nn.Linear(1, 1))
        build(self, model, *args, **kwargs)
        optim_wrapper = self.build_optim_wrapper(self.optim_wrapper)
        # The tool keeps the first entry, of which pyplot draws each column.
        optim_wrapper.get_lr = lambda: dict(lr=[[
            group['lr'] for group in optim_wrapper.param_groups
            if group['params']]])
        self.optim_wrapper = optim_wrapper

    Runner.__init__ = with_parts

    def change(cfg: Config) -> None:
        cfg.custom_hooks = None
        # The tool asks for `by_epoch`, beside which there may be no `type`.
        kind = cfg.train_cfg.pop('type', 'EpochBasedTrainLoop')
        cfg.train_cfg.setdefault('by_epoch', kind == 'EpochBasedTrainLoop')
        cfg.optim_wrapper.type = 'OptimWrapper'  # nothing is trained
        for key in ('dtype', 'loss_scale'):
            cfg.optim_wrapper.pop(key, None)
        cfg.setdefault('log_level', 'WARNING')
        cfg.setdefault('default_scope', 'mmaction')

    return change


def _parts(optim_wrapper: Dict) -> Dict:
    return (optim_wrapper.get('paramwise_cfg') or {}).get('parts', {})


def _vis_cam() -> Callable[[Config], None]:
    """Refuse a model whose scores have no gradient back to the pictures."""
    build = gradcam_utils.GradCAM.__init__

    @functools.wraps(build)
    def checked(self, model: nn.Module, *args, **kwargs) -> None:
        if any(isinstance(module, VSTNeck) for module in model.modules()):
            raise ValueError(
                'vis_cam draws the gradient of a score by the features, and '
                'the scores of this model depend on them by the choice of '
                'codes alone, which has none: draw the tokens of clips with '
                '`python -m lvlm_var_mm show_tokens`, or give vis_cam the '
                'config of a baseline')
        build(self, model, *args, **kwargs)

    gradcam_utils.GradCAM.__init__ = checked
    return lambda cfg: None


def _publish_model() -> Callable[[Config], None]:
    """Read checkpoints of training: since torch 2.6 ``torch.load`` alone
    refuses what MMEngine stores in them."""
    read = torch.load

    @functools.wraps(read)
    def load(file: str, *args, **kwargs) -> Dict:
        if 'weights_only' in kwargs:  # asked for by our own loader
            return read(file, *args, **kwargs)
        return load_checkpoint_file(file, kwargs.get('map_location'))

    torch.load = load
    return lambda cfg: None


PREPARATIONS = dict(get_flops=_get_flops, vis_scheduler=_vis_scheduler,
                    vis_cam=_vis_cam, publish_model=_publish_model)
