"""Wrong names to train against, where all are too many."""
from typing import Sequence

import torch
import torch.nn as nn
from torch import Tensor


class Negatives(nn.Module):
    """Draw the class names that a batch is scored against.

    A clip is scored against the true names of the other clips of its batch,
    and against further ones up to ``number``: so it means the same whatever
    the batch size. Half of these are the names that have been taken most for
    the true names of the batch so far, the others are random. What is taken
    for what costs nothing to know: it is the mean of the scores seen, whatever
    drew them, kept with the checkpoint.

    Args:
        num_classes (int): Number of classes.
        number (int): Wrong names of a clip; more where its batch has clips of
            more classes.
        unseen (list[int]): Labels that training must not know: never drawn.
        momentum (float): Share of the past in the running mean.

    Raises:
        ValueError: A negative number, or a label that there is not.
    """

    def __init__(self,
                 num_classes: int,
                 number: int,
                 unseen: Sequence[int] = (),
                 momentum: float = 0.9) -> None:
        super().__init__()
        if number < 1:
            raise ValueError(f'`num_negatives` is {number}; 0 takes all names')
        if not set(unseen) <= set(range(num_classes)):
            raise ValueError(f'`unseen` is {list(unseen)}: labels are 0 to '
                             f'{num_classes - 1}')
        self.number, self.momentum = number, momentum
        self.unseen = list(unseen)
        self.register_buffer('taken_for',
                             torch.zeros(num_classes, num_classes))

    def draw(self, labels: Tensor) -> Tensor:
        """(N, ) labels -> (K, ) the classes to score, ascending: those of
        the batch and the further ones.

        Raises:
            ValueError: The label of an unseen class.
        """
        true = labels.unique()
        known = set(true.tolist()) & set(self.unseen)
        if known:
            raise ValueError(f'training has clips of the `unseen` classes '
                             f'{sorted(known)}: leave them out by `only` of '
                             'the dataset')
        hardness = self.taken_for[true].sum(0)
        never = torch.cat([true, true.new_tensor(self.unseen)])
        hardness[never] = -torch.inf
        further = max(1 + self.number - len(true), 0)
        number = min(further, len(hardness) - len(never))
        hard = hardness.topk(number // 2).indices
        chance = torch.rand_like(hardness)
        chance[never] = chance[hard] = -1.
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
