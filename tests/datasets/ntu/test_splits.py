"""Names, splits and counts of NTU RGB+D."""
import numpy as np
import pytest
from helpers import SHARED

from lvlm_var_mm.datasets import NTURGBDSkeletonDataset
from lvlm_var_mm.datasets.ntu.census import (PUBLISHED, complete_set,
                                             count_splits)
from lvlm_var_mm.datasets.ntu.splits import (NUM_ACTIONS, UNSEEN, NTUName,
                                             in_benchmark, in_split,
                                             official_splits, parse_name,
                                             parse_names)
from lvlm_var_mm.datasets.skeleton import read_exclude

XSUB_60 = [1, 2, 4, 5, 8, 9, *range(13, 20), 25, 27, 28, 31, 34, 35, 38]
XSUB_120 = XSUB_60 + [
    45, 46, 47, 49, 50, *range(52, 60), 70, 74, 78, *range(80, 87), 89,
    *range(91, 96), 97, 98, 100, 103]
MISSING = SHARED / 'NTU_RGBD120_samples_with_missing_skeletons.txt'


def member(name, benchmark, split):
    return bool(in_split(np.array([name]), benchmark, split)[0])


@pytest.mark.parametrize('benchmark, split, field, train, everyone', [
    ('ntu60', 'xsub', 'performer', XSUB_60, range(1, 41)),
    ('ntu60', 'xview', 'camera', [2, 3], range(1, 4)),
    ('ntu120', 'xsub', 'performer', XSUB_120, range(1, 107)),
    ('ntu120', 'xset', 'setup', range(2, 33, 2), range(1, 33))])
def test_who_trains(benchmark, split, field, train, everyone):
    name = NTUName(1, 1, 1, 1, 1)
    for part, expected in (('train', set(train)),
                           ('val', set(everyone) - set(train))):
        found = {i for i in everyone if member(
            name._replace(**{field: i}), benchmark, f'{split}_{part}')}
        assert found == expected


@pytest.mark.parametrize('benchmark, setup, action, inside', [
    ('ntu60', 1, 1, True), ('ntu60', 17, 60, True), ('ntu60', 18, 1, False),
    ('ntu60', 17, 61, False), ('ntu120', 18, 61, True),
    ('ntu120', 32, 120, True), ('ntu120', 33, 1, False),
    ('ntu120', 1, 121, False), ('ntu60', 1, 0, False)])
def test_membership(benchmark, setup, action, inside):
    name = NTUName(setup, 1, 1, 1, action)
    in_splits = [split for split in official_splits(benchmark)
                 if member(name, benchmark, split)]
    assert len(in_splits) == (2 if inside else 0)  # one for each protocol


@pytest.mark.parametrize('file, expected', [
    ('/a/S017C003P020R002A060_rgb.avi', (17, 3, 20, 2, 60)),
    ('S001C001P001R001A001.skeleton', (1, 1, 1, 1, 1)),
    ('notes.skeleton', None), ('xS001C001P001R001A001.skeleton', None),
    ('S1C001P001R001A001.skeleton', None)])
def test_parse_name(file, expected):
    assert parse_name(file) == expected


@pytest.mark.parametrize('benchmark, split', [
    ('ntu60', 'xset_train'), ('ntu120', 'xview_val'), ('ntu60', 'train'),
    ('ntu', 'xsub_train')])
def test_unknown_split_lists_what_there_is(benchmark, split, tmp_path):
    for ask in (
            lambda: member(NTUName(1, 1, 1, 1, 1), benchmark, split),
            lambda: NTURGBDSkeletonDataset(
                str(tmp_path), [], split, benchmark)):
        with pytest.raises(ValueError) as error:
            ask()
        for word in (repr(benchmark), repr(split), 'xset_val', 'xview_train'):
            assert word in str(error.value)


@pytest.mark.parametrize('names', [
    ['S001C002P003R001A004'], [b'S017C003P040R002A060', b'S1'],
    ['S018C001P106R001A120.skeleton', 'S001C001P001R001A00x', 'nothing'],
    []])
def test_parse_names_is_parse_name(names):
    table = parse_names(names)
    assert table.shape == (len(names), 5)
    for row, name in zip(table.tolist(), names):
        text = name.decode() if isinstance(name, bytes) else name
        assert tuple(row) == (parse_name(text) or (0, ) * 5)


@pytest.mark.parametrize('benchmark, total', [
    ('ntu60', 56880), ('ntu120', 114480)])
def test_every_sample_is_in_one_half(benchmark, total):
    names = complete_set(benchmark)
    assert len(names) == len(set(names)) == total
    table = parse_names(names)
    assert in_benchmark(table, benchmark).all()
    official = official_splits(benchmark)
    for train, val in zip(official[::2], official[1::2]):
        halves = (in_split(table, benchmark, half) for half in (train, val))
        assert np.logical_xor(*halves).all()


@pytest.mark.parametrize('benchmark', NUM_ACTIONS)
def test_zero_shot_parts_share_no_class(benchmark):
    table = parse_names(complete_set(benchmark))
    total = NUM_ACTIONS[benchmark]
    for official in official_splits(benchmark):
        whole = in_split(table, benchmark, official)
        for number, actions in UNSEEN[benchmark].items():
            assert len(actions) == number
            seen = in_split(table, benchmark,
                            f'{official}_seen{total - number}')
            unseen = in_split(table, benchmark, f'{official}_unseen{number}')
            assert set(table[unseen, 4]) == set(actions)
            assert len(set(table[seen, 4])) == total - number
            assert (whole == seen | unseen).all() and not (seen & unseen).any()


def test_one_shot():
    names = complete_set('ntu120')
    table = parse_names(names)
    parts = {part: in_split(table, 'ntu120', f'oneshot_{part}')
             for part in ('train', 'exemplar', 'val')}
    assert (sum(parts.values()) == 1).all()
    shown = [names[i] for i in np.flatnonzero(parts['exemplar'])]
    assert len(shown) == 20 and 'S018C003P008R001A115' in shown
    assert set(table[parts['val'], 4]) == set(range(1, 121, 6))
    assert not set(table[parts['train'], 4]) & set(range(1, 121, 6))


@pytest.mark.nucla
@pytest.mark.parametrize('benchmark', PUBLISHED)
def test_published_sizes(benchmark):
    if not MISSING.is_file():
        pytest.skip(f'{MISSING.name}, of the authors of NTU RGB+D, is not in '
                    'shared/data beside the checkout')
    missing = read_exclude(str(MISSING))
    everything = complete_set(benchmark)
    incomplete = missing & set(everything)
    assert len(incomplete) == dict(ntu60=302, ntu120=535)[benchmark]
    counts = count_splits(sorted(set(everything) - missing), benchmark,
                          {'incomplete': incomplete})
    for count in counts:
        assert count.size == PUBLISHED[benchmark][count.split]
        assert count.reason == f'{len(count.lacking)} incomplete'


def test_count_explains_what_is_lacking():
    names = complete_set('ntu60')
    lost, bad = names[0], names[1]
    count = count_splits(names[2:], 'ntu60', {'corrupt': [bad]})[0]
    assert count.split == 'xsub_train' and count.lacking == (lost, bad)
    assert count.reason == '1 corrupt, 1 not in the folder'
    assert count.size == 40320 - 2
