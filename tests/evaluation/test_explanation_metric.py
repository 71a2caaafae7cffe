"""What the reasons of a test set are worth."""
import pytest
import torch
from bodies import measured

from lvlm_var_mm.evaluation import ExplanationMetric
from lvlm_var_mm.evaluation.explanation_metric import names_another
from lvlm_var_mm.kinematics import check, claims, describe, observe
from lvlm_var_mm.kinematics.claims import names_claimed
from lvlm_var_mm.kinematics.language import heaviest
from lvlm_var_mm.kinematics.rows import to_decidable, to_rows
from lvlm_var_mm.synthetic.motion import MOTIONS

ACTIONS = list(MOTIONS)[:6]


@pytest.fixture(scope='module')
def clips():
    """Observations of different actions by two performers."""
    return [observe(measured(action, performer), 'ntu25')
            for action in ACTIONS for performer in (1, 2)]


def sample(seen, text, label=0, **fields):
    return dict(pred_reason=text, events=to_rows(seen),
                decidable=to_decidable(seen),
                pred_label=torch.tensor([label]), **fields)


def measure(samples, **kwargs):
    metric = ExplanationMetric(**kwargs)
    metric.process(None, samples)
    return metric.evaluate(len(samples))


def described(clips):
    return [sample(seen, describe(seen.events), i // 2)
            for i, seen in enumerate(clips)]


def test_texts_that_are_true_by_construction(clips):
    figures = measure(described(clips))
    assert figures['reason/claim_precision'] == 1
    assert figures['reason/event_recall'] > (
        figures['reason/event_recall_chance'] + .2)
    assert figures['reason/without_claims'] == 0
    assert figures['reason/claim_precision_chance'] < .6
    assert figures['reason/event_recall_chance'] < .6
    assert 'reason/verified_precision' not in figures


def test_all_that_is_salient(clips):
    texts = [' '.join(f'The {name}.' for names in heaviest(seen.events)
                      for name in names) for seen in clips]
    figures = measure([sample(seen, text)
                       for seen, text in zip(clips, texts)])
    assert figures['reason/event_recall'] == 1
    assert figures['reason/claim_precision'] == 1


def test_one_false_fact_counts_as_one(clips):
    samples = described(clips)
    false = next(name for name in ('The left foot kicks.', 'The body jumps.')
                 if check(name, clips[0]) is False)
    decided = sum(check(c, seen) is not None for seen in clips
                  for c in claims(describe(seen.events)))
    samples[0]['pred_reason'] += ' ' + false
    assert measure(samples)['reason/claim_precision'] == pytest.approx(
        decided / (decided + 1))


def test_shuffled_texts_fall_to_chance(clips):
    true = measure(described(clips))
    texts = [describe(seen.events) for seen in clips]
    moved = measure([sample(seen, text)
                     for seen, text in zip(clips, texts[5:] + texts[:5])])
    assert moved['reason/claim_precision'] < .6
    assert moved['reason/claim_precision'] == pytest.approx(
        true['reason/claim_precision_chance'], abs=.25)


def test_what_says_nothing_is_not_right(clips):
    figures = measure([sample(clips[0], 'They are happy.'),
                       sample(clips[1], describe(clips[1].events))])
    assert figures['reason/without_claims'] == .5
    assert figures['reason/claim_precision'] == 1
    silent = measure([sample(clips[0], 'They are happy.')] * 2)
    assert 'reason/claim_precision' not in silent
    assert silent['reason/event_recall'] == 0


def test_what_verification_drops(clips):
    texts = [describe(seen.events) for seen in clips]
    false = 'The left foot kicks.'
    assert check(false, clips[0]) is False
    figures = measure([sample(clips[0], texts[0],
                              pred_raw_reason=f'{texts[0]} {false}')])
    raw = len(claims(f'{texts[0]} {false}'))
    assert figures['reason/claim_precision'] < 1
    assert figures['reason/verified_precision'] == 1
    assert figures['reason/dropped_by_verification'] == pytest.approx(1 / raw)


def test_sets_of_claims_not_wordings(clips):
    texts = ('The right hand rises.', 'His right hand rises.',
             'The right hand lowers.')
    figures = measure([sample(clips[0], text, label)
                       for label in (0, 1) for text in texts])
    assert figures['reason/distinct_reasons'] == 2


def test_the_class_leaks_from_claims_that_it_alone_has(clips):
    own = [sample(clips[0], text, label) for label, text in enumerate(
        ('The right hand rises.', 'The body sinks.', 'The head nods.'))
        for _ in range(4)]
    figures = measure(own)
    assert figures['reason/class_from_claims'] == 1
    assert figures['reason/class_from_claims_prior'] == pytest.approx(1 / 3)
    same = measure([sample(clips[0], 'The right hand rises.', i % 2)
                    for i in range(8)])
    assert same['reason/class_from_claims'] <= .5


def test_the_name_of_another_class(clips):
    names = 'sit down', 'stand up', 'sit'
    figures = measure([sample(clips[0], 'They sit down.', 0),
                       sample(clips[0], 'They stand up.', 0)],
                      class_names=names)
    assert figures['reason/another_class'] == .5
    # A word, not a part of one.
    assert not names_another('The trunk leans.', 0, ['walk', 'run'])
    assert names_another('They run.', 0, ['walk', 'run'])


def test_clips_without_joints_and_models_without_reasons(clips):
    figures = measure([dict(pred_reason='The right hand rises.',
                            pred_label=torch.tensor([0]))] * 2)
    assert 'reason/claim_precision' not in figures
    assert figures['reason/distinct_reasons'] == 1
    with pytest.raises(ValueError, match='pred_reason'):
        measure([dict(pred_label=torch.tensor([0]))])


@pytest.mark.parametrize('sentence, names', [
    ('The right hand rises.', {'right hand rises'}),
    ('One hand rises.', {'left hand rises', 'right hand rises'}),
    ('Both hands rise.', {'left hand rises', 'right hand rises'}),
    ('The knees bend.', {'knees bend'}),
    ('The right hand does not rise.', set()),
    ('The right hand moves.', set()),
])
def test_what_a_claim_names(sentence, names):
    claim, = claims(sentence)
    assert names_claimed(claim) == names


def test_salient_motions_are_those_that_are_described(clips):
    for seen in clips:
        told = set().union(*map(names_claimed, claims(describe(seen.events))))
        assert set(heaviest(seen.events, 1)[0]) & told
        assert all(len(names) in (1, 2) for names in heaviest(seen.events))
