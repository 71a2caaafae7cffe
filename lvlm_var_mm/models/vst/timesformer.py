"""TimeSformer with its time left in."""
from typing import Any

from torch import Tensor

from mmaction.models import TimeSformer
from mmaction.registry import MODELS


@MODELS.register_module()
class TimeSformerMap(TimeSformer):
    """``TimeSformer`` that returns its feature map instead of its class
    token, which has no time. Its weights are the same, and a checkpoint of
    either fits the other.

    Args:
        kwargs: Of ``mmaction.models.TimeSformer``.

    Raises:
        ValueError: ``attention_type='space_only'``, which averages over time.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if self.attention_type == 'space_only':
            raise ValueError('TimeSformerMap: `attention_type` space_only '
                             'averages over time; take another one')

    def forward(self, x: Tensor) -> Tensor:
        """Clips (N, 3, T, H, W) -> (N, C, T, 1, patches)."""
        sequence = []
        last = self.norm.register_forward_hook(
            lambda module, inputs, output: sequence.append(output))
        try:
            super().forward(x)
        finally:
            last.remove()
        # The class token, then the moments of each patch: (N, 1 + P T, C).
        patches = sequence[0][:, 1:].unflatten(1, (-1, self.num_frames))
        return patches.permute(0, 3, 2, 1).unsqueeze(3)
