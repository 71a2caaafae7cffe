"""Optimizer wrappers: mixed precision on any device, and a learning rate for
each part of the model."""
from contextlib import contextmanager
from typing import Dict, Iterator, List

import torch
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.utils import apply_to

from lvlm_var_mm.models.lvlm.build import usable_dtype
from mmaction.registry import (OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS,
                               OPTIMIZERS)

# What no part of `paramwise_cfg` names.
REST = 'rest'


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Run the forward pass in bfloat16 autocast, on CPU as on GPU; weights,
    gradients and the optimizer stay float32. Bfloat16 has the range of
    float32, so there is no loss scale.

    A CPU or GPU without bfloat16 trains in float32, and the log says so. On
    such a GPU (V100, T4) float16 with loss scaling is faster:
    ``optim_wrapper.type=AmpOptimWrapper model.cls_head.lvlm.dtype=float16``.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.dtype = usable_dtype(torch.bfloat16, 'the training step')

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        device = next(model.parameters()).device.type
        # MMAction2's heads count hits in numpy, which has no bfloat16.
        head = getattr(getattr(model, 'module', model), 'cls_head', None)
        hook = head and head.register_forward_hook(
            lambda _, __, scores: apply_to(
                scores, torch.is_tensor, torch.Tensor.float))
        try:
            with super().optim_context(model), torch.autocast(
                    device, self.dtype, enabled=self.dtype != torch.float32):
                yield
        finally:
            if hook:
                hook.remove()

    def get_lr(self) -> Dict[str, List[float]]:
        """Return the learning rates that are logged: those of all groups, of
        which the first is shown, and that of each named part beside it."""
        rates = super().get_lr()
        for group in self.param_groups:
            if group.get('part', REST) != REST:
                rates[f'{group["part"]}_lr'] = [group['lr']]
        return rates


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PartwiseOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Make one parameter group of each part of the model. The stock
    constructor makes a group, and a line in the log, of every single
    parameter.

    A part is named by the beginning of its parameters' names and may have
    ``lr``, or ``lr_mult`` of the optimizer's, and ``decay_mult``; what no
    part names is the part ``'rest'``. Schedules distinguish the groups by
    these names, see :mod:`.schedules`. Frozen parameters are left out::

        paramwise_cfg=dict(parts={'cls_head': dict(lr=2e-4, decay_mult=0.)})

    Raises:
        ValueError: A part in which nothing is trained, or one with ``lr`` and
            ``lr_mult``.
    """

    def __call__(self, model: torch.nn.Module) -> OptimWrapper:
        model = getattr(model, 'module', model)
        parts = self.paramwise_cfg.get('parts', {})
        groups = {}
        for name, param in model.named_parameters():
            if param.requires_grad:
                found = [p for p in parts if name.startswith(p)]
                part = max(found, key=len, default=REST)
                groups.setdefault(part, []).append(param)
        unused = set(parts) - set(groups)
        if unused:
            raise ValueError('`optim_wrapper.paramwise_cfg.parts` names '
                             f'{sorted(unused)}, where nothing is trained')
        cfg = self.optimizer_cfg.copy()
        cfg['params'] = [
            dict(params=params, part=part,
                 **part_settings(self.optimizer_cfg, part, parts))
            for part, params in groups.items()
        ]
        return OPTIM_WRAPPERS.build(
            self.optim_wrapper_cfg,
            default_args=dict(optimizer=OPTIMIZERS.build(cfg)))


def part_settings(optimizer: Dict, part: str, parts: Dict) -> Dict:
    """Return ``lr`` and ``weight_decay`` of a part.

    Args:
        optimizer (dict): Settings of the optimizer.
        part (str): Name of the part.
        parts (dict): Settings of the parts.

    Raises:
        ValueError: The part has both ``lr`` and ``lr_mult``.
    """
    own = parts.get(part, {})
    if 'lr' in own and 'lr_mult' in own:
        raise ValueError(f'`optim_wrapper.paramwise_cfg.parts[{part!r}]` has '
                         '`lr` and `lr_mult`: give one of them')
    return dict(
        lr=own.get('lr', optimizer['lr'] * own.get('lr_mult', 1.)),
        weight_decay=optimizer.get('weight_decay', 0.) *
        own.get('decay_mult', 1.))
