"""Erasing what a reason names."""
import numpy as np
import pytest
import torch
from helpers import make_samples

from lvlm_var_mm.evaluation.faithfulness import (does_it_read, erase,
                                                 faithfulness, rationale)
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.models.tokens import SemanticTokens

L = 8
SPAN = 0., 4.  # half a second each step
EVENTS = np.array([(INDEX['right hand rises'], .5, 1.5, 1, 0),
                   (INDEX['knees bend'], 2.5, 3.5, 1, 0)], np.float32)
RAISED = [False, True, True] + [False] * 5
BENT = [False] * 5 + [True, True, False]


class Reader:
    """Is sure of class 1 as far as it sees the steps of the raised hand."""

    def prompt_inputs(self, tokens, data_samples):
        return tokens

    def score(self, tokens):
        seen = (tokens.embeds[..., 0] * tokens.mask).sum(1)
        return torch.stack([torch.zeros_like(seen), seen], 1)


class Deaf(Reader):
    """Is always as sure."""

    def score(self, tokens):
        return torch.tensor([[0., 2.]]).repeat(len(tokens.ids), 1)


def clips(n=6, reason='The right hand rises.', parts=1):
    embeds = torch.zeros(n, L * parts, 2)
    embeds[:, [1, 2], 0] = 2.
    ids = torch.zeros(n, L * parts, dtype=torch.long)
    tokens = SemanticTokens(embeds, ids, torch.ones_like(ids).bool())
    if parts > 1:
        tokens = tokens._replace(
            parts=torch.arange(parts).repeat_interleave(L).expand(n, -1))
    samples = make_samples([1] * n)
    for sample in samples:
        sample.set_metainfo(dict(events=EVENTS, span=SPAN, decidable=np.ones(
            len(INDEX), bool)))
        sample.set_field(reason, 'pred_reason')
        sample.set_field(torch.tensor([1]), 'pred_label')
    return tokens, samples


@pytest.mark.parametrize('reason, steps', [
    ('The right hand rises.', RAISED),
    ('One hand rises.', RAISED),
    ('Then the knees bend.', BENT),
    ('The left hand rises.', [False] * L),  # not true
    ('The right hand rises, then the knees bend.',
     [a or b for a, b in zip(RAISED, BENT)]),
    ('They are happy.', [False] * L),
])
def test_steps_that_a_reason_names(reason, steps):
    _, (sample, ) = clips(1, reason)
    assert rationale(sample, L).tolist() == steps


@pytest.mark.parametrize('parts', [1, 2])
def test_tokens_and_events_go_together(parts):
    tokens, samples = clips(2, parts=parts)
    gone = torch.tensor([RAISED, BENT])
    less, left = erase(tokens, samples, gone)
    assert less.mask.view(2, parts, L).logical_not().equal(
        gone[:, None].expand(-1, parts, -1))
    assert [s.get('events')[:, 0].tolist() for s in left] == [
        [INDEX['knees bend']], [INDEX['right hand rises']]]
    assert len(samples[0].get('events')) == 2  # the clip's own stay


def test_what_a_decision_rests_on():
    figures = faithfulness(Reader(), *clips())
    whole = torch.tensor(4.).sigmoid()
    assert figures['comprehensiveness'].allclose(whole - .5)
    assert figures['sufficiency'].allclose(torch.zeros(6), atol=1e-6)
    gap = (figures['comprehensiveness'] -
           figures['comprehensiveness_random']).mean()
    assert gap > .2
    assert (figures['sufficiency_random'] > figures['sufficiency']).all()


def test_another_reason_is_no_better_than_chance():
    figures = faithfulness(Reader(), *clips(reason='The knees bend.'))
    assert figures['comprehensiveness'].allclose(torch.zeros(6), atol=1e-6)
    assert (figures['comprehensiveness_random'] >= -1e-6).all()


def test_a_model_that_does_not_read():
    figures = faithfulness(Deaf(), *clips())
    assert all(v.allclose(torch.zeros(6)) for v in figures.values())


def test_reasons_that_name_nothing_do_not_count():
    figures = faithfulness(Reader(), *clips(reason='They are happy.'))
    assert all(v.isnan().all() for v in figures.values())


def test_whether_tokens_are_read():
    tokens, samples = clips()
    tokens = tokens._replace(embeds=torch.cat([tokens.embeds[:3],
                                               -tokens.embeds[3:]]))
    labels = torch.tensor([1] * 3 + [0] * 3)
    hits = does_it_read(Reader(), tokens, samples, labels)
    assert hits['whole'] == hits['shuffled'] == 6  # it adds up
    # The tokens of a clip of the same class would be read as well.
    assert hits['zero'] == 3 and hits['swapped'] == 0
    assert set(does_it_read(Deaf(), tokens, samples, labels).values()) == {3}


def test_clips_of_one_class_have_none_to_swap_with():
    tokens, samples = clips()
    assert 'swapped' not in does_it_read(Reader(), tokens, samples,
                                         torch.ones(6, dtype=torch.long))
    hits = does_it_read(Reader(), tokens.clips(slice(1)), samples[:1],
                        torch.tensor([1]))
    assert hits == dict(whole=1, shuffled=1, zero=hits['zero'])
