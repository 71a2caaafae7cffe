"""Initial weights of another backbone are refused, a new classifier is not."""
from types import SimpleNamespace

import pytest
from torch import nn

from lvlm_var_mm.checkpoint.initial import backbone_problem
from lvlm_var_mm.engine import InitialWeightsHook


def model(width=4, classes=3, channels=2):
    return nn.ModuleDict(dict(
        backbone=nn.Sequential(nn.Conv1d(channels, width, 1), nn.ReLU(),
                               nn.Conv1d(width, width, 1),
                               nn.BatchNorm1d(width)),
        cls_head=nn.Linear(width, classes)))


def load(checkpoint):
    InitialWeightsHook().after_load_checkpoint(
        SimpleNamespace(model=model(), _load_from='there.pth'), checkpoint)


@pytest.mark.parametrize('over', [
    dict(), dict(classes=5), dict(channels=9)])
def test_takes(over):
    load(dict(state_dict=model(**over).state_dict()))
    load({f'module.{k}': v for k, v in model(**over).state_dict().items()})


def test_refuses_another_width():
    with pytest.raises(ValueError, match=(
            r'there\.pth: its backbone is another one: 8 of 8 weights .*'
            r'backbone\.0\.bias \(8,\), model \(4,\); set `model')):
        load(dict(state_dict=model(width=8).state_dict()))


def test_refuses_what_has_no_backbone():
    with pytest.raises(ValueError, match='no weight of the backbone'):
        load(nn.Linear(2, 2).state_dict())


def test_a_model_without_backbone_takes_anything():
    assert backbone_problem(model().state_dict(), nn.Linear(2, 2)) is None
