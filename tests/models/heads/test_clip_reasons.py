"""Reasons that a head learns, writes and checks."""
import random

import numpy as np
import pytest
import torch
from helpers import CLASSES, head_cfg, make_samples, make_tokens

from lvlm_var_mm.kinematics import check, claims, observation_of
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.models.heads.reasons import LONGEST, ClipReasons
from mmaction.registry import MODELS

NAMES = [name for name, _ in CLASSES]
# What clips of each class do.
DO = ['right hand rises', 'right hand stays at the face', 'knees bend',
      'hands clap']


def rows(*names):
    return np.array([(INDEX[name], i, i + .6, 2, 0)
                     for i, name in enumerate(names)], np.float32)


def clips(number=10):
    return [(label, rows(DO[label], 'body rises'), 1.)
            for label in range(4) for _ in range(number)]


def samples(labels, **meta):
    found = make_samples(labels, **meta)
    for sample, label in zip(found, labels):
        sample.set_metainfo(dict(
            frame_dir=f'clip{label}', events=rows('body rises', DO[label]),
            decidable=np.ones(len(INDEX), bool)))
    return found


def build(folder, **over):
    torch.manual_seed(0)
    return MODELS.build(head_cfg(folder, **over))


def learned(head, found, labels, monkeypatch):
    """The texts that training is given."""
    texts = []
    monkeypatch.setattr(head.prompt, 'reason',
                        lambda name, text: texts.append(text) or [1])
    head.reasons_of(head.prompt, torch.tensor(labels), found)
    return texts


def test_the_events_of_the_clip_are_learned(tiny_llava, monkeypatch):
    head = build(tiny_llava)
    found = samples([0, 2])
    # Until events were counted, descriptions.
    texts = learned(head, found, [0, 2], monkeypatch)
    assert texts == [CLASSES[0][1], CLASSES[2][1]]
    assert head.reasons.fit(clips()) == 40 and head.reasons.fitted
    for _ in range(5):
        for text, sample, name in zip(
                learned(head, found, [0, 2], monkeypatch), found,
                (DO[0], DO[2])):
            assert [f'{c.part} {c.motion}' for c in claims(text)] == [name]
    # Several wordings, drawn by torch; in tests always the same.
    drawn = {learned(head, found, [0, 2], monkeypatch)[0] for _ in range(20)}
    assert len(drawn) > 1
    torch.manual_seed(5)
    first = learned(head, found, [0, 2], monkeypatch)
    torch.manual_seed(5)
    assert learned(head, found, [0, 2], monkeypatch) == first
    head.eval()
    assert len({learned(head, found, [0, 2], monkeypatch)[0]
                for _ in range(5)}) == 1


def test_what_goes_before_them(tiny_llava, monkeypatch):
    head = build(tiny_llava)
    head.reasons.fit(clips())
    own, = learned(head, samples([0], explanation='a glass'), [0],
                   monkeypatch)
    assert own == 'a glass'
    without, = learned(head, make_samples([0]), [0], monkeypatch)
    assert without == CLASSES[0][1]
    # A class without a description is given these, no empty 'because'.
    made, = learned(head, samples([3]), [3], monkeypatch)
    assert 'clap' in made and not CLASSES[3][1]
    head = build(tiny_llava, reasons='class')
    assert learned(head, samples([0]), [0], monkeypatch) == [CLASSES[0][1]]
    with pytest.raises(ValueError, match="`reasons` is 'all'.*clip, class"):
        build(tiny_llava, reasons='all')


def test_counts_are_kept_in_checkpoints(tiny_llava):
    head, other = build(tiny_llava), build(tiny_llava)
    head.reasons.fit(clips())
    state = head.state_dict()
    other.load_state_dict(state)
    assert torch.equal(other.reasons.counts, head.reasons.counts)
    np.testing.assert_array_equal(other.reasons.evidence(),
                                  head.reasons.evidence())
    # Those of more classes are taken, an older version has none, and those
    # of another vocabulary mean something else.
    wide = ClipReasons(7)
    wide.fit(clips())
    few = ClipReasons(4)
    few.load_state_dict(wide.state_dict())
    assert few.counts.shape == wide.counts.shape and few.fitted
    few.load_state_dict({})
    assert not few.fitted
    few.load_state_dict(dict(counts=torch.ones(7, 3), totals=torch.ones(7)))
    assert not few.fitted and few.write(0, samples([0])[0]) is None


@pytest.mark.parametrize('number', [2, 7])
def test_counts_anew_after_a_checkpoint_of_other_classes(number):
    saved = ClipReasons(number)
    saved.fit([(label % number, *rest) for label, *rest in clips()])
    reasons, average = ClipReasons(4), ClipReasons(4)
    for each in (reasons, average):
        each.load_state_dict(saved.state_dict())
        each.evidence()
    assert reasons.fit(clips()) == 40
    average.set_counts(reasons.counts, reasons.totals)
    for each in (reasons, average):
        assert each.totals.tolist() == [10] * 4
        assert each.counts.shape == (4, len(INDEX))
        assert each.evidence().shape == (4, len(INDEX))
        assert 'clap' in each.write(3, samples([3])[0])
    assert reasons.fit([]) == 0 and not reasons.fitted


def test_a_checkpoint_fits_whatever_is_learned(tiny_llava, monkeypatch):
    clip, described = build(tiny_llava), build(tiny_llava, reasons='class')
    clip.reasons.fit(clips())
    described.load_state_dict(clip.state_dict(), strict=True)
    texts = learned(described, samples([0]), [0], monkeypatch)
    assert texts == [CLASSES[0][1]]
    clip.load_state_dict(described.state_dict(), strict=True)
    assert clip.reasons.fitted


def test_no_reason_is_longer_than_the_longest(tiny_llava):
    """That which memory is estimated by."""
    rng, reasons = random.Random(0), ClipReasons(4)
    reasons.fit(clips())
    for i in range(100):
        sample, = make_samples([0], frame_dir=str(i))
        sample.set_metainfo(dict(events=rows(*rng.sample(list(INDEX), 9)),
                                 decidable=np.ones(len(INDEX), bool)))
        assert len(reasons.write(0, sample, i).split()) <= len(LONGEST.split())


# ----------------------------------------------------------------- written
@pytest.fixture
def writer(tiny_llava, monkeypatch):
    """A head that says so much of every clip."""
    head = build(tiny_llava, explain=dict(verify=False)).eval()
    text = 'The right hand rises, then the head nods.'
    monkeypatch.setattr(head, 'generate', lambda inputs, labels, _: [
        (NAMES[i], text) for i in labels])
    return head, text


@torch.no_grad()
def test_every_tested_clip_has_a_checked_reason(writer):
    head, text = writer
    found = samples([0, 2])
    found[1].set_metainfo(dict(events=None))
    for sample in head.predict(make_tokens([4, 4, 3, 3]), found):
        assert sample.pred_reason == sample.pred_raw_reason == text
        assert sample.pred_reason_seconds > 0
        assert [c for c, _ in sample.pred_claims] == ['right hand rises',
                                                      'head nods']
    assert [t for _, t in found[0].pred_claims] == [True, False]
    assert [t for _, t in found[1].pred_claims] == [None, None]
    assert {'pred_reason', 'pred_claims'} <= set(found[0].to_dict())


@torch.no_grad()
def test_verified_reasons_say_nothing_false(writer):
    head, text = writer
    head.explain = dict(verify=True)
    sample, = head.predict(make_tokens([4]), samples([0]))
    assert sample.pred_raw_reason == text
    assert sample.pred_reason == 'The right hand rises.'
    assert sample.pred_claims == [('right hand rises', True)]


@torch.no_grad()
def test_without_explain_nothing_is_written(tiny_llava, monkeypatch):
    head = build(tiny_llava).eval()
    monkeypatch.setattr(head, 'generate', None)
    assert 'pred_reason' not in head.predict(make_tokens([4]), samples([0])
                                             )[0]


def test_the_reason_of_a_part_is_true_of_the_whole():
    """Its times are those of the part."""
    reasons = ClipReasons(4)
    reasons.fit(clips())
    sample, = samples([1], span=(.9, 1.7))
    seen = observation_of(sample.events, sample.decidable)
    for draw in range(8):
        text = reasons.write(1, sample, draw)
        assert all(check(c, seen) for c in claims(text))
        assert not any(w in text for w in ('at the start', 'at first'))
