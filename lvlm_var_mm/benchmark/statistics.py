"""Can a difference be chance? Spread over seeds, and paired tests on what two
models make of the same clips."""
from typing import Dict, NamedTuple, Optional, Sequence

import numpy as np
from scipy.stats import binomtest


class Paired(NamedTuple):
    """Two models on the same clips, the first less the second.

    Attributes:
        difference (float): Of top-1, in points, over all seeds.
        low, high (float): Of it, 95 % by a bootstrap over the clips.
        only_first, only_second (int): Clips that only one has right, first
            seed.
        p (float): McNemar's exact test of these, two-sided.
    """
    difference: float
    low: float
    high: float
    only_first: int
    only_second: int
    p: float


def summary(values: Sequence[float]) -> Dict[str, Optional[float]]:
    """Mean, standard deviation (None for a single one) and number."""
    values = np.asarray(values, float)
    return dict(
        mean=float(values.mean()),
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        n=len(values))


def compare(first: Sequence[np.ndarray], second: Sequence[np.ndarray],
            draws: int = 10000, seed: int = 0) -> Paired:
    """Compare two models on the same clips.

    The bootstrap draws clips, not seeds: it says what another test set of
    this kind might show, for these trainings.

    Args:
        first, second (sequence[np.ndarray]): (N, ) bool for each seed,
            whether a clip is answered right.
        draws (int): Of the bootstrap.
        seed (int): Of the draws.

    Raises:
        ValueError: Not of equally many clips.
    """
    if len({len(right) for right in (*first, *second)}) > 1:
        raise ValueError('a comparison of tests on different clips')
    gap = np.mean(first, 0) - np.mean(second, 0)  # [N]
    # Clips with the same gap are alike: their counts are drawn, not they.
    values, counts = np.unique(gap, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(
        len(gap), counts / len(gap), draws) @ values / len(gap)
    low, high = np.percentile(drawn, [2.5, 97.5])
    a, b = np.asarray(first[0], bool), np.asarray(second[0], bool)
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    number = only_first + only_second
    p = binomtest(only_first, number).pvalue if number else 1.
    return Paired(100 * float(gap.mean()), 100 * float(low),
                  100 * float(high), only_first, only_second, float(p))
