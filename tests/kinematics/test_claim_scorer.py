"""Classes scored by the claims of their descriptions."""
import numpy as np
import pytest
from bodies import body, measured

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.kinematics import (KINDS, NAMES, Claim, ClaimScorer, check,
                                    claim_strength, claims, observe,
                                    observe_all, strengths)
from lvlm_var_mm.kinematics.claim_scorer import choose_settings
from lvlm_var_mm.kinematics.strengths import strengths_of_rows
from lvlm_var_mm.synthetic.motion import MOTIONS

# Of the made actions, as the class list has them.
ACTIONS = [a for a in sorted(MOTIONS) if a < 50]  # of one person
TEXTS = [load_classes('ntu60').descriptions[a - 1] for a in ACTIONS]


@pytest.fixture(scope='module')
def made():
    """Strengths and labels of the made actions, of five performers each."""
    clips = [(i, measured(a, p)) for i, a in enumerate(ACTIONS)
             for p in range(1, 6)]
    return (strengths(observe_all([k for _, k in clips])),
            np.array([i for i, _ in clips]))


def row(name, magnitude):
    return [NAMES.index(name), 0, 1, magnitude, 0]


ALL = np.ones(len(NAMES), bool)


def test_strengths():
    size = KINDS[NAMES.index('left hand rises')].size
    events = [row('left hand rises', size), row('left hand rises', 3 * size),
              row('left hand stays at the face', .1)]
    decidable = np.ones(len(NAMES), bool)
    decidable[NAMES.index('head nods')] = False
    found = strengths_of_rows(events, decidable)
    assert found[NAMES.index('left hand rises')] == pytest.approx(3)
    assert found[NAMES.index('left hand stays at the face')] == 3  # 2 + 1 s
    assert found[NAMES.index('right hand rises')] == 0
    assert np.isnan(found[NAMES.index('head nods')])


def test_strength_of_a_claim():
    found = strengths_of_rows([row('left hand rises', .5)], ALL)[None]
    assert claim_strength(Claim('hand', 'rises'), found) == 2
    assert claim_strength(Claim('both hands', 'rises'), found) == 0
    assert claim_strength(Claim('left hand', 'rises', True), found) == -2
    assert claim_strength(Claim('left hand', 'stays still'), found) == -2
    assert claim_strength(Claim('left hand', 'moves'), found) == 2
    assert claim_strength(Claim('right hand', 'stays still'), found) == 0
    found[0, NAMES.index('right hand rises')] = np.nan
    assert claim_strength(Claim('hand', 'rises'), found) == 2
    assert np.isnan(claim_strength(Claim('both hands', 'rises'), found))
    assert np.isnan(claim_strength(Claim('right hand', 'rises'), found))
    with pytest.raises(ValueError, match="no 'flies' of 'hand'"):
        claim_strength(Claim('hand', 'flies'), found)


def test_strength_says_what_check_says():
    """Of each kind of claim, also where nothing can be decided."""
    seen = [observe(measured(a)) for a in MOTIONS] + [observe(body())]
    found = strengths(seen)
    texts = load_classes('ntu120').descriptions
    for claim in dict.fromkeys(sum(map(claims, texts), [])):
        told = claim_strength(claim, found)
        denied = claim.negated != (claim.motion == 'stays still')
        for value, observation in zip(told, seen):
            truth = check(claim, observation)
            if truth is None:
                assert np.isnan(value), claim
            elif not np.isnan(value):
                assert (value >= 0 if denied else value > 0) == truth, claim


@pytest.mark.parametrize('evidence', ['graded', 'truth'])
@pytest.mark.parametrize('standardise', [True, False])
def test_made_actions_are_told_apart(made, evidence, standardise):
    found, labels = made
    scores = ClaimScorer(TEXTS, evidence, standardise).fit(found)(found)
    assert (scores.argmax(1) == labels).mean() > .7


def test_without_a_base(made):
    found, labels = made
    scores = ClaimScorer(TEXTS)(found)
    assert (scores.argmax(1) == labels).mean() > .5
    # One claim, at even odds.
    true = strengths_of_rows([row('head nods', 1)], ALL)[None]
    one = ClaimScorer(['the head nods'])
    assert one(true) == pytest.approx(np.log(.8 / .5))
    assert one(0 * true) == pytest.approx(np.log(.2 / .5))


def test_evidence_by_hand():
    base = np.zeros((4, len(NAMES)), np.float32)
    nods = NAMES.index('head nods')
    base[3, nods] = 2
    clips = np.zeros((3, len(NAMES)), np.float32)
    clips[:, nods] = 3, 0, np.nan
    text = ['the head nods']
    scores = ClaimScorer(text, 'truth', False).fit(base)(clips)[:, 0]
    rate = 2 / 6
    assert scores == pytest.approx([np.log(.8 / rate),
                                    np.log(.2 / (1 - rate)), 0])
    scores = ClaimScorer(text, 'graded', False).fit(base)(clips)[:, 0]
    assert scores == pytest.approx([1 + np.log(4.5 / 5), 1 + np.log(2 / 5),
                                    0])
    # A denial is worth the opposite.
    scores = ClaimScorer(['the head does not nod'], 'graded', False).fit(
        base)(clips)[:, 0]
    assert scores[0] < 0 < scores[1] and scores[2] == 0


def test_standardised_over_the_base(made):
    found, _ = made
    scores = ClaimScorer(TEXTS + ['it rains']).fit(found)(found)
    assert scores.mean(0) == pytest.approx(np.zeros(len(TEXTS) + 1), abs=1e-6)
    assert scores[:, :-1].std(0) == pytest.approx(np.ones(len(TEXTS)))
    assert not scores[:, -1].any()


def test_silent_and_undecidable():
    scorer = ClaimScorer(['it rains', 'the head nods', 'the head nods'])
    assert scorer.silent == [0]
    unknown = np.full((2, len(NAMES)), np.nan, np.float32)
    assert not scorer(unknown).any()
    assert not scorer.fit(unknown)(np.ones((2, len(NAMES)))).any()
    # What is said twice counts once.
    twice = ClaimScorer(['the head nods and nods', 'the head nods'])
    assert len(twice.claims[0]) == 1


def test_refusals():
    with pytest.raises(ValueError, match="'soft'; there are graded, truth"):
        ClaimScorer([''], 'soft')
    with pytest.raises(ValueError, match='`hit` is 1'):
        ClaimScorer([''], hit=1)
    with pytest.raises(ValueError, match='no clips'):
        ClaimScorer(['']).fit(np.zeros((0, len(NAMES))))


def test_settings_are_chosen_on_held_out_classes(made):
    found, labels = made
    tried = choose_settings(TEXTS, found, labels, [(0, 1, 2), (3, 4)])
    assert len({t[:2] for t in tried}) == 4
    assert tried[0].accuracy == max(t.accuracy for t in tried) > .7
