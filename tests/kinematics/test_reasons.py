"""Reasons tell true events that speak for the class; other words claim the
same."""
import numpy as np
import pytest
from bodies import made, measured

from lvlm_var_mm.kinematics import (KINDS, check, claims, observe, observe_all,
                                    phrasings)
from lvlm_var_mm.kinematics.language import PLURALS, plural
from lvlm_var_mm.kinematics.reasons import kinds_of, log_odds, write_reason
from lvlm_var_mm.synthetic.motion import MOTIONS

WORDINGS = [(kind, words) for kind in KINDS for words in
            phrasings.OTHER_WORDS.get(
                f'{kind.part.split()[-1]} {kind.motion}', ())]


@pytest.fixture(scope='module')
def sample():
    """(label, observation) of each clip of the made sample, and the evidence
    of its classes."""
    seen = [o for performer in (1, 2, 3, 4)
            for o in observe_all(made(performers=(performer, )))]
    labels = list(range(len(MOTIONS))) * 4
    counts = np.zeros((len(MOTIONS), len(KINDS)))
    for label, observation in zip(labels, seen):
        counts[label] += kinds_of(observation)
    evidence = log_odds(counts, np.full(len(MOTIONS), 4))
    return list(zip(labels, seen)), evidence


def test_each_wording_is_of_some_kind_and_claims_the_same():
    named = {f'{kind.part.split()[-1]} {kind.motion}' for kind in KINDS}
    assert set(phrasings.OTHER_WORDS) <= named
    extras = [e.format(seconds=2) for e in (
        *phrasings.FAR, *phrasings.NEAR, *phrasings.FAST, *phrasings.SLOW,
        *phrasings.BRIEF, *phrasings.LONG, *phrasings.OFTEN,
        *sum(phrasings.TIMES.values(), ()), *sum(phrasings.WHEN, ()))]
    for i, (kind, words) in enumerate(WORDINGS):
        for extra in ('', f' {extras[i % len(extras)]}'):
            said = claims(f'the {kind.part} {words}{extra}')
            assert [c[:] for c in said] == [(kind.part, kind.motion, False)]
        side, _, noun = kind.part.partition(' ')
        if noun in PLURALS:
            said = claims(f'both {PLURALS[noun]} {plural(words)}')
            assert [c[:2] for c in said] == [(f'both {PLURALS[noun]}',
                                              kind.motion)]
    for extra in extras:
        assert not claims(extra)


def test_every_claim_is_true(sample):
    clips, evidence = sample
    told = empty = 0
    for i, (label, seen) in enumerate(clips):
        for draw in range(2):
            text = write_reason(evidence[label], seen, f'clip{i}', draw)
            truths = [check(c, seen) for c in claims(text)]
            assert truths.count(True) == len(truths), text
            told += len(truths)
            empty += not truths
            assert not text or text[0].isupper() and text[-1] == '.'
    assert told > 3 * len(clips) and empty < len(clips) / 10


def test_equal_keys_and_draws_give_equal_texts(sample):
    (label, seen), evidence = sample[0][0], sample[1]
    texts = [write_reason(evidence[label], seen, key, draw)
             for key in 'ab' for draw in (0, 0, 1, 2, 3)]
    assert texts[0] == texts[1] and len(set(texts)) > 3


def test_what_speaks_for_the_class_is_told():
    seen = observe(measured(6)[:1])  # pick up: sinks, rises, bends ...
    kinds = {e.name for e in seen.events}
    assert len(kinds) > 3
    for name in ('body sinks', 'body rises'):
        assert name in kinds
        evidence = np.array([3. * (k.name == name) for k in KINDS])
        texts = [write_reason(evidence, seen, 'a', i) for i in range(4)]
        assert {f'{c.part} {c.motion}' for t in texts for c in claims(t)
                } == {name}
    # Where nothing speaks, what is true is told.
    assert len(claims(write_reason(0 * evidence, seen))) > 1
    assert write_reason(evidence, observe(0 * measured(6))) == ''


def test_evidence():
    counts = np.array([[40., 20, 2, 0], [0, 20, 0, 40], [2, 20, 0, 3]])
    found = log_odds(counts, [40, 40, 40])
    assert found[0, 0] > 2 and found[1, 3] > 2 and found[1, 0] == 0
    assert abs(found[:, 1]).max() < .1
    assert found[0, 2] == 0  # too few, though in no other class
    assert log_odds(counts, [40, 40, 40], smoothing=10)[0, 0] < found[0, 0]
