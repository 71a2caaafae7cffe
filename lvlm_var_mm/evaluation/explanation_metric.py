"""Metric of the reasons of a test set: is what they say true of the clips?"""
import re
from collections import Counter, defaultdict
from itertools import compress
from typing import Any, Dict, FrozenSet, List, Optional, Sequence, Set

import numpy as np
from mmengine.evaluator import BaseMetric

from lvlm_var_mm.kinematics import Claim, check, claims, observation_of
from lvlm_var_mm.kinematics.claims import names_claimed
from lvlm_var_mm.kinematics.language import heaviest
from mmaction.registry import METRICS

OTHERS = 5  # clips that each reason is tried on beside its own


@METRICS.register_module()
class ExplanationMetric(BaseMetric):
    """Check the reasons of a test set, claim by claim, on the joints as they
    were recorded.

    ======================= ================================================
    claim_precision         share of the decidable claims that are true; of
                            the reasons as generated, before verification
    claim_precision_chance  that of the same reasons on other clips of the
                            test set, drawn at random
    decidable               share of all claims that the joints decide
    without_claims          share of the reasons without a decidable claim:
                            they cannot be wrong, and say nothing
    event_recall            share of the five most salient motions of a clip
                            (:func:`~lvlm_var_mm.kinematics.language.
                            heaviest`) that its reason tells
    event_recall_chance     that of the same reasons on other clips
    distinct_reasons        different sets of claims per predicted class, as
                            a mean over the classes: not wordings
    verified_precision      claim_precision after verification ...
    dropped_by_verification ... and the share of claims that it took out
    class_from_claims       share of the clips whose predicted class a naive
                            Bayes classifier recovers from the claims of the
                            reason alone, each clip left out of its training
    class_from_claims_prior that of always naming the most frequent class
    another_class           share of the reasons that name another class
                            than the predicted one
    ======================= ================================================

    What the samples have no field for is left out. A model whose prompt holds
    the measured narrative can copy it; one without must know. So figures of
    the two are not to be compared without saying so. Checks of motion text by
    rules are known from MoPE (arXiv:2602.17768) and MotionHalluc
    (arXiv:2606.23061), which check captions and have no decision to explain.

    Args:
        class_names (list[str], optional): To find names of other classes.
        seed (int): Of the other clips.
        collect_device (str): See MMEngine's ``BaseMetric``.
        prefix (str): Of the names of the figures. Defaults to ``reason``.
    """
    default_prefix = 'reason'

    def __init__(self,
                 class_names: Optional[Sequence[str]] = None,
                 seed: int = 0,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device, prefix)
        self.class_names = class_names
        self.seed = seed

    def process(self, data_batch: Any, data_samples: Sequence[Dict]) -> None:
        for sample in data_samples:
            if 'pred_reason' not in sample:
                raise ValueError(
                    'ExplanationMetric: the model gives no `pred_reason`; '
                    'let its head explain every clip, or take the metric out '
                    'of `val_evaluator` and `test_evaluator`')
            reason = sample['pred_reason']
            self.results.append(dict(
                raw=sample.get('pred_raw_reason', reason),
                reason=reason,
                measured=[sample[key] for key in ('events', 'decidable')
                          if key in sample],
                label=int(sample['pred_label'])))

    def compute_metrics(self, results: List[Dict]) -> Dict[str, float]:
        said = [claims(r['raw']) for r in results]
        labels = [r['label'] for r in results]
        figures = dict(distinct_reasons=distinct_sets(said, labels),
                       **leak(said, labels))
        if self.class_names:
            figures['another_class'] = float(np.mean([
                names_another(r['raw'], r['label'], self.class_names)
                for r in results]))
        results, said = (list(compress(some, [
            len(r['measured']) == 2 for r in results]))
            for some in (results, said))
        if not results:
            return figures
        seen = [observation_of(*r['measured']) for r in results]
        pairs = list(zip(said, seen))
        truths = [[check(c, s) for c in m] for m, s in pairs]
        other = np.random.default_rng(self.seed)
        shifts = {int(x) for x in other.integers(1, len(seen), OTHERS)} if (
            len(seen) > 1) else set()
        moved = [(said[i], seen[i - shift])
                 for shift in sorted(shifts) for i in range(len(seen))]
        figures.update(
            claim_precision=precision(truths),
            claim_precision_chance=precision(
                [[check(c, s) for c in m] for m, s in moved]),
            decidable=_mean(t is not None for row in truths for t in row),
            without_claims=_mean(
                all(t is None for t in row) for row in truths),
            event_recall=recall(pairs),
            event_recall_chance=recall(moved))
        if any(r['raw'] != r['reason'] for r in results):
            kept = [claims(r['reason']) for r in results]
            figures.update(
                verified_precision=precision(
                    [[check(c, s) for c in m] for m, s in zip(kept, seen)]),
                dropped_by_verification=1 - sum(map(len, kept)) / max(
                    sum(map(len, said)), 1))
        return {key: value for key, value in figures.items()
                if value is not None}


def precision(truths: Sequence[Sequence[Optional[bool]]]) -> Optional[float]:
    """Return the share of true claims among those that are decided, None
    without any."""
    return _mean(t for row in truths for t in row if t is not None)


def recall(pairs: Sequence) -> Optional[float]:
    """Return the share of the salient motions of the clips that are told.

    Args:
        pairs (sequence): (claims, observation) of each clip.

    Returns:
        float | None: None if nothing happens in any.
    """
    hits = []
    for made, seen in pairs:
        told: Set[str] = set().union(*map(names_claimed, made))
        hits += [bool(told & set(names)) for names in heaviest(seen.events)]
    return _mean(hits)


def distinct_sets(said: Sequence[Sequence[Claim]],
                  labels: Sequence[int]) -> float:
    """Count the different sets of claims of each class: the mean over the
    classes."""
    sets: Dict[int, Set[FrozenSet[Claim]]] = defaultdict(set)
    for made, label in zip(said, labels):
        sets[label].add(frozenset(made))
    return float(np.mean([len(s) for s in sets.values()]))


def leak(said: Sequence[Sequence[Claim]],
         labels: Sequence[int]) -> Dict[str, float]:
    """Recover the class of each clip from its claims, by naive Bayes on those
    of the other clips.

    Returns:
        dict: ``class_from_claims`` and, of always the most frequent class,
        ``class_from_claims_prior``.
    """
    kinds = {c: i for i, c in enumerate(sorted({c for m in said for c in m}))}
    classes = sorted(set(labels))
    own = np.searchsorted(classes, labels)
    made = np.zeros((len(said), len(kinds)))
    for row, some in zip(made, said):
        row[[kinds[c] for c in some]] = 1
    clips = np.bincount(own, minlength=len(classes))  # (classes, )
    counts = np.zeros((len(classes), len(kinds)))
    np.add.at(counts, own, made)
    hits = []
    for row, label in zip(made, own):
        here = np.arange(len(classes)) == label
        n = clips - here  # without this clip
        share = (counts - np.outer(here, row) + .5) / (n[:, None] + 1)
        score = np.log(n + 1e-9) + np.where(
            row, np.log(share), np.log1p(-share)).sum(1)
        hits.append(score.argmax() == label)
    return dict(class_from_claims=float(np.mean(hits)),
                class_from_claims_prior=max(
                    Counter(labels).values()) / len(labels))


def names_another(text: str, label: int, names: Sequence[str]) -> bool:
    """Return whether a text holds the name of another class, where that is no
    part of the own one's."""
    text, own = text.lower(), names[label].lower()
    words = [rf'\b{re.escape(name.lower())}\b' for name in names]
    return any(re.search(word, text) and not re.search(word, own)
               for i, word in enumerate(words) if i != label)


def _mean(values) -> Optional[float]:
    values = list(values)
    return float(np.mean(values)) if values else None
