"""Optimizer wrappers: mixed precision on any device, and a learning rate for
each part of the model."""
from contextlib import contextmanager

import torch
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper

from lvlm_var_mm.models.lora import usable_dtype
from mmaction.registry import (OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS,
                               OPTIMIZERS)


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
    def optim_context(self, model: torch.nn.Module):
        device = next(model.parameters()).device.type
        # MMAction2's heads count hits in numpy, which has no bfloat16.
        head = getattr(getattr(model, 'module', model), 'cls_head', None)
        hook = head and head.register_forward_hook(
            lambda _, __, scores: scores.float())
        try:
            with super().optim_context(model), torch.autocast(
                    device, self.dtype, enabled=self.dtype != torch.float32):
                yield
        finally:
            if hook:
                hook.remove()


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PartwiseOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """One parameter group a part, named by the beginning of its parameters'
    names, with its own ``lr_mult`` and ``decay_mult``; the frozen rest of a
    language model is left out. The stock constructor makes a group, and a
    line in the log, of every single parameter.

    ``paramwise_cfg=dict(parts={'cls_head.lvlm': dict(lr_mult=0.1)})``
    """

    def __call__(self, model: torch.nn.Module) -> OptimWrapper:
        model = getattr(model, 'module', model)
        parts = self.paramwise_cfg.get('parts', {})
        groups = {}
        for name, param in model.named_parameters():
            if param.requires_grad:
                found = [p for p in parts if name.startswith(p)]
                part = max(found, key=len, default='')
                groups.setdefault(part, []).append(param)
        unused = set(parts) - set(groups)
        if unused:
            raise ValueError('`optim_wrapper.paramwise_cfg.parts` names '
                             f'{sorted(unused)}, where nothing is trained')
        cfg = self.optimizer_cfg.copy()
        lr, decay = cfg['lr'], cfg.get('weight_decay', 0.)
        cfg['params'] = [
            dict(
                params=params,
                lr=lr * parts.get(part, {}).get('lr_mult', 1.),
                weight_decay=decay * parts.get(part, {}).get('decay_mult', 1.))
            for part, params in groups.items()
        ]
        return OPTIM_WRAPPERS.build(
            self.optim_wrapper_cfg,
            default_args=dict(optimizer=OPTIMIZERS.build(cfg)))
