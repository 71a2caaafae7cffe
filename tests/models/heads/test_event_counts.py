"""The linear layer on events: trained by the stock Runner on made actions."""
import pickle

import numpy as np
import pytest
import torch
from bodies import measured
from helpers import REPO
from mmengine.config import Config
from mmengine.runner import Runner

from lvlm_var_mm.datasets.transforms import EventStrengths
from lvlm_var_mm.evaluation import EventClassifier
from lvlm_var_mm.kinematics import NAMES, observe_all, strengths
from mmaction.registry import MODELS

CONFIG = 'configs/few_clips/event_counts_nucla_xview.py'
ACTIONS = 8, 9, 10, 23, 24  # sit down, stand up, clap, wave, kick


@pytest.fixture(scope='module')
def clips():
    """(joints, label) of five actions and six performers."""
    return [(measured(a, p), i) for p in range(1, 7)
            for i, a in enumerate(ACTIONS)]


def test_learns_in_a_runner(clips, tmp_path):
    annotations = [dict(frame_dir=f'clip{i}', label=label, keypoint=joints,
                        total_frames=joints.shape[1])
                   for i, (joints, label) in enumerate(clips)]
    names = [a['frame_dir'] for a in annotations]
    (tmp_path / 'clips.pkl').write_bytes(pickle.dumps(dict(
        split=dict(xview_train=names[:20], xview_val=names[20:]),
        annotations=annotations)))
    cfg = Config.fromfile(str(REPO / CONFIG))
    for part in ('train', 'val', 'test'):
        loader = cfg[f'{part}_dataloader']
        loader.dataset.update(ann_file=str(tmp_path / 'clips.pkl'),
                              num_joints=25, class_names=None)
        loader.dataset.pipeline[0].update(layout='ntu25', fps=30)
    cfg.train_dataloader.update(batch_size=10)
    cfg.train_cfg.update(max_epochs=15, val_interval=15)
    cfg.update(work_dir=str(tmp_path / 'work'), launcher='none')
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.test()['acc/top1'] > .8
    told = runner.model.cls_head.heaviest(3, 999)  # waving
    assert len(told) == len(NAMES)
    assert max(w for name, w in told if name.endswith('hand waves')) > 0
    assert runner.model.cls_head.heaviest(3, 2) == told[:2]


def test_starts_undecided():
    model = MODELS.build(Config.fromfile(str(REPO / CONFIG)).model)
    model.init_weights()
    scores = model.eval().cls_head(model.backbone(torch.rand(3, len(NAMES))))
    assert not scores.any()


def test_input():
    row = np.array([[5, 0, 1, 1, 0]], 'f4')
    found = EventStrengths()(dict(
        events=row, decidable=np.ones(len(NAMES), bool)))['keypoint']
    assert found.shape == (1, len(NAMES)) and found[0].nonzero()[0] == [5]
    known = np.zeros(len(NAMES), bool)
    found = EventStrengths()(dict(events=row, decidable=known))['keypoint']
    assert np.isfinite(found).all() and (found > 0).sum() == 1
    with pytest.raises(ValueError, match='put BodyPartEvents before it'):
        EventStrengths()(dict())


@pytest.mark.parametrize('kind', ['linear', 'trees'])
def test_classifier(clips, kind):
    if kind == 'trees':
        pytest.importorskip('sklearn', reason='needs the extra `trees`')
    found = strengths(observe_all([joints for joints, _ in clips]))
    labels = 3 + np.array([label for _, label in clips])
    model = EventClassifier(kind).fit(found[:20], labels[:20])
    assert (model.predict(found[20:]) == labels[20:]).mean() > .8
    logs = model.log_probabilities(found)
    assert logs.shape == (30, 5) and model.classes.tolist() == [3, 4, 5, 6, 7]
    if kind == 'linear':
        assert np.exp(logs).sum(1) == pytest.approx(np.ones(30))


def test_unknown_classifier():
    with pytest.raises(ValueError, match="'soft'; there are linear, trees"):
        EventClassifier('soft')
