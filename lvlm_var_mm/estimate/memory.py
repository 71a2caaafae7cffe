"""From a step's footprint to the memory of a GPU."""
import re
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from mmengine.config import Config
from torch import nn

from lvlm_var_mm.engine.sharding import decoder_layers
from .footprint import Footprint

GB = 1e9
# CUDA's own context and kernels, and what the allocator cannot use for
# blocks that do not fit together: an allowance, not a measurement.
OVERHEAD = 1.5 * GB
# Bytes of optimizer state for a trained weight, which is float32.
OPTIMIZER = {'Adam': 8, 'AdamW': 8, 'SGD': 4, 'RMSprop': 4}


class Machine(NamedTuple):
    """GPUs, and gigabytes of each."""
    gpus: int
    memory: float

    @classmethod
    def parse(cls, text: str) -> 'Machine':
        """``8x24`` -> eight GPUs of 24 GB.

        Raises:
            ValueError: Another form.
        """
        match = re.fullmatch(r'(\d+)x(\d+)', text)
        if not match or not int(match[1]) or not int(match[2]):
            raise ValueError(f'--machine {text}: write GPUs x gigabytes of '
                             'each, such as 8x24')
        return cls(int(match[1]), float(match[2]))

    def __str__(self) -> str:
        return f'{self.gpus}x{self.memory:g}'


class Memory(NamedTuple):
    """Bytes on each GPU, for a number of clips on it."""
    clips: int
    weights: float
    optimizer: float
    ddp: float  # gradients once more, as plain data parallelism sends them
    step: float  # gradients and activations, at their peak
    overhead: float = OVERHEAD

    @property
    def total(self) -> float:
        return sum(self[1:])


class Shards(NamedTuple):
    """The parts that a strategy spreads over the GPUs."""
    layers: float  # bytes of the frozen weights of all decoder layers
    largest: float  # of one of them
    everything: bool  # ZeRO-3, else only these layers

    @classmethod
    def of(cls, cfg: Config, head: nn.Module) -> Optional['Shards']:
        """Read the ``strategy`` of a config; None where all is whole.

        Raises:
            ValueError: A strategy that is not known here.
        """
        name = (cfg.get('strategy') or {}).get('type', 'DDPStrategy')
        if name in ('DDPStrategy', 'SingleDeviceStrategy'):
            return None
        if name not in ('FrozenShardStrategy', 'ZeroStrategy'):
            raise ValueError(f'`strategy.type` {name}: what it takes is not '
                             'known here')
        sizes = [sum(p.numel() * p.element_size() for p in layer.parameters()
                     if not p.requires_grad)
                 for layer in decoder_layers(head.lm.decoder)]
        return cls(sum(sizes), max(sizes), name == 'ZeroStrategy')

    def spread(self, whole: Memory, trained: int, gpus: int) -> Memory:
        """The memory of each GPU; one layer is whole while it is used, and
        the next while it is fetched."""
        away = 1 - 1 / gpus
        spread = whole.weights if self.everything else self.layers
        weights = whole.weights - away * spread + 2 * self.largest
        if not self.everything:
            return whole._replace(weights=weights)
        return whole._replace(
            weights=weights, optimizer=whole.optimizer / gpus, ddp=0.,
            step=whole.step - away * 4 * trained)


def memory_of(clips: int, steps: Dict[int, Footprint], weights: float,
              trained: int, optimizer: str, gpus: int,
              dequantised: float = 0,
              shards: Optional[Shards] = None) -> Memory:
    """Return the memory of so many clips.

    Args:
        clips (int): On a GPU.
        steps (dict[int, Footprint]): Of two numbers of clips, from which the
            others follow along a line.
        weights (float): Bytes.
        trained (int): Parameters, in float32.
        optimizer (str): Its ``type``.
        gpus (int): More than one hold the gradients twice.
        dequantised (float): Bytes of the largest weight while it is used.
        shards (Shards, optional): Where several GPUs share.

    Raises:
        ValueError: An optimizer whose state is not known here.
    """
    if optimizer not in OPTIMIZER:
        raise ValueError(f'`optim_wrapper.optimizer.type` {optimizer}: its '
                         f'state is not known, of {sorted(OPTIMIZER)} it is')
    (a, first), (b, second) = sorted(steps.items())
    slope = (second.bytes - first.bytes) / (b - a)
    whole = Memory(clips, weights, OPTIMIZER[optimizer] * trained,
                   4 * trained if gpus > 1 else 0.,
                   first.bytes + slope * (clips - a) + dequantised)
    return shards.spread(whole, trained, gpus) if (
        shards and gpus > 1) else whole


def largest(memory: float, of: Callable[[int], Memory]) -> int:
    """The most clips whose ``of(clips).total`` fits; 0 if one does not."""
    if of(1).total > memory:
        return 0
    each = of(2).total - of(1).total
    return 1 + int((memory - of(1).total) / each)


def weight_bytes(head: nn.Module, bits: Optional[int] = None,
                 double: bool = False) -> Tuple[float, float]:
    """Bytes of all weights of a head, and of the largest that is dequantised
    for its use.

    Args:
        head (nn.Module): :class:`LVLMHead`.
        bits (int, optional): 8 or 4, of the linear layers but the last, as
            bitsandbytes stores them: with a float32 for a row, or for 64
            weights, which ``double`` quantises in turn to 8 bits.
        double (bool): See there.
    """
    total, most = 0., 0.
    of_linear = {
        id(m.weight): m for n, m in head.lvlm.named_modules()
        if isinstance(m, nn.Linear) and 'lora' not in n and m is not
        head.lm.lm_head
    }
    each = {4: .5 + ((1 + 4 / 256) / 64 if double else 4 / 64), 8: 1.}
    for param in head.parameters():
        if bits and id(param) in of_linear:
            total += param.numel() * each[bits]
            total += 4 * len(param) if bits == 8 else 0
            most = max(most, 2. * param.numel())
        else:
            total += param.numel() * param.element_size()
    return total, most


def quantised(cfg: Config) -> Tuple[Optional[int], bool]:
    """``(bits, double)`` that ``quantization_config`` asks for."""
    settings = cfg.model.cls_head.lvlm.get('quantization_config') or {}
    bits = (4 if settings.get('load_in_4bit') else
            8 if settings.get('load_in_8bit') else None)
    return bits, bool(settings.get('bnb_4bit_use_double_quant'))
