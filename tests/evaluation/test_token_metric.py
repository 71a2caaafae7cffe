"""What the tokens of a test set are worth."""
import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator

from lvlm_var_mm.evaluation import TokenMetric
from lvlm_var_mm.models.vst.code_names import VOCABULARY

RISES = VOCABULARY.index('right hand rises')


def sample(ids, label, **fields):
    return dict(pred_tokens=torch.tensor(ids), gt_label=torch.tensor([label]),
                **fields)


def measure(*samples, codebook_size=8):
    metric = TokenMetric(codebook_size=codebook_size)
    metric.process(None, samples[:1])
    metric.process(None, samples[1:])
    return metric.evaluate(len(samples))


def test_use_of_the_codebook():
    figures = measure(sample([0, 0, 1, 1], 0), sample([2, 2, 3, 3], 0))
    assert figures['token/usage'] == 0.5
    assert figures['token/dead_codes'] == 4
    assert figures['token/perplexity'] == pytest.approx(4)
    uneven = measure(sample([0] * 9 + [1], 0))
    h = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert uneven['token/perplexity'] == pytest.approx(math.exp(h))


@pytest.mark.parametrize('ids, flicker, run_length', [
    ([0, 0, 0, 0], 0, 4),
    ([0, 0, 1, 1], 0, 2),  # a change is none
    ([0, 1, 2, 3], 0, 1),
    ([0, 0, 1, 0, 0], 1 / 3, 5 / 3),
    ([0, 1, 0, 1], 1, 1),
    ([0, 1], 0, 1),
    ([0], 0, 1),
])
def test_steadiness(ids, flicker, run_length):
    figures = measure(sample(ids, 0))
    assert figures['token/flicker'] == pytest.approx(flicker)
    assert figures['token/run_length'] == pytest.approx(run_length)


def test_runs_end_with_their_clip():
    figures = measure(sample([0, 0], 0), sample([0, 0], 1))
    assert figures['token/run_length'] == 2


@pytest.mark.parametrize('clips, bits', [
    ([([0, 1], 0), ([2, 3], 1)], 1),  # a code tells the label
    ([([0, 1], 0), ([0, 1], 1)], 0),
    ([([0, 0], 0), ([1, 1], 1), ([2, 2], 2), ([3, 3], 3)], 2),
])
def test_label_information(clips, bits):
    figures = measure(*(sample(*clip) for clip in clips))
    assert figures['token/label_information'] == pytest.approx(bits, abs=1e-9)


def test_names():
    # The hand rises from 1 s to 2 s; the clip covers four steps of a second.
    events = np.array([[RISES, 1.1, 1.9]], np.float32)
    names = torch.tensor([RISES, RISES, -1, -1])
    with_joints = dict(events=events, span=(0., 4.))
    figures = measure(sample([0, 1, 2, 3], 0, pred_names=names,
                             **with_joints))
    assert figures['token/named'] == 0.5
    assert figures['token/names_true'] == 0.5
    # The hand rises in one step of the four.
    assert figures['token/names_chance'] == 0.25
    shifted = measure(sample([0, 1, 2, 3], 0, pred_names=names.roll(1),
                             **with_joints))
    assert shifted['token/names_true'] == 0.5
    # Where there are no joints, nothing can be said of the truth.
    figures = measure(sample([0, 1, 2, 3], 0, pred_names=names))
    assert figures['token/named'] == 0.5
    assert not {'token/names_true', 'token/names_chance'} & set(figures)
    # Two clips, 3 names "rises" (in 1 step of 8) and 1 "sinks" (in 2 of 8).
    sinks = VOCABULARY.index('body sinks')
    figures = measure(
        sample([0, 1, 2, 3], 0, pred_names=torch.tensor(
            [RISES, RISES, RISES, sinks]), **with_joints),
        sample([0, 1, 2, 3], 0, pred_names=torch.full((4, ), -1),
               events=[(sinks, 0.1, 1.9)], span=(0., 4.)))
    assert figures['token/names_chance'] == pytest.approx(
        (3 * 1 / 8 + 2 / 8) / 4)


def test_body_parts_are_sequences_of_their_own():
    parts = torch.tensor([0, 0, 0, 1, 1, 1])
    names = torch.tensor([RISES, -1, -1, -1, -1, RISES])
    figures = measure(sample(
        [0, 0, 1, 0, 1, 1], 0, pred_parts=parts, pred_names=names,
        events=[(RISES, 0.1, 0.9)], span=(0., 3.)))
    assert figures['token/run_length'] == 6 / 4
    assert figures['token/flicker'] == 0  # though 0 1 0 stands in the row
    assert figures['token/named'] == 1 / 3
    assert figures['token/names_true'] == 0.5


def test_gap():
    def scores(before, after):
        return torch.eye(3)[[before, after]]

    figures = measure(
        sample([0], 0, pred_light_scores=scores(0, 0)),
        sample([0], 1, pred_light_scores=scores(1, 0)),
        sample([0], 2, pred_light_scores=scores(2, 2)),
        sample([0], 1, pred_light_scores=scores(2, 2)))
    assert figures['token/continuous_top1'] == 0.75
    assert figures['token/quantised_top1'] == 0.5
    assert figures['token/quantisation_gap'] == 0.25


def test_what_is_not_there_is_left_out():
    plain = measure(sample([0, 1], 0))
    assert set(plain) == {f'token/{key}' for key in (
        'usage', 'dead_codes', 'perplexity', 'run_length', 'flicker',
        'label_information')}
    no_classes = measure(
        sample([0, 1], 0, pred_light_scores=torch.zeros(2, 0)))
    assert set(no_classes) == set(plain)


def test_figures_are_numbers_and_no_losses():
    # MMEngine sums whatever is called a loss, and plots scalars alone.
    figures = measure(sample([0, 1], 0, pred_names=torch.tensor([-1, RISES])))
    assert all(isinstance(v, (int, float)) for v in figures.values())
    assert not any('loss' in key for key in figures)


def test_model_without_tokens():
    with pytest.raises(ValueError, match='pred_tokens.*val_evaluator'):
        TokenMetric(codebook_size=4).process(None, [dict(gt_label=0)])


def test_registered():
    evaluator = Evaluator(dict(type='mmaction.TokenMetric', codebook_size=4))
    assert isinstance(evaluator.metrics[0], TokenMetric)
