"""Calibration: can the scores be taken at their word?

Shapes: N clips, K classes.
"""
from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.evaluator import BaseMetric
from scipy.optimize import minimize_scalar
from torch import Tensor

from mmaction.registry import METRICS

# Of a probability that float32 makes zero; nothing above may be cut, or
# classes far behind the first would tie.
TINY = torch.finfo(torch.float32).tiny
# How far from 1 the sum of probabilities may be; that of logits is by chance
# as near, but not that of all clips.
ROUNDED = .1


@METRICS.register_module()
class CalibrationMetric(BaseMetric):
    """Calibration of the class probabilities.

    ``nll``
        Mean negative log-likelihood of the true class, in nats.
    ``ece``
        Expected calibration error (Guo et al., arXiv:1706.04599): how far the
        share of right answers is from the confidence in them, over bins of
        equal width.
    ``validity``
        Probability that the language model, left to write on its own, writes
        one of the class names; of an ``LVLMHead`` that scores by plain
        log-likelihoods.
    ``temperature``, ``nll_fitted``, ``ece_fitted``
        With ``fit``: the temperature that makes ``nll`` smallest, to be set
        as ``scoring.temperature`` of the head (times the one in use there),
        and what it would give.

    Args:
        bins (int): Of the calibration error.
        fit (bool): Fit a temperature. For validation: on test data it would
            be chosen by the labels.
        collect_device, prefix: Of MMEngine's ``BaseMetric``.
    """
    default_prefix = 'calibration'

    def __init__(self,
                 bins: int = 15,
                 fit: bool = False,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device, prefix)
        if bins < 1:
            raise ValueError(f'CalibrationMetric: `bins` is {bins}, must be '
                             'at least 1')
        self.bins, self.fit = bins, fit

    def process(self, data_batch: Any, data_samples: Sequence[Dict]) -> None:
        for sample in data_samples:
            self.results.append(
                dict(
                    score=sample['pred_score'].detach().float().cpu(),
                    label=int(sample['gt_label']),
                    validity=sample.get('pred_validity')))

    def compute_metrics(self, results: List[Dict]) -> Dict[str, float]:
        scores = torch.stack([r['score'] for r in results])
        labels = torch.tensor([r['label'] for r in results])
        # A class that is ruled out may have minus infinity.
        bad = int((scores.isnan() | (scores == torch.inf)).any(1).sum())
        if bad:
            raise ValueError(f'CalibrationMetric: {bad} of {len(scores)} '
                             'clips have scores of NaN or infinity')
        logits = as_logits(scores)
        out = dict(nll=_nll(logits, labels),
                   ece=_ece(logits, labels, self.bins))
        if all(r['validity'] is not None for r in results):
            out['validity'] = sum(
                float(r['validity']) for r in results) / len(results)
        if self.fit:
            temperature = fit_temperature(logits, labels)
            logits = logits / temperature
            out.update(temperature=temperature,
                       nll_fitted=_nll(logits, labels),
                       ece_fitted=_ece(logits, labels, self.bins))
        return out


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature between 0.01 and 100 at which (N, K) logits give (N, )
    labels the highest likelihood.

    The likelihood has one maximum over the logarithm of the temperature.
    """
    found = minimize_scalar(
        lambda log_t: _nll(logits.double() / 10**log_t, labels),
        bounds=(-2., 2.), method='bounded', options=dict(xatol=1e-6))
    return float(10**found.x)


def as_logits(scores: Tensor) -> Tensor:
    """Heads give probabilities, or by ``average_clips='score'`` logits.
    Probabilities that were rounded, or kept in half precision, are some."""
    sums = scores.sum(1)
    if (scores >= 0).all() and sums.sub(1).abs().max() < ROUNDED:
        return scores.clamp(min=TINY).log()
    return scores


def _nll(logits: Tensor, labels: Tensor) -> float:
    return float(torch.nn.functional.cross_entropy(logits, labels))


def _ece(logits: Tensor, labels: Tensor, bins: int) -> float:
    confidence, answer = logits.softmax(1).max(1)
    right = (answer == labels).float()
    which = (confidence * bins).long().clamp(max=bins - 1)
    gap = torch.zeros(bins).index_add(0, which, right - confidence)
    return float(gap.abs().sum() / len(labels))
