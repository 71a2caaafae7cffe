"""What descriptions claim, beside the scores of a model, in tests."""
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import NUCLA, REPO, make_samples
from mmengine.config import Config
from mmengine.runner import Runner

from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.engine.claim_scores import (ClaimOpinion, ClaimScoresHook,
                                             give_opinion)
from lvlm_var_mm.engine.reasons import events_of
from lvlm_var_mm.kinematics import KINDS, NAMES, ClaimScorer
from lvlm_var_mm.kinematics.strengths import strengths_of_rows
from mmaction.models.heads import GCNHead
from mmaction.registry import DATASETS

CONFIG = 'configs/few_clips/event_counts_nucla_xview.py'
RISES, NODS = (NAMES.index(n) for n in ('left hand rises', 'head nods'))


def samples_of(*kinds, scores=(.5, .5)):
    samples = make_samples([0] * len(kinds))
    for sample, kind in zip(samples, kinds):
        size = KINDS[kind].size
        sample.set_metainfo(dict(
            events=np.array([[kind, 0, 1, size, 0]], 'f4'),
            decidable=np.ones(len(NAMES), bool)))
        sample.set_pred_score(torch.tensor(scores))
    return samples


SCORER = ClaimScorer(['one hand rises', 'the head nods'])


def test_claims_decide_alone():
    said = ClaimOpinion(SCORER)(samples_of(RISES, NODS, scores=(.1, .9)))
    assert [int(s.pred_label) for s in said] == [0, 1]
    for sample in said:
        assert float(sample.pred_score.sum()) == pytest.approx(1)
        assert sample.pred_claim_score.shape == (2, )


def test_weight():
    scores = .1, .9
    none = ClaimOpinion(SCORER, 0.)(samples_of(RISES, scores=scores))[0]
    assert none.pred_score.tolist() == pytest.approx(scores)
    some = ClaimOpinion(SCORER, 1.)(samples_of(RISES, scores=scores))[0]
    lead = some.pred_claim_score[0] - some.pred_claim_score[1]
    odds = torch.log(some.pred_score[0] / some.pred_score[1])
    assert float(odds) == pytest.approx(np.log(1 / 9) + float(lead), rel=1e-5)
    much = ClaimOpinion(SCORER, 99.)(samples_of(RISES, scores=scores))[0]
    assert int(much.pred_label) == 0


def test_refusals():
    bare = make_samples([0])
    bare[0].set_pred_score(torch.tensor([.5, .5]))
    with pytest.raises(ValueError, match="pipeline, and 'events' and 'deci"):
        ClaimOpinion(SCORER)(bare)
    with pytest.raises(ValueError, match='scores 3 classes.* are of 2'):
        ClaimOpinion(SCORER, 1.)(samples_of(RISES, scores=(.2, .3, .5)))
    runner = SimpleNamespace(model=SimpleNamespace(cls_head=GCNHead(2, 4)))
    with pytest.raises(ValueError, match='GCNHead has no class list'):
        ClaimScoresHook().before_test(runner)


def test_a_new_opinion_replaces_the_former():
    head = GCNHead(2, 4)
    for weight in (0., None):
        give_opinion(head, ClaimOpinion(SCORER, weight))
        said = head.predict_by_feat(torch.tensor([[0., 5.]]),
                                    samples_of(RISES))[0]
        assert int(said.pred_label) == (1 if weight == 0 else 0)


def write_clips(path):
    """Ten clips in which nobody is to be seen to do anything, with events."""
    rng = np.random.default_rng(0)
    clips = [dict(frame_dir=f'clip{i}', label=i % 10, total_frames=20,
                  keypoint=rng.normal(size=(1, 20, 20, 3)).astype('f4'))
             for i in range(20)]
    names = [clip['frame_dir'] for clip in clips]
    path.write_bytes(pickle.dumps(dict(
        split=dict(xview_train=names[:10], xview_val=names[10:]),
        annotations=clips)))
    return path


def test_in_a_runner(tmp_path):
    """A stock recognizer tested by claims, with base rates of the training
    set and without one."""
    cfg = Config.fromfile(str(REPO / CONFIG))
    data = str(write_clips(tmp_path / 'clips.pkl'))
    for part in ('train', 'val', 'test'):
        cfg[f'{part}_dataloader'].dataset.ann_file = data
    cfg.update(work_dir=str(tmp_path / 'work'), launcher='none')
    cfg.custom_hooks = [dict(type='ClaimScoresHook', class_names='nucla')]
    runner = Runner.from_cfg(cfg)
    assert 0 <= runner.test()['acc/top1'] <= 1
    cfg.train_dataloader.dataset.ann_file = str(tmp_path / 'none.pkl')
    hook = ClaimScoresHook(class_names='nucla')
    runner.cfg = cfg
    hook.before_test(runner)  # says so, and goes on
    assert runner.test()


def test_base_rates_of_any_training_set(tmp_path):
    """In wrappers and of cached tokens alike."""
    data = str(write_clips(tmp_path / 'clips.pkl'))
    plain = Config.fromfile(str(REPO / CONFIG)).train_dataloader.dataset
    plain.ann_file = data
    dataset = DATASETS.build(plain)
    known = [events_of(dataset, i) for i in range(len(dataset))]
    save_tokens(str(tmp_path / 'tokens.npz'), None, [dict(
        label=k.label, codes=np.zeros((1, 3), int), meta=[dict(
            events=k.events, decidable=k.decidable)]) for k in known])
    tokens = dict(type='TokenDataset', ann_file=str(tmp_path / 'tokens.npz'))
    expected = np.stack([strengths_of_rows(k.events, k.decidable)
                         for k in known])
    for cfg, number in (
            (plain, 1), (dict(type='RepeatDataset', times=3, dataset=plain),
                         1), (dict(type='ConcatDataset',
                                   datasets=[plain, plain]), 2), (tokens, 1)):
        found = ClaimScoresHook()._base(SimpleNamespace(cfg=Config(dict(
            train_dataloader=dict(dataset=cfg)))))
        np.testing.assert_array_equal(found, np.concatenate(
            [expected] * number))


@pytest.mark.parametrize('weight', [[], ['.5']])
def test_tool(tmp_path, run_tool, monkeypatch, weight):
    data = write_clips(tmp_path / 'clips.pkl')
    monkeypatch.setenv('NUCLA_PKL', str(data))
    cfg = Config.fromfile(str(REPO / CONFIG))
    cfg.work_dir = str(tmp_path / 'work')
    runner = Runner.from_cfg(cfg)
    checkpoint = tmp_path / 'model.pth'
    torch.save(dict(state_dict=runner.model.state_dict()), checkpoint)
    names = tmp_path / 'names.txt'
    names.write_text('\n'.join(f'class {i} | one hand rises'
                               for i in range(12)))
    done = run_tool('test.py', REPO / CONFIG, checkpoint, '--claims', *weight,
                    '--classes', names, '--work-dir', tmp_path / 'work')
    if weight:  # beside a model of ten fixed classes
        assert done.code == 2 and 'does not score class names' in done.err
    else:
        assert done.code == 0, done.err
        assert 'acc/top1' in done.out


def test_tool_refuses_a_word(tmp_path, run_tool):
    checkpoint = tmp_path / 'model.pth'
    torch.save(dict(state_dict={}), checkpoint)
    done = run_tool('test.py', REPO / CONFIG, checkpoint, '--claims', 'much')
    assert done.code == 2 and 'must be a number' in done.err


@pytest.mark.nucla
def test_unseen_classes(run_tool):
    if not NUCLA.is_file():
        pytest.skip(f'no {NUCLA}: set NUCLA_PKL')
    done = run_tool('perf/zero_shot.py', '--data', NUCLA)
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert len(figures['unseen']) == 3 and figures['clips'] == 760
    assert figures['mean_unseen'] > 50 > figures['means']['chance']
    assert figures['harmonic_mean'] > 30
