"""Zero-shot: the metric against its definitions, the config's protocol."""
import pytest
import torch
from helpers import REPO
from mmengine.config import Config

from lvlm_var_mm.evaluation import ZeroShotMetric
from mmaction.registry import METRICS

CONFIG = REPO / 'configs/zero_shot/lvlmvar_nucla_xsub.py'


def evaluate(scores, labels, **cfg):
    metric = METRICS.build(dict(type='ZeroShotMetric', **cfg))
    metric.process(None, [
        dict(pred_score=score, gt_label=torch.tensor([label]))
        for score, label in zip(torch.as_tensor(scores), labels)
    ])
    found = metric.evaluate(len(labels))
    return {key.split('/')[1]: value for key, value in found.items()}


# Classes 2 and 3 are unseen.
SCORES = [
    [.6, .2, .1, .1],  # 0, right
    [.3, .4, .1, .2],  # 0, wrong
    [.1, .4, .4 + .1, .0],  # 1, right among the seen only
    [.4, .1, .3, .2],  # 2, right among the unseen only
    [.1, .1, .2, .6],  # 3, right
    [.2, .1, .4, .3],  # 3, wrong
    [.5, .1, .1, .3],  # 3, right among the unseen only
]
LABELS = [0, 0, 1, 2, 3, 3, 3]


def test_by_hand():
    found = evaluate(SCORES, LABELS, unseen=[3, 2])
    assert found['unseen_top1'] == pytest.approx((1 + 2 / 3) / 2)
    assert found['seen_top1'] == pytest.approx((1 / 2 + 1) / 2)
    unseen, seen = (0 + 1 / 3) / 2, (1 / 2 + 0) / 2
    assert found['generalised_unseen'] == pytest.approx(unseen)
    assert found['generalised_seen'] == pytest.approx(seen)
    assert found['harmonic_mean'] == pytest.approx(
        2 * unseen * seen / (unseen + seen))


def test_penalty():
    """Of the seen classes' log-probabilities: log(.4 / .3) < .3 < ..."""
    found = evaluate(SCORES, LABELS, unseen=[2, 3], seen_penalty=.3)
    assert found['generalised_unseen'] == pytest.approx((1 + 1 / 3) / 2)
    assert evaluate(SCORES, LABELS, unseen=[2, 3], seen_penalty=99.)[
        'generalised_unseen'] == pytest.approx(found['unseen_top1'])
    assert evaluate(SCORES, LABELS, unseen=[2, 3], seen_penalty=-99.)[
        'harmonic_mean'] == 0


def test_area():
    """Against every penalty in turn."""
    torch.manual_seed(0)
    labels = [i % 5 for i in range(60)]
    scores = (torch.randn(60, 5) +
              torch.eye(5)[labels]).softmax(1)
    points = [evaluate(scores, labels, unseen=[1, 4], seen_penalty=p)
              for p in torch.linspace(-8, 8, 2001).tolist()]
    u = torch.tensor([p['generalised_unseen'] for p in points])
    s = torch.tensor([p['generalised_seen'] for p in points])
    assert points[0]['ausuc'] == pytest.approx(
        float(torch.trapezoid(s, u)), abs=2e-3)
    right = torch.eye(5)[labels]
    assert evaluate(right, labels, unseen=[1, 4])['ausuc'] == pytest.approx(1)


@pytest.mark.parametrize('labels, word', [([0, 1], 'unseen'), ([2], 'seen')])
def test_one_kind_alone(labels, word):
    with pytest.raises(ValueError, match=f'no clips of {word} classes'):
        evaluate(SCORES[:len(labels)], labels, unseen=[2, 3])


def test_no_unseen():
    with pytest.raises(ValueError, match='lists no label'):
        ZeroShotMetric([])


@pytest.mark.parametrize('rotation', range(3))
def test_config(rotation, monkeypatch):
    monkeypatch.setenv('ROTATION', str(rotation))
    cfg = Config.fromfile(CONFIG)
    unseen = cfg.model.cls_head.unseen
    assert len(unseen) == 3
    assert all(label % 3 == rotation for label in unseen)
    assert sorted([*unseen, *cfg.train_dataloader.dataset.only]) == list(
        range(10))
    assert cfg.train_dataloader.dataset.split == 'xsub_train'
    assert cfg.test_dataloader.dataset.split == 'xsub_val'
    assert cfg.test_dataloader.dataset.get('only') is None
    assert cfg.test_evaluator[0].unseen == unseen
