"""Calibration: against its definitions."""
import math

import pytest
import torch

from lvlm_var_mm.evaluation import CalibrationMetric, fit_temperature
from lvlm_var_mm.evaluation.calibration import as_logits
from mmaction.registry import METRICS


def evaluate(scores, labels, validity=None, **cfg):
    metric = METRICS.build(dict(type='CalibrationMetric', **cfg))
    samples = [dict(pred_score=s, gt_label=torch.tensor([label]))
               for s, label in zip(torch.tensor(scores), labels)]
    for sample, value in zip(samples, validity or ()):
        sample['pred_validity'] = torch.tensor(value)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def test_by_hand():
    scores = [[.9, .1], [.9, .1], [.4, .6], [.3, .7]]
    found = evaluate(scores, [0, 1, 1, 1], [.5, .25, 1., 1.])
    assert found['calibration/nll'] == pytest.approx(
        -sum(map(math.log, (.9, .1, .6, .7))) / 4, rel=1e-5)
    # Each confidence but the first has a bin of its own.
    assert found['calibration/ece'] == pytest.approx(
        (abs(.1 + (0 - .9)) + .4 + .3) / 4, rel=1e-5)
    assert found['calibration/validity'] == pytest.approx(2.75 / 4)
    one = evaluate(scores, [0, 1, 1, 1], bins=1)
    assert one['calibration/ece'] == pytest.approx(
        abs(3 - .9 - .9 - .6 - .7) / 4, rel=1e-5)
    assert 'calibration/validity' not in one
    assert not any('loss' in key for key in found)


def test_logits_count_as_their_softmax():
    logits = torch.randn(20, 5)
    labels = [i % 5 for i in range(20)]
    assert evaluate(logits.tolist(), labels) == pytest.approx(
        evaluate(logits.softmax(1).tolist(), labels), rel=1e-4)


def test_impossible_class_is_no_infinity():
    assert evaluate([[1., 0.]], [1])['calibration/nll'] < 90


def test_classes_far_behind_the_first_do_not_tie():
    logits = torch.tensor([[0., -45., -40., -80.]])
    torch.testing.assert_close(as_logits(logits.softmax(1)), logits)


@pytest.mark.parametrize('rounded', [
    lambda p: p.half().float(), lambda p: p.mul(1e3).round().div(1e3),
    lambda p: p.mul(100).round().div(100)])
@pytest.mark.parametrize('classes', [2, 10, 60])
def test_rounded_probabilities_are_no_logits(rounded, classes):
    torch.manual_seed(0)
    exact = torch.randn(200, classes).mul(3).softmax(1)
    labels = [i % classes for i in range(200)]
    whole, some = (evaluate(p.tolist(), labels)['calibration/ece']
                   for p in (exact, rounded(exact)))
    assert some == pytest.approx(whole, abs=.02)


@pytest.mark.parametrize('true', [0.25, 1., 6.])
def test_temperature_is_found(true):
    torch.manual_seed(0)
    logits = torch.randn(20000, 6)
    labels = logits.softmax(1).multinomial(1).squeeze(1)
    assert fit_temperature(logits * true, labels) == pytest.approx(
        true, rel=.05)


def test_fitted_figures():
    torch.manual_seed(0)
    logits = torch.randn(2000, 6)
    labels = logits.softmax(1).multinomial(1).squeeze(1).tolist()
    sharp = (5 * logits).softmax(1)
    found = evaluate(sharp.tolist(), labels, fit=True)
    assert found['calibration/temperature'] == pytest.approx(5, rel=.2)
    assert found['calibration/nll_fitted'] < found['calibration/nll']
    assert found['calibration/ece_fitted'] < .05 < found['calibration/ece']
    # Set in the head, it gives what was promised.
    warm = (5 * logits / found['calibration/temperature']).softmax(1)
    assert evaluate(warm.tolist(), labels)['calibration/nll'] == \
        pytest.approx(found['calibration/nll_fitted'], rel=1e-3)


def test_bad_bins():
    with pytest.raises(ValueError, match='bins'):
        CalibrationMetric(bins=0)


def test_scores_that_are_not_finite_are_told():
    with pytest.raises(ValueError, match='1 of 2 clips .* NaN'):
        evaluate([[.5, .5], [float('nan'), .5]], [0, 1])
    found = evaluate([[2., -math.inf], [0., 0.]], [0, 1])
    assert found['calibration/ece'] == pytest.approx(.25)
