"""List the content of a complete NTU RGB+D, to find what a copy lacks.

The table of performers follows from the names of the 114,480 recordings;
with the authors' list of incomplete samples taken out it gives exactly the
published sizes of all splits.
"""
from typing import Dict, Iterable, List, NamedTuple, Sequence, Tuple

import numpy as np

from .splits import NTUName, in_split, official_splits, parse_names

# Who performed in which setup, each everything twice before three cameras;
# setups from 18 on show the actions from 61 on.
PERFORMERS = (
    range(1, 9), (3, *range(7, 15)), (1, 2, 7, 8, *range(15, 20)),
    (3, 7, 8, 20), (4, 10, 13, 15, 16, 17, 18, 21),
    (1, 7, 8, 15, 16, 17, 19, 22, 23, 24),
    (1, 7, 8, *range(15, 20), *range(25, 29)),
    (1, 7, 8, 15, 19, 25, *range(29, 37)), (7, 8, 15, 16, 17, 19, 25),
    (7, 8, 13, *range(15, 20), 21, 25),
    (1, 2, 7, 8, *range(15, 20), 25, 27, 28, 38),
    (7, 8, *range(15, 20), 25, 27, 28, 37),
    (7, 8, *range(15, 20), 25, 27, 28, 37),
    (7, 8, 15, 17, 19, 25, 27, 37, 39), (7, 8, 15, 16, 17, 19, 25, 37),
    (7, 8, 19, 21, 25, 39, 40), (3, 7, 8, 9, 15, 16, 17, 20),
    (8, *range(41, 46)), (8, 41, 42, *range(46, 52)),
    (8, 41, 43, 44, 52, 53, 54), range(55, 61), range(61, 68),
    range(55, 69), (57, *range(60, 65), 67), (55, 56, 58, 59, 65, 66, 68),
    (8, 41, 44, 49, 50, 51, *range(69, 73), *range(74, 78)),
    (6, 8, 11, 41, 43, 44, *range(78, 87)),
    (8, 41, 42, 43, 46, 48, 70, 73, 87),
    (6, 8, 41, 43, 44, 48, 49, 51, 67, 74, 75, 80, 88, 89, 90),
    (8, 11, 41, 43, 44, 48, 67, 75, 76, 81, 85, 88, *range(91, 97)),
    (6, 8, 41, 42, 43, 44, 51, 67, 82, 85, *range(96, 102)),
    (8, 41, 43, 44, 67, *range(102, 107)))

# Sizes without the listed incomplete samples: Shahroudy et al., CVPR 2016;
# Liu et al., TPAMI 2020; as counted after the authors' list appeared.
PUBLISHED = dict(
    ntu60=dict(xsub_train=40091, xsub_val=16487, xview_train=37646,
               xview_val=18932),
    ntu120=dict(xsub_train=63026, xsub_val=50919, xset_train=54468,
                xset_val=59477))


def complete_set(benchmark: str) -> List[str]:
    """The names of all recordings: 56,880 of ``'ntu60'``, 114,480 of
    ``'ntu120'``, incomplete ones included, in the order of names."""
    setups = PERFORMERS[:17] if benchmark == 'ntu60' else PERFORMERS
    return [
        str(NTUName(setup, camera, performer, replication, action))
        for setup, performers in enumerate(setups, 1) for camera in (1, 2, 3)
        for performer in performers for replication in (1, 2)
        for action in (range(1, 61) if setup < 18 else range(61, 121))
    ]


class SplitCount(NamedTuple):
    """The size of one split beside the published one."""
    split: str
    size: int
    published: int
    lacking: Tuple[str, ...]  # recordings that a complete copy has besides
    reason: str


def count_splits(names: Sequence[str],
                 benchmark: str,
                 left_out: Dict[str, Iterable[str]] = {}
                 ) -> List[SplitCount]:
    """Sizes of the official splits, and why they differ from the published.

    Args:
        names (Sequence[str]): Of the samples that are there.
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.
        left_out (dict): Samples known to be left out, by the reason, such as
            ``{'incomplete, by the authors': [...], 'corrupt': [...]}``.

    Returns:
        list[SplitCount]: One for each official split. ``lacking`` names
        every recording of the split that is not there, ``reason`` counts
        them by what became of them.
    """
    expected = sorted(set(complete_set(benchmark)) - set(names))
    known = {name: why for why, some in left_out.items() for name in some}
    here, gone = parse_names(names), parse_names(expected)
    counts = []
    for split in official_splits(benchmark):
        size = int(in_split(here, benchmark, split).sum())
        lacking = tuple(expected[i] for i in np.flatnonzero(
            in_split(gone, benchmark, split)))
        reasons = [known.get(name, 'not in the folder') for name in lacking]
        tally = [f'{reasons.count(why)} {why}'
                 for why in (*left_out, 'not in the folder') if why in reasons]
        counts.append(SplitCount(split, size, PUBLISHED[benchmark][split],
                                 lacking, ', '.join(tally)))
    return counts
