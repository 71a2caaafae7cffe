"""A checkpoint of another model is refused, not filled up with random
weights."""
from pathlib import Path

import pytest
import torch
from helpers import REPO, write_nucla
from mmengine.config import Config
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from lvlm_var_mm.checkpoint.strict import another_model_refused
from mmaction.registry import MODELS

CONFIG = str(REPO / 'configs/baselines/stgcnpp_nucla_xview.py')


@pytest.fixture(scope='module')
def weights():
    return MODELS.build(Config.fromfile(CONFIG).model).state_dict()


@pytest.fixture
def test(run_tool, weights, tmp_path, monkeypatch):
    """Return a function that tests the weights that it is given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('NUCLA_PKL', str(write_nucla(tmp_path / 'nucla.pkl')))

    def test(**change):
        state = {k: v for k, v in {**weights, **change}.items()
                 if v is not None}
        torch.save(dict(state_dict=state), 'a.pth')
        return run_tool('test.py', CONFIG, 'a.pth', '--cfg-options',
                        'test_dataloader.num_workers=0',
                        'test_dataloader.persistent_workers=False')

    return test


def test_same_model(test):
    assert test().code == 0


@pytest.mark.parametrize('change, words', [
    (dict([('cls_head.fc.weight', None), ('cls_head.fc.bias', None)]),
     '2 weights of the model are not in it: cls_head.fc.weight, '
     'cls_head.fc.bias'),
    ({'backbone.data_bn.weight': torch.ones(102)},
     '1 weights have another shape: backbone.data_bn.weight [102], model '
     '[120]')])
def test_another_model(test, change, words):
    said = test(**change)
    error, = said.errors
    assert said.code == 2
    assert 'a.pth is of another model' in error and words in error
    assert 'the config that it was trained with' in error


def test_surplus_weights_of_a_stock_model_are_logged(test):
    said = test(**{'aux_head.weight': torch.ones(1)})
    assert said.code == 0, said.err
    log, = Path('work_dirs').rglob('*.log')
    assert '1 weights are not of the model: aux_head.weight' in (
        log.read_text())


@pytest.mark.parametrize('surplus', [False, True])
def test_all_differences_are_told(surplus):
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))
    state = model.state_dict()
    state['0.weight'] = torch.ones(1)
    state['odd'] = state.pop('1.bias')
    with pytest.raises(ValueError) as error:
        with another_model_refused('x.pth', surplus):
            load_state_dict(model, state, strict=True)
    for words in ('x.pth', '1.bias', '0.weight [1], model [3, 2]', 'odd'):
        assert words in str(error.value)


def test_other_faults_stay_as_they_are():
    with pytest.raises(RuntimeError, match='out of memory'):
        with another_model_refused('x.pth'):
            raise RuntimeError('out of memory')
