"""Answers are shown, and training does not notice."""
import logging
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lvlm_var_mm.engine import ShowAnswersHook, show_answers
from mmaction.registry import HOOKS


@pytest.fixture
def runner():
    """What the hook asks of a Runner; the model keeps a part frozen."""
    model = torch.nn.Module()
    model.cls_head = torch.nn.Linear(1, 1)
    model.cls_head.active = True
    model.frozen = torch.nn.BatchNorm1d(1).eval()
    assert model.training and not model.frozen.training
    return SimpleNamespace(
        model=model, logger=logging.getLogger('answers'),
        val_dataloader=SimpleNamespace(dataset=list(range(20))))


@pytest.fixture
def asked(monkeypatch):
    """The clips of each call of ``explain``, which leaves a mess."""
    calls = []

    def explain(model, dataset, indices):
        calls.append(indices)
        model.train()
        torch.rand(1), random.random(), np.random.rand()
        return [dict(name=f'clip {i}', answer='drink', score=.5, truth='sit',
                     reason='a hand rises') for i in indices]

    monkeypatch.setattr(show_answers, 'explain', explain)
    return calls


def state(runner):
    return ([m.training for m in runner.model.modules()],
            torch.random.get_rng_state().tolist(), random.getstate(),
            np.random.get_state()[1].tolist())


def test_answers_are_logged(runner, asked, caplog):
    hook = HOOKS.build(dict(type='ShowAnswersHook', clips=2))
    before = state(runner)
    with caplog.at_level(logging.INFO):
        hook.after_val_epoch(runner)
        hook.after_val_epoch(runner)
    assert state(runner) == before
    assert len(asked) == 2 and asked[0] == asked[1] and len(asked[0]) == 2
    assert len(caplog.messages) == 4
    for word in ('drink', '0.50', 'sit', 'a hand rises'):
        assert word in caplog.messages[0]


def test_state_is_put_back_after_a_failure(runner, monkeypatch):

    def fail(model, *_):
        model.eval()
        torch.rand(1)
        raise RuntimeError('out of memory')

    monkeypatch.setattr(show_answers, 'explain', fail)
    before = state(runner)
    with pytest.raises(RuntimeError, match='out of memory'):
        ShowAnswersHook().after_val_epoch(runner)
    assert state(runner) == before


def test_when_it_is_silent(runner, asked):
    hook = ShowAnswersHook(interval=3)
    for _ in range(7):
        hook.after_val_epoch(runner)
    assert len(asked) == 3
    runner.model.cls_head.active = False
    ShowAnswersHook().after_val_epoch(runner)
    assert len(asked) == 3
    with pytest.raises(ValueError, match='interval'):
        ShowAnswersHook(interval=0)
