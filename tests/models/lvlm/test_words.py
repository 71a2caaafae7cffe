"""The narrative in the prompt: what it tells, and that scores are exact."""
import numpy as np
import pytest
import torch
from helpers import CLASSES, head_cfg, make_samples, make_tokens

from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.models.lvlm.words import NOTHING, Narrator, sample_events
from lvlm_var_mm.models.vst.code_names import VOCABULARY
from mmaction.registry import MODELS

PROMPTS = {
    'before': 'The joints: {narrative}\nTokens: {tokens}\nThe action:\n',
    'behind': 'Tokens: {tokens}\nThe joints: {narrative}\nThe action:\n',
    'alone': 'Semantic clip: {narrative}\nThe action:\n',
}
LENGTHS = [5, 3, 4]
# One more, one less, nothing.
EVENTS = [
    [('right hand rises', .2, 1., .9, 0), ('torso bends forward', 1.2, 2., .6,
                                           0)],
    [('knees bend', .5, .9, .3, 0)], None]
NAMES = [name for name, _ in CLASSES]


def rows(events):
    return np.array([(INDEX[name], *rest) for name, *rest in events],
                    np.float32).reshape(-1, 5)


def samples(labels=(0, 2, 1), events=EVENTS, **meta):
    found = make_samples(labels, **meta)
    for sample, some in zip(found, events):
        if some is not None:
            sample.set_metainfo(dict(
                events=rows(some), decidable=np.ones(len(INDEX), bool)))
    return found


def build(folder, prompt, **over):
    torch.manual_seed(0)
    head = MODELS.build(head_cfg(folder, prompt=PROMPTS[prompt], **over))
    with torch.no_grad():
        for name, param in head.named_parameters():
            if 'lora_B' in name:
                param.normal_(0, 0.1)
    return head.eval()


def plain_score(head, feats, clip, story, name):
    """By one forward of this clip and name alone, without padding."""
    device = feats.ids.device
    ids = head.prompt.name(name)
    parts = [head.lm.embed(head.prompt.before, device)]
    for part in head.prompt.parts:
        if part == '{tokens}':
            parts.append(head.token_scale(head.projector(
                feats.embeds[clip][feats.mask[clip]])))
        else:
            parts.append(head.lm.embed(
                head.prompt.narrative(story) if part == '{narrative}'
                else part, device))
    parts.append(head.lm.embed([*head.prompt.after, *ids], device))
    logits = head.lvlm(inputs_embeds=torch.cat(parts)[None]).logits[0]
    logprobs = logits[-len(ids) - 1:-1].log_softmax(-1)
    return logprobs[range(len(ids)), ids].sum()


# ---------------------------------------------------------- what it tells
STORIES = ['0.2-1.0 s right hand rises; 1.2-2.0 s torso bends forward',
           '0.5-0.9 s knees bend', NOTHING]


def told(head, feats, found, training=False):
    head.prompt.narrative = lambda text: said.append(text) or list(text)
    said = []
    try:
        head.narrator(head.prompt, feats, found, training)
    finally:
        del head.prompt.narrative
    return said


@pytest.fixture(params=PROMPTS)
def kind(request):
    return request.param


@torch.no_grad()
def test_scores_are_those_of_each_clip_and_name_alone(tiny_llava, kind):
    head, feats = build(tiny_llava, kind), make_tokens(LENGTHS)
    found, read = samples(), []
    head.lm.decoder.register_forward_pre_hook(
        lambda _, args, kw: read.append(kw['inputs_embeds'].shape[1]),
        with_kwargs=True)
    scores = head(feats, found)
    again = head(feats, found)
    assert torch.equal(scores, again)
    assert read[0] == len(head.prompt.before) and read[1] == read[2] > read[0]
    expected = torch.stack([torch.stack([
        plain_score(head, feats, clip, story, name) for name in NAMES])
        for clip, story in enumerate(STORIES)])
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)
    # It does read them.
    without = head(feats, samples(events=[None] * 3))
    assert not torch.allclose(without[:2], scores[:2], atol=1e-3)
    torch.testing.assert_close(without[2], scores[2], rtol=0, atol=1e-4)
    losses = head.train().loss(feats, found)
    torch.testing.assert_close(
        losses['loss_cls'], torch.nn.functional.cross_entropy(
            expected, torch.tensor([0, 2, 1])), rtol=0, atol=1e-4)


def test_words_alone_train_without_tokens(tiny_llava):
    head = build(tiny_llava, 'alone').train()
    losses = head.loss(make_tokens(LENGTHS), samples())
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    grads = {n: p.grad for n, p in head.named_parameters() if p.requires_grad}
    assert all(g is not None for g in grads.values())
    assert not any('projector' in n for n in grads)
    with pytest.raises(ValueError, match='all templates or none.*{tokens}'):
        build_list(tiny_llava)


def build_list(folder):
    MODELS.build(head_cfg(folder, prompt=list(PROMPTS.values())))


def test_the_most_salient_first_within_the_budget(tiny_llava):
    feats = make_tokens([4])
    many = [(f'{side} hand {motion}', .5 * i, .5 * i + .4, .3 + .1 * i, 0)
            for i, (side, motion) in enumerate(
                (s, m) for s in ('left', 'right')
                for m in ('rises', 'lowers', 'moves outward', 'moves inward'))]
    found = samples([0], [many])
    last = None
    for budget in (200, 60, 30, 16):
        head = build(tiny_llava, 'alone', narrative=dict(budget=budget))
        ids, = head.narrator(head.prompt, feats, found)
        assert 0 < len(ids) <= budget
        assert last is None or ids == last[:len(ids)]
        last = ids
    said, = told(build(tiny_llava, 'alone', narrative=dict(budget=999)),
                 feats, found)
    assert said.startswith('3.5-3.9 s right hand moves inward; 3.0-3.4 s')


def test_dropped_at_random_and_by_the_seed(tiny_llava):
    head = build(tiny_llava, 'before', narrative=dict(budget=99, drop=.5))
    feats, found = make_tokens([4] * 40), samples([0] * 40, EVENTS[:1] * 40)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(told(head, feats, found, True))
    assert draws[0] == draws[1] != draws[2]
    assert 5 < draws[0].count(NOTHING) < 35
    assert NOTHING not in told(head, feats, found)  # in tests


def test_the_part_that_is_read(tiny_llava):
    found = samples([0], EVENTS[:1], span=(.9, 2.))
    assert [e.part for e in sample_events(found[0]).events] == ['torso']
    assert len(sample_events(found[0], whole=True).events) == 2
    assert sample_events(None) is None


@pytest.mark.parametrize('span, times', [
    ((0., 2.), ('1.0-2.0 s', '0.0-0.5 s')), (None, ('step 3-4', 'step 1'))])
def test_names_of_codes_without_joints(tiny_llava, span, times):
    rises, bend = map(VOCABULARY.index, ('one hand rises', 'knees bend'))
    feats = make_tokens([4])._replace(
        names=torch.tensor([[bend, -1, rises, rises]]))
    expected = f'{times[0]} one hand rises; {times[1]} knees bend'
    plain = samples([0], [None], **(dict(span=span) if span else {}))
    measured = samples([0], EVENTS[:1])
    head = build(tiny_llava, 'alone', narrative=dict(budget=99))
    assert told(head, feats, plain) == [expected]
    assert told(head, feats, measured) == STORIES[:1]
    assert told(head, feats._replace(names=None), None) == [NOTHING]
    head.narrator = Narrator(budget=99, source='names')
    assert 'knees bend' in told(head, feats, measured)[0] != STORIES[0]


def test_brief(tiny_llava):
    head = build(tiny_llava, 'alone', narrative=dict(budget=99, brief=True))
    assert [clause.rpartition(' ')[2] for clause in told(
        head, make_tokens([4]), samples([0], EVENTS[:1]))[0].split('; ')] == [
            'early', 'late']


def test_views_are_told_alike(tiny_llava):
    head = build(tiny_llava, 'before')
    said = told(head, make_tokens([4] * 6), samples())
    assert said == [s for s in STORIES for _ in range(2)]


@pytest.mark.parametrize('wrong', [
    dict(source='joints'), dict(budget=3), dict(drop=2)])
def test_wrong_settings(wrong):
    with pytest.raises(ValueError, match='`narrative'):
        Narrator(**wrong)
