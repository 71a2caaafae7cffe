"""File names and splits of NTU RGB+D and NTU RGB+D 120.

A split is named as in MMAction2's pickles, a protocol and a part:

``xsub_train``, ``xsub_val``      by performer, both benchmarks
``xview_train``, ``xview_val``    by camera, ntu60
``xset_train``, ``xset_val``      by setup, ntu120
``xsub_train_seen55`` ...         one of these, on some of the classes alone:
                                  the zero-shot splits of SynSE
``oneshot_train``, ``_exemplar``, ``_val``    one-shot, ntu120

Sources: Shahroudy et al., CVPR 2016 (xsub, xview); Liu et al., TPAMI 2020
(xsub, xset and one-shot of NTU RGB+D 120); Gupta et al., "Syntactically
Guided Generative Embeddings for Zero-Shot Skeleton Action Recognition"
(SynSE), ICIP 2021, lists in the README of its repository skelemoa/synse-zsl.
"""
import os.path as osp
import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')

_XSUB_60 = [
    1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38
]
_XSUB = dict(
    ntu60=_XSUB_60,
    ntu120=_XSUB_60 + [
        45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80,
        81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103
    ])
NUM_ACTIONS = dict(ntu60=60, ntu120=120)
NUM_SETUPS = dict(ntu60=17, ntu120=32)
_PROTOCOLS = dict(ntu60=('xsub', 'xview'), ntu120=('xsub', 'xset'))

# SynSE's unseen actions, numbered from 1, by how many they are.
UNSEEN = dict(
    ntu60={
        5: (11, 12, 20, 27, 57),
        12: (4, 6, 10, 13, 16, 41, 43, 48, 52, 57, 59, 60)
    },
    ntu120={
        10: (5, 14, 38, 44, 50, 66, 89, 96, 100, 107),
        24: (6, 10, 12, 17, 19, 21, 23, 30, 36, 40, 46, 50, 60, 69, 71, 82,
             85, 88, 94, 95, 105, 114, 115, 120)
    })
# One-shot: every sixth action is novel, and one sample of each is shown.
NOVEL = tuple(range(1, 121, 6))
EXEMPLARS = tuple(
    f'S{1 if action <= 60 else 18:03}C003P008R001A{action:03}'
    for action in NOVEL)


class NTUName(NamedTuple):
    """The parts of a name ``SsssCcccPpppRrrrAaaa``; all count from 1."""
    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    def __str__(self) -> str:
        return 'S{:03}C{:03}P{:03}R{:03}A{:03}'.format(*self)


def parse_name(path: str) -> Optional[NTUName]:
    """The parts of a file's name, None if it is not named that way."""
    match = _NAME.match(osp.basename(path))
    return NTUName(*map(int, match.groups())) if match else None


def parse_names(names: Sequence) -> np.ndarray:
    """Names of samples (text or bytes) -> (N, 5) numbers, the columns those
    of :class:`NTUName`; zeros where a name is not of the form."""
    text = np.asarray(names, dtype='S')
    if not text.size:
        return np.zeros((0, 5), int)
    width = max(20, text.dtype.itemsize)
    chars = text.astype(f'S{width}').view('u1').reshape(len(text), width)
    digits = np.array([[i, i + 1, i + 2] for i in range(1, 20, 4)])
    letters = np.frombuffer(b'SCPRA', 'u1')
    values = chars[:, digits].astype(int) - ord('0')  # (N, 5, 3)
    good = ((chars[:, 0:20:4] == letters).all(1)
            & ((values >= 0) & (values <= 9)).all((1, 2)))
    return (values @ [100, 10, 1]) * good[:, None]


def official_splits(benchmark: str) -> Tuple[str, ...]:
    """The two protocols of ``'ntu60'`` or ``'ntu120'``, two parts each."""
    return tuple(f'{protocol}_{part}' for protocol in _PROTOCOLS[benchmark]
                 for part in ('train', 'val'))


def split_names(benchmark: str) -> Tuple[str, ...]:
    """All splits of ``'ntu60'`` or ``'ntu120'``, see the module."""
    official, total = official_splits(benchmark), NUM_ACTIONS[benchmark]
    zero_shot = tuple(
        f'{split}_{part}' for split in official for unseen in UNSEEN[benchmark]
        for part in (f'seen{total - unseen}', f'unseen{unseen}'))
    one_shot = tuple(f'oneshot_{part}' for part in (
        'train', 'exemplar', 'val')) if benchmark == 'ntu120' else ()
    return official + zero_shot + one_shot


def check_split(benchmark: str, split: str) -> None:
    """Raises:
        ValueError: The benchmark has no such split; says what there is.
    """
    if benchmark not in _PROTOCOLS or split not in split_names(benchmark):
        raise ValueError(
            f'`split` {split!r} of `benchmark` {benchmark!r}: there are ' +
            '; '.join(f'{b}: {", ".join(split_names(b))}'
                      for b in _PROTOCOLS))


def in_benchmark(names: np.ndarray, benchmark: str) -> np.ndarray:
    """NTU RGB+D is setups 1-17 with actions 1-60 of NTU RGB+D 120.

    Args:
        names (np.ndarray): (N, 5), from :func:`parse_names`.
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.

    Returns:
        np.ndarray: (N, ) bool.
    """
    setup, action = names[:, 0], names[:, 4]
    return ((1 <= setup) & (setup <= NUM_SETUPS[benchmark])
            & (1 <= action) & (action <= NUM_ACTIONS[benchmark]))


def in_split(names: np.ndarray, benchmark: str, split: str) -> np.ndarray:
    """Which samples belong to a split.

    Args:
        names (np.ndarray): (N, 5), from :func:`parse_names`.
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.
        split (str): One of :func:`split_names`.

    Returns:
        np.ndarray: (N, ) bool.

    Raises:
        ValueError: The benchmark has no such split.
    """
    check_split(benchmark, split)
    setup, camera, performer, _, action = names.T
    inside = in_benchmark(names, benchmark)
    protocol, part, *classes = split.split('_')
    if protocol == 'oneshot':
        novel = np.isin(action, NOVEL)
        shown = (names[:, None] == parse_names(EXEMPLARS)).all(-1).any(1)
        return inside & dict(
            train=~novel, exemplar=shown, val=novel & ~shown)[part]
    train = dict(
        xsub=np.isin(performer, _XSUB[benchmark]),
        xview=np.isin(camera, (2, 3)),
        xset=setup % 2 == 0)[protocol]
    inside = inside & (train if part == 'train' else ~train)
    if classes:
        kind, number = re.fullmatch(r'(\D+)(\d+)', classes[0]).groups()
        number = int(number)
        unseen = np.isin(action, UNSEEN[benchmark][
            number if kind == 'unseen' else NUM_ACTIONS[benchmark] - number])
        inside = inside & (unseen if kind == 'unseen' else ~unseen)
    return inside


def all_splits(names: Sequence[str], benchmark: str) -> Dict[str, List[str]]:
    """Every split of a benchmark over some samples, as MMAction2's pickles
    hold them; splits that none of the samples is in are left out."""
    table = parse_names(names)
    found = {
        split: [names[i] for i in np.flatnonzero(
            in_split(table, benchmark, split))]
        for split in split_names(benchmark)
    }
    return {split: members for split, members in found.items() if members}
