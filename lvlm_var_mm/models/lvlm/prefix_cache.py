"""Cache of what all prompts open with: a key/value prefix, read once."""
import inspect
from typing import Any, Callable, Hashable, Optional

import torch
import torch.nn as nn
from torch import Tensor
from transformers import DynamicCache


class PrefixCache:
    """Values that hold as long as the language model stays as it is.

    Kept between batches in evaluation only. A value is made again when a
    weight was written to or moved, an adapter was switched off or on, or the
    precision of autocast changed; :meth:`clear` is for what leaves no trace,
    such as writing through ``.data``.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._state, self._values = None, {}

    def get(self, model: nn.Module, key: Hashable, make: Callable) -> Any:
        """The value of ``key``, by ``make()`` where it is not known."""
        state = _state(model)
        if state != self._state:
            self._state, self._values = state, {}
        if key not in self._values:
            self._values[key] = make()
        return self._values[key]


def _state(model: nn.Module) -> tuple:
    # Under ZeRO-3 a parameter is put together anew, somewhere in memory, each
    # time it is used; its part of this process stays where it is. All
    # processes must come to the same answer, for they read together.
    stored = [getattr(p, 'ds_tensor', p) for p in model.parameters()]
    weights = tuple((p.data_ptr(), 0 if p.is_inference() else p._version)
                    for p in stored)
    adapters = tuple(m.disable_adapters for m in model.modules()
                     if hasattr(m, 'disable_adapters'))
    device = next(model.parameters()).device.type
    autocast = (torch.is_autocast_enabled(device) and
                torch.get_autocast_dtype(device))
    return weights, adapters, autocast


def cache_args(decoder: nn.Module, cache: Optional[DynamicCache]) -> dict:
    """Return the arguments that hand a cache to a decoder; transformers 5
    renamed them."""
    names = inspect.signature(decoder.forward).parameters
    name = 'cache' if 'cache' in names else 'past_key_values'
    return {name: cache, 'use_cache': cache is not None}


def read_prefix(decoder: nn.Module, embeds: Tensor) -> list:
    """(1, B, D) embeddings -> keys and values of each layer."""
    cache = DynamicCache()
    decoder(inputs_embeds=embeds, **cache_args(decoder, cache))
    return [(layer.keys, layer.values) for layer in cache.layers]


def as_cache(prefix: Optional[list], clips: int) -> DynamicCache:
    """A cache that opens with the prefix for each of N clips; empty without
    one."""
    cache = DynamicCache()
    for i, (keys, values) in enumerate(prefix or ()):
        cache.update(keys.expand(clips, -1, -1, -1),
                     values.expand(clips, -1, -1, -1), i)
    return cache
