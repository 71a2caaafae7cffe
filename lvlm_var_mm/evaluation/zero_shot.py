"""Recognition of classes that training has not seen.

Shapes: N clips, K classes.
"""
from typing import Any, Dict, List, Optional, Sequence

import torch
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from torch import Tensor

from mmaction.registry import METRICS
from .calibration import as_logits


@METRICS.register_module()
class ZeroShotMetric(BaseMetric):
    """Zero-shot and generalised zero-shot accuracy, from one test over the
    clips of seen and unseen classes with the names of all of them.

    ================== =====================================================
    unseen_top1        clips of unseen classes, chosen among these: the
                       zero-shot accuracy, of which chance is 1 / unseen
    seen_top1          clips of seen classes, chosen among these
    generalised_unseen clips of unseen classes, chosen among all ...
    generalised_seen   ... and those of seen classes ...
    harmonic_mean      ... and the harmonic mean of the two (Xian et al.,
                       arXiv:1707.00600)
    ausuc              area under the curve of the two over all
                       ``seen_penalty`` (Chao et al., arXiv:1605.04253), so
                       it depends on none
    ================== =====================================================

    Each is a mean over the classes.

    Args:
        unseen (list[int]): Labels of the unseen classes.
        seen_penalty (float): Subtracted from the log-probabilities of seen
            classes, to whose names training is partial ("calibrated
            stacking", Chao et al.). To be chosen on other clips than those
            of the test.
        collect_device, prefix: Of MMEngine's ``BaseMetric``.

    Raises:
        ValueError: No unseen labels, or no clip of one kind.
    """
    default_prefix = 'zero_shot'

    def __init__(self,
                 unseen: Sequence[int],
                 seen_penalty: float = 0.,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device, prefix)
        if not unseen:
            raise ValueError('ZeroShotMetric: `unseen` lists no label')
        self.unseen = sorted(unseen)
        self.seen_penalty = seen_penalty

    def process(self, data_batch: Any, data_samples: Sequence[Dict]) -> None:
        for sample in data_samples:
            self.results.append(
                (sample['pred_score'].detach().float().cpu(),
                 int(sample['gt_label'])))

    def compute_metrics(self, results: List) -> Dict[str, float]:
        scores = as_logits(torch.stack([score for score, _ in results]))
        labels = torch.tensor([label for _, label in results])
        is_unseen = torch.zeros(scores.shape[1], dtype=torch.bool)
        is_unseen[self.unseen] = True
        of_unseen = is_unseen[labels]
        if of_unseen.all() or not of_unseen.any():
            raise ValueError(
                'ZeroShotMetric: the test set has no clips of '
                f'{"seen" if of_unseen.any() else "unseen"} classes; `unseen` '
                f'is {self.unseen}')
        # Best of either kind, whether it is right, and which kind is better.
        best_seen, seen = scores.masked_fill(is_unseen, -torch.inf).max(1)
        best, unseen = scores.masked_fill(~is_unseen, -torch.inf).max(1)
        right = torch.where(of_unseen, unseen, seen) == labels
        lead = best_seen - best
        # What a right answer adds to the mean over the classes of its kind.
        clips = labels.bincount(minlength=scores.shape[1])
        classes = torch.stack([(clips[~is_unseen] > 0).sum(),
                               (clips[is_unseen] > 0).sum()])
        gain = right / (clips[labels] * classes[of_unseen.long()])
        gains = torch.stack([gain * of_unseen, gain * ~of_unseen])
        # A clip goes to the unseen classes if the penalty exceeds its lead.
        goes = lead <= self.seen_penalty
        u, s = float(gains[0, goes].sum()), float(gains[1, ~goes].sum())
        return dict(
            unseen_top1=float(gains[0].sum()),
            seen_top1=float(gains[1].sum()),
            generalised_unseen=u,
            generalised_seen=s,
            harmonic_mean=2 * u * s / (u + s) if u + s else 0.,
            ausuc=_area(gains, lead))


def _area(gains: Tensor, lead: Tensor) -> float:
    """Under the accuracy on seen classes over that on unseen ones, as the
    penalty passes the leads (N, ) of the clips with those (2, N) gains."""
    leads, which = lead.unique(return_inverse=True)
    steps = gains.new_zeros(2, len(leads)).index_add(1, which, gains)
    unseen, lost = F.pad(steps.cumsum(1), (1, 0))
    return float(torch.trapezoid(lost[-1] - lost, unseen))
