"""Events of the training clips are counted before training."""
import logging
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from torch import nn

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.datasets import SkeletonDataset, TokenDataset
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.engine import reasons as module
from lvlm_var_mm.engine.reasons import ClipReasonsHook, chosen, events_of
from lvlm_var_mm.kinematics import KINDS, NAMES
from lvlm_var_mm.kinematics.vocabulary import SIDES
from lvlm_var_mm.models.heads.reasons import ClipReasons
from lvlm_var_mm.synthetic.performance import perform

ACTIONS = 1, 6, 24
EVENTS = [dict(type='BodyPartEvents', layout='ntu25')]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / 'clips.pkl'
    path.write_bytes(pickle.dumps([
        dict(frame_dir=f'a{a}p{p}', label=i, explanation='so' * (p == 1),
             keypoint=perform(a, p, 1)[:1].astype(np.float32))
        for i, a in enumerate(ACTIONS) for p in (1, 2, 3)]))
    return str(path)


def runner_of(dataset):
    model = nn.Module()
    model.cls_head = nn.Module()
    model.cls_head.reasons = ClipReasons(3)
    model.cls_head.classes = load_classes([('drink', 'a hand'), 'pick', 'x'])
    return SimpleNamespace(
        model=model, hooks=[], logger=logging.getLogger('reasons'),
        train_dataloader=SimpleNamespace(dataset=dataset))


@pytest.mark.parametrize('wrap', [
    lambda d: d, lambda d: RepeatDataset(d, 2), lambda d: ConcatDataset([d])])
def test_counted_and_said(path, caplog, wrap):
    runner = runner_of(wrap(SkeletonDataset(path, EVENTS)))
    with caplog.at_level(logging.INFO):
        ClipReasonsHook().before_train(runner)
    reasons = runner.model.cls_head.reasons
    assert reasons.totals.tolist() == [3, 3, 3] and reasons.counts.sum() > 20
    for words in ('of 9 clips', '3 have an `explanation`', '9 have body-part',
                  '1 of 3 classes'):
        assert words in caplog.text


def test_without_joints_descriptions_are_said(path, caplog):
    runner = runner_of(SkeletonDataset(path, []))
    with caplog.at_level(logging.INFO):
        ClipReasonsHook().before_train(runner)
    assert not runner.model.cls_head.reasons.fitted
    assert '0 have body-part events' in caplog.text
    assert 'clips get the description' in caplog.text


def test_descriptions_alone(path):
    runner = runner_of(SkeletonDataset(path, EVENTS))
    runner.model.cls_head.reasons = ClipReasons(3, used=False)
    ClipReasonsHook().before_train(runner)
    assert not runner.model.cls_head.reasons.fitted


def test_some_clips_of_each_class(path):
    dataset = SkeletonDataset(path, EVENTS)
    some = chosen(dataset, 2)
    assert len(some) == 6 and chosen(dataset, 2) == some
    labels = [events_of(*clip)[0] for clip in some]
    assert labels == [0, 0, 1, 1, 2, 2]


def test_corrupt_clips_are_left_out(path, monkeypatch):
    dataset = SkeletonDataset(path, EVENTS)
    info = dataset.get_data_info(0)
    monkeypatch.setattr(dataset, 'get_data_info', lambda i: (
        _ for _ in ()).throw(module.CorruptSampleError('a1', 'nothing')))
    assert events_of(dataset, 0) is None
    assert info['label'] == 0


def test_cached_tokens_bring_them(tmp_path):
    path = tmp_path / 'tokens.npz'
    events = np.array([[0, 0, 1, 1, 0]], np.float32)
    decidable = np.ones(len(KINDS), bool)
    save_tokens(str(path), None, [dict(
        label=1, codes=np.zeros((2, 3), int),
        meta=[dict(events=events, decidable=decidable)] * 2)])
    dataset = TokenDataset(str(path))
    np.testing.assert_array_equal(events_of(dataset, 0).decidable, decidable)
    runner = runner_of(dataset)
    ClipReasonsHook().before_train(runner)
    assert runner.model.cls_head.reasons.totals.tolist() == [0, 1, 0]


def test_a_stock_head_has_none(path):
    runner = runner_of(SkeletonDataset(path, EVENTS))
    del runner.model.cls_head.reasons
    ClipReasonsHook().before_train(runner)


def test_clips_that_training_mirrors_count_for_both_sides(path):
    """Else nothing of the left hand would speak for what right hands do."""
    def evidence(*more):
        runner = runner_of(SkeletonDataset(path, [*EVENTS, *more]))
        ClipReasonsHook().before_train(runner)
        return runner.model.cls_head.reasons

    mirror = dict(type='MirrorSkeleton3D', layout='ntu25')
    plain, both = evidence(), evidence(mirror)
    sides = [[NAMES.index(f'{side} hand rises') for side in SIDES],
             [NAMES.index(f'{side} foot kicks') for side in SIDES]]
    for left, right in sides:
        assert (plain.counts[:, left] != plain.counts[:, right]).any()
        assert (both.counts[:, left] == both.counts[:, right]).all()
    assert both.totals.tolist() == plain.totals.tolist() == [3, 3, 3]
    # What has no side counts as before: no clip is counted twice.
    whole = NAMES.index('torso bends forward')
    assert (both.counts[:, whole] == plain.counts[:, whole]).all()
    assert plain.counts[:, whole].any()
    off = evidence(dict(**mirror, prob=0.))
    assert (off.counts == plain.counts).all()


def test_a_clip_whose_explanation_names_a_side_counts_for_that_side(path):
    clips = pickle.loads(open(path, 'rb').read())
    for clip in clips:
        clip['explanation'] = 'The right one does it.'
    open(path, 'wb').write(pickle.dumps(clips))
    runners = [runner_of(SkeletonDataset(path, [*EVENTS, *more])) for more in (
        [], [dict(type='MirrorSkeleton3D', layout='ntu25')])]
    for runner in runners:
        ClipReasonsHook().before_train(runner)
    plain, mirror = (r.model.cls_head.reasons.counts for r in runners)
    assert (plain == mirror).all()
