"""The plain interpretable baseline: a linear layer on body-part events.

Shapes: N clips, E kinds of events, K classes.
"""
from typing import List, Tuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from lvlm_var_mm.kinematics.vocabulary import NAMES
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS


@MODELS.register_module()
class EventNorm(BaseModule):
    """Stand in the place of a backbone: compress the strengths of events,
    those of :class:`EventStrengths`, and train nothing. No statistics are
    taken: those of few clips are not those of others."""

    def forward(self, x: Tensor) -> Tensor:
        """Compress (N, E) -> (N, E), to log(1 + x)."""
        return x.log1p()


@MODELS.register_module()
class EventCountHead(BaseHead):
    """Classify by a weight for each class and kind of event, for
    ``RecognizerGCN`` with :class:`EventNorm`.

    Args:
        num_classes (int): K.
        in_channels (int): E.
        dropout (float): Of the strengths: events that are seldom together
            shall suffice one without the other.
        kwargs: Of ``mmaction.models.BaseHead``.
    """

    def __init__(self, num_classes: int, in_channels: int = len(NAMES),
                 dropout: float = .2, average_clips: str = 'prob',
                 **kwargs) -> None:
        super().__init__(num_classes, in_channels,
                         average_clips=average_clips, **kwargs)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(in_channels, num_classes)

    def init_weights(self) -> None:
        """Start undecided: whatever is drawn at first shows in few clips."""
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x: Tensor, **kwargs) -> Tensor:
        """Score the classes: (N, E) -> (N, K)."""
        return self.fc(self.dropout(x))

    def heaviest(self, label: int, number: int = 5
                 ) -> List[Tuple[str, float]]:
        """Return the events that speak most for a class, or against it.

        Args:
            label (int): The class.
            number (int): How many.

        Returns:
            list[tuple[str, float]]: Names and weights, the largest first.
        """
        weights = self.fc.weight[label].detach()
        chosen = weights.abs().topk(min(number, len(weights))).indices
        return [(NAMES[i], float(weights[i])) for i in chosen.tolist()]
