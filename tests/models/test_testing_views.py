"""What explains a model works where views are tested a few at a time."""
import copy
import logging
from types import SimpleNamespace

import pytest
import torch
from recognizers import SKELETON, batch, build_for_test, recognizer

from lvlm_var_mm.apis import explain
from lvlm_var_mm.engine import ShowAnswersHook
from lvlm_var_mm.models.tokens import tokens_of


@pytest.fixture
def models(tiny_llava):
    return [build_for_test(recognizer(tiny_llava, test_cfg=cfg))
            for cfg in (None, dict(max_testing_views=2))]


def clips():
    data = batch((3, *SKELETON[1:]), [1, 2])
    return [dict(inputs=i, data_samples=s)
            for i, s in zip(data['inputs'], data['data_samples'])]


def test_explanations_are_the_same(models):
    plain, limited = (explain(model, copy.deepcopy(clips()), [0, 1])
                      for model in models)
    assert [c['answer'] for c in plain] == [c['answer'] for c in limited]
    assert [c['narrative'] for c in plain] == [
        c['narrative'] for c in limited]
    assert plain[1]['score'] == pytest.approx(limited[1]['score'], abs=1e-5)


def test_answers_are_shown(models, caplog):
    runner = SimpleNamespace(
        model=models[1], logger=logging.getLogger('answers'),
        val_dataloader=SimpleNamespace(dataset=clips()))
    with caplog.at_level('INFO', logger='answers'):
        ShowAnswersHook(clips=2).after_val_epoch(runner)
    assert len(caplog.messages) == 2


@torch.no_grad()
def test_tokens_are_the_same(models):
    torch.manual_seed(0)
    inputs = torch.randn(2, 3, *SKELETON[1:])
    plain, limited = (tokens_of(model, inputs) for model in models)
    assert len(plain.ids) == 6 and plain._fields == limited._fields
    for a, b in zip(plain, limited):
        torch.testing.assert_close(a, b)
