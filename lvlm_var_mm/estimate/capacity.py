"""Check that a training can fit into the memory that is there."""
import copy
import os
import re

import torch
from mmengine.config import Config

from lvlm_var_mm.models.lvlm.build import has_bfloat16, trainable_parameters
from mmaction.registry import MODELS
from .footprint import Footprint
from .memory import GB, Memory, Shards, memory_of, quantised, weight_bytes
from .shapes import build_without_weights


def memory_here() -> int:
    """Return the bytes of the GPU, or without one those of main memory that
    are free."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(
            torch.cuda.current_device()).total_memory
    try:
        with open('/proc/meminfo') as f:
            return 1024 * int(re.search(r'MemAvailable:\s*(\d+)', f.read())[1])
    except (OSError, TypeError):  # another system
        return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def least_memory(cfg: Config, gpus: int = 1) -> Memory:
    """Return what a training takes before its first activation: weights,
    gradients, the state of the optimizer.

    Args:
        cfg (Config): The whole config.
        gpus (int): Processes that share the work.

    Raises:
        ValueError: The shape of the language model is not known.
    """
    cfg = copy.deepcopy(cfg)
    if not has_bfloat16():  # as build_lvlm decides
        cfg.model.cls_head.lvlm.dtype = 'float32'
    head = build_without_weights(cfg)
    weights, dequantised = weight_bytes(head, *quantised(cfg))
    trained = trainable_parameters(head)['trainable']
    light = MODELS.build({k: v for k, v in cfg.model.items()
                          if k != 'cls_head'})
    small = sum(p.numel() for p in light.parameters())
    nothing = {n: Footprint(4 * (trained + small), 0) for n in (1, 2)}
    return memory_of(1, nothing, weights + 4 * small, trained + small,
                     cfg.optim_wrapper.optimizer.type, gpus, dequantised,
                     Shards.of(cfg, head))


def require_memory(cfg: Config, there: int, gpus: int = 1) -> None:
    """Refuse a training that cannot fit.

    Args:
        cfg (Config): The whole config.
        there (int): Bytes.
        gpus (int): Processes that share the work.

    Raises:
        ValueError: It cannot fit; says what it takes and what to do.
    """
    if 'lvlm' not in (cfg.model.get('cls_head') or {}):
        return
    needed = least_memory(cfg, gpus)
    least = needed.total - needed.overhead
    if least > there:
        raise ValueError(
            f'this takes at least {least / GB:.1f} GB ('
            f'weights {needed.weights / GB:.1f}, optimizer '
            f'{needed.optimizer / GB:.1f}, gradients {needed.step / GB:.1f}; '
            f'activations come on top), but there are {there / GB:.1f} GB: '
            'take a smaller language model (LVLM_PATH or LLAVA_PATH), load '
            'it in 4 bits (`model.cls_head.lvlm.quantization_config`), or '
            'take a larger machine; `python -m lvlm_var_mm estimate CONFIG` '
            'prints what fits where')
