"""DeepSpeed ZeRO-3 for FlexibleRunner, with checkpoints that others read."""
import importlib.util
import os.path as osp
from typing import Any, Callable, Dict, Optional

import torch
import torch.nn as nn
from mmengine._strategy import DeepSpeedStrategy
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.registry import STRATEGIES
from mmengine.runner.checkpoint import (_load_checkpoint,
                                        _load_checkpoint_to_model,
                                        save_checkpoint, weights_to_cpu)

from lvlm_var_mm.checkpoint.loading import FOLDERS, load_checkpoint_file
from lvlm_var_mm.models.lvlm.build import usable_dtype

# In a checkpoint folder, beside what DeepSpeed needs to resume.
PLAIN = 'model.pth'


def load_plain(folder: str, map_location: Optional[str] = None
               ) -> Optional[Dict]:
    """Read the plain checkpoint in a folder of :class:`ZeroStrategy`; return
    None if it is another folder."""
    path = osp.join(folder, PLAIN)
    return (load_checkpoint_file(path, map_location)
            if osp.isfile(path) else None)


FOLDERS.append(load_plain)


@STRATEGIES.register_module()
class ZeroStrategy(DeepSpeedStrategy):
    """``DeepSpeedStrategy`` (ZeRO, Rajbhandari et al., arXiv:1910.02054)
    that reads the checkpoints of any other run, and writes ones that any
    tool reads.

    A checkpoint is a folder: that of DeepSpeed, to resume from, and in it
    ``model.pth``, which holds what was trained, as always. Whoever is given
    the folder finds it. In a config::

        runner_type = 'FlexibleRunner'
        strategy = dict(
            type='ZeroStrategy', zero_optimization=dict(stage=3),
            autocast='bfloat16')
        optim_wrapper = dict(_delete_=True, type='DeepSpeedOptimWrapper',
                             optimizer=dict(type='AdamW', lr=1e-3))

    Args:
        zero_optimization (dict): Of ``DeepSpeedStrategy``.
        autocast (str, optional): The precision that the forward runs in, such
            as ``'bfloat16'``, subject to ``usable_dtype``. DeepSpeed's own
            autocast takes no model of which a part is bfloat16 already.
        kwargs: Of ``DeepSpeedStrategy``.

    Raises:
        ImportError: No DeepSpeed.
        ValueError: Another stage than 3.
    """

    def __init__(self,
                 zero_optimization: Dict,
                 autocast: Optional[str] = None,
                 **kwargs) -> None:
        if importlib.util.find_spec('deepspeed') is None:
            raise ImportError('ZeroStrategy needs DeepSpeed: '
                              "pip install -e '.[zero]'")
        if zero_optimization.get('stage') != 3:
            raise ValueError(f'`strategy.zero_optimization` is '
                             f'{zero_optimization}: ZeroStrategy is for stage '
                             '3; below it every GPU holds the whole model, as '
                             'in plain data parallelism')
        self.autocast = autocast
        # Small parameters would stay whole, and be gathered after each step
        # all at once, which fails where some are bfloat16 and some float32.
        zero_optimization = dict(zero_optimization)
        zero_optimization.setdefault('stage3_param_persistence_threshold', 0)
        super().__init__(
            zero_optimization=zero_optimization,
            **{'exclude_frozen_parameters': True, **kwargs})

    def _wrap_model(self, model: nn.Module):
        dtype = usable_dtype(self.autocast or 'float32', 'the training step')
        if dtype != torch.float32:
            model.forward = torch.autocast(get_device(), dtype)(model.forward)
        return super()._wrap_model(model)

    def prepare(self, *args, dispatch_kwargs: Optional[Dict] = None,
                **kwargs) -> Any:
        """The Runner gives the batch size twice, but only a
        ``DeepSpeedStrategy`` by that name where it is looked for."""
        dispatch_kwargs = dispatch_kwargs or {}
        self.config.setdefault(
            'train_micro_batch_size_per_gpu',
            dispatch_kwargs.get('train_micro_batch_size_per_gpu', 1))
        return super().prepare(
            *args, dispatch_kwargs=dispatch_kwargs, **kwargs)

    def save_checkpoint(self,
                        filename: str,
                        *,
                        save_optimizer: bool = True,
                        save_param_scheduler: bool = True,
                        extra_ckpt: Optional[Dict] = None,
                        callback: Optional[Callable] = None) -> None:
        """A folder; without the optimizer, from which nothing resumes, a
        plain file."""
        extra_ckpt = dict(extra_ckpt or {})
        plain = dict(extra_ckpt, state_dict=self._whole_state_dict())
        if save_optimizer:
            super().save_checkpoint(
                filename, save_param_scheduler=save_param_scheduler,
                extra_ckpt=extra_ckpt)
            filename = osp.join(filename, PLAIN)
        if is_main_process():
            save_checkpoint(plain, filename)

    def load_checkpoint(self,
                        filename: str,
                        *,
                        strict: bool = False,
                        callback: Optional[Callable] = None,
                        **kwargs) -> Dict:
        """Any checkpoint, into the parts of all processes."""
        from deepspeed.utils import safe_set_local_fp32_param
        checkpoint = _load_checkpoint(filename, map_location='cpu')
        if callback is not None:
            callback(checkpoint)
        module = self.model.module
        with _gathered(module):
            _load_checkpoint_to_model(module, checkpoint, strict=strict)
        # The optimizer has its own copy of what it trains, in float32, and
        # would put it back. In tests there is none.
        if hasattr(self, 'optim_wrapper'):
            for param in _trained(module):
                safe_set_local_fp32_param(param, param.ds_tensor.float())
        return checkpoint

    def _whole_state_dict(self) -> Dict:
        with _gathered(self.model.module, change=False):
            return weights_to_cpu(self.model.module.state_dict())


def _trained(module: nn.Module):
    return [p for p in module.parameters() if p.requires_grad]


def _gathered(module: nn.Module, change: bool = True):
    """Within it what is trained is whole; afterwards the first process's
    changes are everybody's."""
    from deepspeed.runtime.zero import GatheredParameters
    return GatheredParameters(
        _trained(module), modifier_rank=0 if change else None)
