"""The frozen language model spread over all GPUs, for FlexibleRunner.

Of a LoRA-tuned model the frozen layers are the 98 per cent that do not fit,
and the rest is what a checkpoint holds. So the first are sharded by PyTorch's
FSDP2 (as ZeRO-3, Rajbhandari et al., arXiv:1910.02054: a layer is put
together when it runs, and taken apart again), and what is trained stays whole
under plain data parallelism. Optimizer, hooks, and checkpoints need not know.
"""
import inspect
from typing import List

import torch.nn as nn
from mmengine._strategy import DDPStrategy
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.model import is_model_wrapper
from mmengine.registry import STRATEGIES
from mmengine.runner.checkpoint import weights_to_cpu
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from lvlm_var_mm.models.lvlm.reader import PromptReader


@STRATEGIES.register_module()
class FrozenShardStrategy(DDPStrategy):
    """``DDPStrategy`` that shards the frozen layers of the language model.

    In a config::

        runner_type = 'FlexibleRunner'
        strategy = dict(type='FrozenShardStrategy')

    ``model_wrapper`` may hold settings of ``MMDistributedDataParallel``.
    Checkpoints are those of any other run, and go either way. Each process
    first reads the whole model into main memory.

    Raises:
        ValueError: The model has no such language model, or one in 8 or 4
            bits; or it runs in a single process.
        ImportError: An older PyTorch.
    """

    def _wrap_model(self, model: nn.Module) -> nn.Module:
        if is_model_wrapper(model):
            return model
        head = getattr(model, 'cls_head', None)
        if not isinstance(head, PromptReader):
            raise ValueError('FrozenShardStrategy shards the language model '
                             f'of an LVLMHead, not {type(head).__name__}')
        if not self.distributed:
            raise ValueError('FrozenShardStrategy needs several processes: '
                             'start it by tools/dist_train.sh or '
                             'tools/slurm_train.sh')
        shard_frozen_layers(head.lm.decoder)
        # DDP would send the frozen around once, to make them equal.
        model._ddp_params_and_buffers_to_ignore = [
            name for name, p in model.named_parameters()
            if not p.requires_grad
        ]
        self.model_wrapper = dict(
            type='MMDistributedDataParallel',
            broadcast_buffers=False,
            **(self.model_wrapper or {}))
        if get_device() == 'cpu':  # which has no numbered devices
            self.model_wrapper['device_ids'] = None
        return super()._wrap_model(model)

    def model_state_dict(self) -> dict:
        """Return the state of the model itself, as ``Runner`` saves it;
        ``DDPStrategy`` would
        keep the wrapper in its names."""
        return weights_to_cpu(self.model.module.state_dict())


def shard_frozen_layers(decoder: nn.Module) -> None:
    """Spread the frozen parameters of a decoder's layers over all processes,
    in place. The layers move to the device of this process one by one, so it
    never holds the whole.

    Args:
        decoder (nn.Module): Of transformers; its layers are its longest
            ``nn.ModuleList``. It must be entered by its ``forward``.

    Raises:
        ValueError: No layers, or quantised ones.
        ImportError: An older PyTorch.
    """
    if not can_shard():
        raise ImportError('FrozenShardStrategy needs a newer PyTorch, whose '
                          '`fully_shard` takes `ignored_params`')
    layers = decoder_layers(decoder)
    frozen = {p for layer in layers for p in layer.parameters()
              if not p.requires_grad}
    if not all(p.is_floating_point() for p in frozen):
        raise ValueError('FrozenShardStrategy: weights in 8 or 4 bits cannot '
                         'be sharded; leave `quantization_config` out, or '
                         'the strategy')
    settings = dict(
        mesh=init_device_mesh(get_device(), (get_world_size(), )),
        ignored_params=set(decoder.parameters()) - frozen)
    for layer in layers:
        fully_shard(layer, **settings)
    # The root of them: while one runs, the next is fetched.
    fully_shard(decoder, **settings)


def can_shard() -> bool:
    """Return whether this PyTorch shards a part of a module's parameters."""
    return 'ignored_params' in inspect.signature(fully_shard).parameters


def decoder_layers(decoder: nn.Module) -> List[nn.Module]:
    """The longest ``nn.ModuleList``.

    Raises:
        ValueError: There is none.
    """
    lists = [m for m in decoder.modules() if isinstance(m, nn.ModuleList)]
    if not lists:
        raise ValueError(f'{type(decoder).__name__} has no list of layers to '
                         'shard')
    return list(max(lists, key=len))
