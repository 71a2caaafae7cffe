"""Score classes by whether what their descriptions claim is true of a clip.

No network is trained, so any list of names with descriptions will do. Shapes:
N clips, K classes, E kinds of the vocabulary.
"""
from typing import List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .claims import Claim, claims
from .strengths import claim_strength

HIT = .8  # share of the clips of a class of which a claim of it is true
EVIDENCE = 'graded', 'truth'


class ClaimScorer:
    """Descriptions -> claims -> log-odds against base rates -> scores.

    The evidence of a claim is a log-likelihood ratio: of its class against
    the clips of the base, which are of any other classes.

    ``'graded'``
        1 + log u, where u is the share of the base of which the claim is less
        true (:func:`~.strengths.claim_strength`). Over the base u is
        uniform; the ratio is that of the density 2.7 u. An event that is
        missing where most clips have it weighs heavily, none wins alone.
    ``'truth'``
        log(hit / b) where the claim is true and log((1 - hit) / (1 - b))
        where it is false, with its smoothed base rate b.

    What cannot be decided weighs nothing. Without a base, evidence is that of
    ``'truth'`` at b = 1/2.

    Args:
        descriptions (sequence[str]): K, of the classes; one that claims
            nothing always scores 0.
        evidence (str): One of the above.
        standardise (bool): Subtract the mean of a class's scores over the
            base, and divide by their deviation, so that classes whose claims
            are many, or usual, have no advantage. Without a base, or without,
            a score is the sum of its evidence.
        hit (float): Of ``'truth'``.

    Attributes:
        claims (list[list[Claim]]): Of each class, each once.

    Raises:
        ValueError: An unknown evidence, or a ``hit`` outside 0..1.
    """

    def __init__(self, descriptions: Sequence[str],
                 evidence: str = 'graded', standardise: bool = True,
                 hit: float = HIT) -> None:
        if evidence not in EVIDENCE:
            raise ValueError(f'`evidence` is {evidence!r}; there are '
                             f'{", ".join(EVIDENCE)}')
        if not 0 < hit < 1:
            raise ValueError(f'`hit` is {hit}, must lie between 0 and 1')
        self.claims: List[List[Claim]] = [
            list(dict.fromkeys(claims(text))) for text in descriptions]
        self.evidence, self.hit = evidence, hit
        self.standardise = standardise
        self.base: Optional[np.ndarray] = None
        # Mean and deviation of each class over the base.
        self.usual = np.zeros(len(self.claims)), np.ones(len(self.claims))

    @property
    def silent(self) -> List[int]:
        """The classes whose descriptions claim nothing."""
        return [k for k, made in enumerate(self.claims) if not made]

    def fit(self, base: np.ndarray) -> 'ClaimScorer':
        """Measure the base rates.

        Args:
            base (array): (N, E) :func:`~.strengths.strengths` of clips of
                seen classes; no labels are needed.

        Returns:
            ClaimScorer: Itself.

        Raises:
            ValueError: No clips.
        """
        if not len(base):
            raise ValueError('ClaimScorer: no clips to measure base rates on')
        self.base = np.asarray(base)
        self.usual = 0 * self.usual[0], np.ones_like(self.usual[1])
        if self.standardise:
            scores = self(self.base)
            deviation = scores.std(0)
            self.usual = (scores.mean(0),
                          np.where(deviation > 1e-6, deviation, 1))
        return self

    def __call__(self, found: np.ndarray) -> np.ndarray:
        """Score the classes: (N, E) strengths -> (N, K)."""
        known = {}
        for claim in sum(self.claims, []):
            if claim not in known:
                known[claim] = self.weigh(claim, found)
        scores = np.stack([
            np.sum([known[c] for c in made], 0) if made
            else np.zeros(len(found)) for made in self.claims], 1)
        return (scores - self.usual[0]) / self.usual[1]

    def weigh(self, claim: Claim, found: np.ndarray) -> np.ndarray:
        """Return the evidence of one claim in each clip, (N, )."""
        told = claim_strength(claim, found)
        usual = np.zeros(0)
        if self.base is not None:
            usual = claim_strength(claim, self.base)
            usual = np.sort(usual[~np.isnan(usual)])
            # What no sensor of this kind ever shows tells nothing.
            if not len(usual):
                return np.zeros(len(found))
        if self.base is None or self.evidence == 'truth':
            limit = _least(claim)
            rate = ((usual >= limit).sum() + 1) / (len(usual) + 2)
            weight = np.where(told >= limit, np.log(self.hit / rate),
                              np.log((1 - self.hit) / (1 - rate)))
        else:
            below = sum(np.searchsorted(usual, told, side)
                        for side in ('left', 'right')) / 2
            weight = 1 + np.log((below + .5) / (len(usual) + 1))
        return np.where(np.isnan(told), 0, weight)


def _least(claim: Claim) -> float:
    """Return the least strength at which a claim is true: that something does
    not happen is true at 0."""
    denied = claim.negated != (claim.motion == 'stays still')
    return 0. if denied else np.finfo(np.float32).tiny


class Settings(NamedTuple):
    """Settings of a scorer, and how right it is on held-out seen classes."""
    evidence: str
    standardise: bool
    accuracy: float


def choose_settings(descriptions: Sequence[str], found: np.ndarray,
                    labels: np.ndarray, held: Sequence[Tuple[int, ...]]
                    ) -> List[Settings]:
    """Try all settings by holding out seen classes.

    Args:
        descriptions (sequence[str]): K, of all classes.
        found (array): (N, E) strengths of clips of seen classes alone.
        labels (array): (N, ) of them.
        held (sequence[tuple]): Sets of seen classes: each in turn is taken
            for unseen, the rest is the base.

    Returns:
        list[Settings]: The best first; accuracy is the mean over classes and
        sets.
    """
    tried = []
    for evidence in EVIDENCE:
        for standardise in (True, False):
            right = []
            for out in held:
                of_held = np.isin(labels, out)
                scorer = ClaimScorer([descriptions[k] for k in out], evidence,
                                     standardise).fit(found[~of_held])
                right.append(class_mean(scorer(found[of_held]),
                                        labels[of_held], out))
            tried.append(Settings(evidence, standardise, float(
                np.mean(right))))
    return sorted(tried, key=lambda s: -s.accuracy)


def class_mean(scores: np.ndarray, labels: np.ndarray,
               classes: Sequence[int]) -> float:
    """Return the mean over classes of the share of their clips that score
    highest for them.

    Args:
        scores (array): (N, K).
        labels (array): (N, ) of clips of these classes.
        classes (sequence[int]): (K, ) labels of the scores.
    """
    chosen = np.asarray(classes)[scores.argmax(1)]
    return float(np.mean([(chosen[labels == k] == k).mean()
                          for k in np.unique(labels)]))
