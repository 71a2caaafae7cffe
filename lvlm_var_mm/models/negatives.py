"""Wrong names to train against, where all are too many."""
import torch
import torch.nn as nn
from torch import Tensor


class Negatives(nn.Module):
    """Draws the class names that a batch is scored against.

    Half of the wrong ones are those that have been taken most for the true
    names of the batch so far, the others are random. What is taken for what
    costs nothing to know: it is the mean of the scores seen, whatever drew
    them, kept with the checkpoint.

    Args:
        num_classes (int): Number of classes.
        number (int): Wrong names a batch.
        momentum (float): Share of the past in the running mean.

    Raises:
        ValueError: A negative number.
    """

    def __init__(self,
                 num_classes: int,
                 number: int,
                 momentum: float = 0.9) -> None:
        super().__init__()
        if number < 1:
            raise ValueError(f'`num_negatives` is {number}; 0 takes all names')
        self.number, self.momentum = number, momentum
        self.register_buffer('taken_for',
                             torch.zeros(num_classes, num_classes))

    def draw(self, labels: Tensor) -> Tensor:
        """(N, ) labels -> (K, ) the classes to score, ascending: those of
        the batch and the wrong ones."""
        true = labels.unique()
        hardness = self.taken_for[true].sum(0)
        hardness[true] = -torch.inf
        wrong = len(hardness) - len(true)
        number = min(self.number, wrong)
        hard = hardness.topk(number // 2).indices
        chance = torch.rand_like(hardness)
        chance[true] = chance[hard] = -1.
        easy = chance.topk(number - len(hard)).indices
        return torch.cat([true, hard, easy]).sort().values

    def spread(self, scores: Tensor, chosen: Tensor,
               labels: Tensor) -> Tensor:
        """(N, K) scores of the chosen classes -> (N, num_classes), where the
        others have no chance. Notes what was taken for what."""
        with torch.no_grad():
            chance, keep = scores.softmax(1), self.momentum
            for label, row in zip(labels, chance):
                self.taken_for[label, chosen] = (
                    keep * self.taken_for[label, chosen] + (1 - keep) * row)
        whole = scores.new_full((len(scores), len(self.taken_for)),
                                -torch.inf)
        return whole.index_copy(1, chosen, scores)
