"""File names and official splits of NTU RGB+D and NTU RGB+D 120.

Splits after Shahroudy et al., CVPR 2016, and Liu et al., TPAMI 2020: by
performer (xsub), by camera (xview, NTU RGB+D only) and by setup (xset,
NTU RGB+D 120 only).
"""
import os.path as osp
import re
from typing import NamedTuple, Optional

_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')

_XSUB_60 = {
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38
}
_XSUB_120 = _XSUB_60 | {
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81,
    82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103
}
NUM_ACTIONS = dict(ntu60=60, ntu120=120)
_PROTOCOLS = dict(ntu60=('xsub', 'xview'), ntu120=('xsub', 'xset'))


class NTUName(NamedTuple):
    """What ``SsssCcccPpppRrrrAaaa`` says; all count from 1."""
    setup: int
    camera: int
    performer: int
    replication: int
    action: int


def parse_name(path: str) -> Optional[NTUName]:
    """The parts of a file's name, None if it is not named that way."""
    match = _NAME.match(osp.basename(path))
    return NTUName(*map(int, match.groups())) if match else None


def split_names(benchmark: str) -> tuple:
    """All splits of ``'ntu60'`` or ``'ntu120'``."""
    return tuple(f'{protocol}_{part}' for protocol in _PROTOCOLS[benchmark]
                 for part in ('train', 'val'))


def in_benchmark(name: NTUName, benchmark: str) -> bool:
    """NTU RGB+D is setups 1-17 with actions 1-60 of NTU RGB+D 120."""
    if benchmark == 'ntu120':
        return name.setup <= 32 and 1 <= name.action <= 120
    return name.setup <= 17 and 1 <= name.action <= 60


def in_split(name: NTUName, benchmark: str, split: str) -> bool:
    """Whether a sample belongs to a split.

    Args:
        name (NTUName): Of the sample.
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.
        split (str): One of :func:`split_names`.

    Raises:
        ValueError: The benchmark has no such split.
    """
    if benchmark not in _PROTOCOLS or split not in split_names(benchmark):
        raise ValueError(
            f'`split` {split!r} of `benchmark` {benchmark!r}: there are ' +
            '; '.join(f'{b}: {", ".join(split_names(b))}'
                      for b in _PROTOCOLS))
    if not in_benchmark(name, benchmark):
        return False
    protocol, part = split.split('_')
    if protocol == 'xsub':
        train = name.performer in (_XSUB_60 if benchmark == 'ntu60' else
                                   _XSUB_120)
    elif protocol == 'xview':
        train = name.camera in (2, 3)
    else:
        train = name.setup % 2 == 0
    return train == (part == 'train')
