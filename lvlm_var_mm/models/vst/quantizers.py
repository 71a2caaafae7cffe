"""The quantisers of the VST neck, from vector-quantize-pytorch, behind one
call: steps (N, L, C) -> tokens (N, L, C), codes (N, L), commitment loss.
"""
import math
from typing import Dict, Tuple

import torch
import torch.nn as nn
from mmengine.dist import is_distributed
from torch import Tensor
from vector_quantize_pytorch import FSQ, ResidualVQ, VectorQuantize

from .codebook import Settling

# The library's own defaults (decay 0.8, random start) let most of a codebook
# die on features that are still being trained. Dead codes are replaced, and
# processes are joined, by :mod:`.codebook`.
EMA = dict(
    codebook_dim=32,
    use_cosine_sim=True,
    decay=0.99,
    kmeans_init=True,
    sync_kmeans=False,
    threshold_ema_dead_code=0)


class SteadyQuantize(Settling, VectorQuantize):
    """Vector quantisation that does not flicker.

    The codes of a clip are chosen together: the path that costs least, where
    a step costs its distance to its code and each change of code
    ``switch_cost``. A step that hardly prefers another code than its
    neighbours' takes theirs, a real change pays its price once (the Potts
    model; solved exactly, by dynamic programming). The gradient, and the
    commitment loss, draw a step to the code of the path; the codebook itself
    follows the nearest steps, as ever.

    Args:
        switch_cost (float): In cosine distances, or without
            ``use_cosine_sim`` in halves of squared Euclidean ones. 0: each
            step takes the nearest code.
        settling (dict): Settings of :class:`~.codebook.Settling`.
        kwargs: Of ``VectorQuantize``.
    """

    def __init__(self, switch_cost: float = 0., settling: Dict = dict(),
                 **kwargs) -> None:
        super().__init__(**kwargs)
        self.settle(**settling)
        self.switch_cost = switch_cost
        self._codebook.register_forward_hook(self._take_the_path)

    def _take_the_path(self, codebook: nn.Module, args: Tuple,
                       output: Tuple) -> Tuple[Tensor, Tensor, Tensor]:
        # What is the same for all codes is left out; between unit vectors
        # these are cosine distances.
        codes = self.codebook
        costs = codes.square().sum(1) / 2 - args[0].detach() @ codes.T
        ids = cheapest_path(costs, self.switch_cost)
        return codes[ids], ids, output[2]


def cheapest_path(costs: Tensor, switch_cost: float) -> Tensor:
    """Costs (N, L, K) of K states at L steps -> (N, L) the states of least
    total cost, of which each change of state is a part."""
    total, came_from = costs[:, 0], []
    stay = torch.arange(costs.shape[2], device=costs.device)
    for cost in costs.unbind(1)[1:]:
        best, state = total.min(1, keepdim=True)
        came_from.append(torch.where(total <= best + switch_cost, stay, state))
        total = total.minimum(best + switch_cost) + cost
    path = [total.argmin(1, keepdim=True)]
    for states in reversed(came_from):
        path.append(states.gather(1, path[-1]))
    return torch.cat(path[::-1], 1)


class FiniteScalar(FSQ):
    """Finite scalar quantisation (Mentzer et al., arXiv:2309.15505): a few
    channels, each rounded to a few levels. Has no codebook to learn."""

    def forward(self, steps: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        tokens, ids = super().forward(steps)
        return tokens, ids.long(), tokens.new_zeros(())


class Residual(Settling, ResidualVQ):
    """Each quantiser corrects those before it. The code of a token is that of
    the first; its vector is the sum of all."""

    def __init__(self, settling: Dict = dict(), **kwargs) -> None:
        super().__init__(**kwargs)
        self.settle(**settling)

    def forward(self, steps: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        tokens, ids, commit = super().forward(steps)
        return tokens, ids[..., 0], commit.sum()

    @property
    def codebook(self) -> Tensor:
        return self.layers[0].codebook


class Continuous(nn.Module):
    """None at all, to compare with: tokens are the steps themselves, and
    their code is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.project_in = nn.Identity()

    def forward(self, steps: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        ids = torch.zeros(steps.shape[:2], dtype=torch.long,
                          device=steps.device)
        return steps, ids, steps.new_zeros(())


def build_quantizer(dim: int, codebook_size: int,
                    settings: Dict) -> nn.Module:
    """A quantiser by its ``type``.

    Args:
        dim (int): C.
        codebook_size (int): K.
        settings (dict): ``type``, by default ``'VectorQuantize'``; also
            ``'FSQ'``, with ``levels`` whose product is K,
            ``'ResidualVQ'``, with ``num_quantizers``, and ``'Continuous'``.
            ``switch_cost`` is of the first, a :class:`SteadyQuantize`;
            ``dead_share`` and ``replace_steps`` are of
            :class:`~.codebook.Settling`. The rest goes to the class of that
            name in vector-quantize-pytorch, over :data:`EMA` where there is
            a codebook.

    Raises:
        ValueError: Another type, or levels of another product.
    """
    settings = dict(settings)
    kind = settings.pop('type', 'VectorQuantize')
    if kind in ('VectorQuantize', 'ResidualVQ'):
        if settings.get('threshold_ema_dead_code'):
            raise ValueError(
                'VSTNeck: `quantizer.threshold_ema_dead_code` counts steps, '
                'which means something else with every batch size: set '
                '`dead_share`, a share of the mean usage of a code')
        settling = {key: settings.pop(key)
                    for key in ('dead_share', 'replace_steps')
                    if key in settings}
        cls = SteadyQuantize if kind == 'VectorQuantize' else Residual
        return cls(
            dim=dim, codebook_size=codebook_size, settling=settling,
            # The library asks once and remembers, even if it is too early.
            sync_codebook=is_distributed(), **{**EMA, **settings})
    if kind == 'FSQ':
        levels = settings.pop('levels', ())
        if math.prod(levels) != codebook_size:
            raise ValueError(
                f'VSTNeck: `levels` {list(levels)} of FSQ make '
                f'{math.prod(levels)} codes, but `codebook_size` is '
                f'{codebook_size}')
        return FiniteScalar(levels=list(levels), dim=dim, **settings)
    if kind == 'Continuous':
        return Continuous()
    raise ValueError(f'VSTNeck: `quantizer.type` is {kind!r}, not one of '
                     'VectorQuantize, FSQ, ResidualVQ, Continuous')


def describe_codebook(codebook_size: int, settings: Dict) -> Dict:
    """Describe a codebook, as arguments of :func:`build_quantizer`. How it is
    trained, and how its codes are chosen, may change."""
    kind = settings.get('type', 'VectorQuantize')
    if kind in ('VectorQuantize', 'ResidualVQ'):
        settings = {**EMA, **settings}
    return dict(
        codebook_size=codebook_size, type=kind,
        **{k: settings[k] for k in ('codebook_dim', 'use_cosine_sim',
                                    'levels', 'num_quantizers')
           if k in settings})


def vectors(quantizer: nn.Module, ids: Tensor) -> Tensor:
    """Codes (N, L) -> tokens (N, L, C), as the quantiser made them in testing.

    Raises:
        ValueError: Residual quantisers, whose first code alone is kept, and
            continuous tokens.
    """
    if isinstance(quantizer, (Residual, Continuous)):
        raise ValueError('tokens of a quantizer of type ResidualVQ or '
                         'Continuous cannot be made from codes: train in one '
                         'stage')
    if isinstance(quantizer, FiniteScalar):
        return quantizer.indices_to_codes(ids)
    return quantizer.get_output_from_indices(ids)
