"""Spread, paired tests, scores and fusion."""
import numpy as np
import pytest
import torch
from mmengine.fileio import dump
from scipy.stats import binomtest

from lvlm_var_mm.benchmark.scores import (Scores, as_ordered, figures,
                                          fit_weights, fuse, keep_scores,
                                          read_dump)
from lvlm_var_mm.benchmark.statistics import compare, summary


def test_summary():
    assert summary([90.])['sd'] is None
    found = summary([1., 2., 3.])
    assert found == dict(mean=2., sd=1., n=3)


def test_mcnemar_counts_what_only_one_has_right():
    a = np.array([1] * 70 + [1] * 15 + [0] * 5 + [0] * 10, bool)
    b = np.array([1] * 70 + [0] * 15 + [1] * 5 + [0] * 10, bool)
    found = compare([a], [b])
    assert (found.only_first, found.only_second) == (15, 5)
    assert found.difference == pytest.approx(10)
    assert found.p == pytest.approx(binomtest(15, 20).pvalue)
    # The normal approximation of the same interval.
    sd = 100 * np.std(a.astype(float) - b) / np.sqrt(100)
    assert found.low == pytest.approx(10 - 1.96 * sd, abs=1)
    assert found.high == pytest.approx(10 + 1.96 * sd, abs=1)


def test_equal_models_do_not_differ():
    right = np.array([1, 0, 1, 1], bool)
    found = compare([right], [right])
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    with pytest.raises(ValueError, match='different clips'):
        compare([right], [right[:2]])


def scores(seed, strength, number=300, labels=None):
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % 4 if labels is None else labels
    logits = rng.normal(size=(number, 4))
    logits[np.arange(number), labels] += strength
    return fuse([Scores(logits, labels)])


def test_figures_by_hand():
    probability = np.array([[.7, .2, .1], [.6, .3, .1], [.2, .7, .1],
                            [.4, .4, .2]])
    labels = np.array([0, 1, 1, 2])
    found = figures(Scores(np.log(probability), labels))
    assert found['top1'] == 50 and found['top5'] == 100
    assert found['mean_class'] == pytest.approx(100 * (1 + .5 + 0) / 3)
    assert found['clips'] == 4
    # Only the classes that are left.
    clean = figures(Scores(np.log(probability), labels), labels < 2)
    assert clean['mean_class'] == 75 and clean['clips'] == 3


def test_weights_favour_the_better_stream():
    good, bad = scores(0, 2.), scores(1, 0.)
    weights = fit_weights([good, bad])
    assert sum(weights) == pytest.approx(2) and weights[0] > 1.5
    assert (fuse([good, bad], weights).right.mean() >=
            fuse([good, bad]).right.mean())
    with pytest.raises(ValueError, match='different clips'):
        fuse([good, scores(0, 1., number=4)])


def test_tests_in_another_order_are_paired_by_name():
    first = scores(0, 1.)._replace(names=tuple(
        f'clip{i}' for i in range(len(scores(0, 1.).labels))))
    order = np.random.default_rng(0).permutation(len(first.labels))
    second = Scores(first.logits[order], first.labels[order],
                    tuple(f'other/{first.names[i]}' for i in order))
    same = as_ordered(second, first)
    np.testing.assert_array_equal(same.logits, first.logits)
    np.testing.assert_array_equal(
        fuse([first, second]).logits, fuse([first, first]).logits)
    # Without names in this order the labels tell.
    with pytest.raises(ValueError, match='different clips'):
        as_ordered(second._replace(names=None), first)
    with pytest.raises(ValueError, match='different clips'):
        as_ordered(scores(0, 1., number=4), first)


def test_dump_is_of_these_clips(tmp_path):
    rows = [dict(pred_score=torch.tensor([.25, .75]),
                 gt_label=torch.tensor([i]), frame_dir=f'clip{i}')
            for i in range(2)]
    dump(rows, str(tmp_path / 'd.pkl'))
    found = read_dump(tmp_path / 'd.pkl', ['clip0', 'clip1'])
    assert found.right.tolist() == [False, True]
    assert np.exp(found.logits).sum(1) == pytest.approx(1)
    keep_scores(tmp_path / 'd.pkl', tmp_path / 'd.json')
    kept = read_dump(tmp_path / 'd.json', ['clip0', 'clip1'])
    np.testing.assert_allclose(kept.logits, found.logits, atol=1e-4)
    assert kept.labels.tolist() == [0, 1]
    dump(dict(clip0=[.2, .8]), str(tmp_path / 'other.pkl'))
    with pytest.raises(ValueError, match='other.pkl holds no scores'):
        read_dump(tmp_path / 'other.pkl')
    with pytest.raises(ValueError, match="'clip0' where"):
        read_dump(tmp_path / 'd.pkl', ['clip1', 'clip0'])
    for i, (bad, says) in enumerate((
            ([.2, float('nan')], "clip 'clip1' has NaN"),
            ([.2, float('inf')], "clip 'clip1' has NaN"))):
        rows[1]['pred_score'] = torch.tensor(bad)
        dump(rows, str(tmp_path / f'bad{i}.pkl'))
        with pytest.raises(ValueError, match=f'bad{i}.pkl.*{says}'):
            read_dump(tmp_path / f'bad{i}.pkl')
    rows[1].update(pred_score=torch.tensor([.2, .8]), gt_label=2)
    dump(rows, str(tmp_path / 'few.pkl'))
    with pytest.raises(ValueError, match='few.pkl.*label 2 in scores of 2'):
        read_dump(tmp_path / 'few.pkl')
    with pytest.raises(ValueError, match='2 clips'):
        read_dump(tmp_path / 'd.pkl', ['clip0'])
