"""The losses of the VST neck: what costs, and what does not."""
import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from helpers import CLASSES, head_cfg, make_samples
from mmengine.runner.checkpoint import load_state_dict

from lvlm_var_mm.engine import SemanticAlignmentHook
from lvlm_var_mm.engine.alignment import class_texts, encode
from lvlm_var_mm.models import VSTNeck
from lvlm_var_mm.models.vst.code_names import VOCABULARY
from lvlm_var_mm.models.vst.losses import (Alignment, LanguageBias,
                                           Reconstruction, main_components,
                                           temporal_consistency)
from mmaction.registry import MODELS

C, L, E = 8, 6, len(VOCABULARY)


def walk(*steps):
    a, b = torch.eye(C)[:2]
    return torch.stack([a if s == 'a' else b for s in steps])[None]


def consistency(steps):
    return temporal_consistency(steps, steps)


# ------------------------------------------------------------- steadiness
def test_consistency_of_constant_features_is_zero():
    loss = consistency(walk(*'aaaaaaaa'))
    torch.testing.assert_close(loss, torch.zeros(()), rtol=0, atol=1e-6)
    assert consistency(walk('a')) == 0  # no neighbour


def test_flicker_costs_more_than_a_change():
    change, restless = consistency(walk(*'aaaabbbb')), consistency(
        walk(*'abababab'))
    assert change > 0
    # Not only because it changes seven times as often.
    assert restless > 2 * 7 * change


def test_consistency_draws_neighbours_together():
    steps = torch.randn(2, L, C, requires_grad=True)
    before = consistency(steps)
    before.backward()
    assert consistency(steps - 0.5 * steps.grad) < before


# --------------------------------------------------------------- language
def test_zipf_prefers_its_law():
    codes = torch.eye(4)
    law = torch.tensor([0] * 12 + [1] * 6 + [2] * 4 + [3] * 3)
    zipf = LanguageBias(4, 4).zipf
    lawful = zipf(codes[law][None], codes)
    assert lawful == pytest.approx(0, abs=1e-3)
    for ids in (torch.arange(4), torch.zeros(4, dtype=torch.long)):
        assert zipf(codes[ids][None], codes) > lawful + 0.05
    # Which code is the frequent one does not matter.
    torch.testing.assert_close(zipf(codes[3 - law][None], codes), lawful)


@pytest.mark.parametrize('ordered', [True, False])
def test_context_tells_a_code_where_there_is_order(ordered):
    torch.manual_seed(0)
    bias = LanguageBias(4, 4, loss_context=1.)
    ids = torch.arange(24).view(1, 24) % 4
    if not ordered:
        ids = ids[:, torch.randperm(24)].repeat(20, 1).view(-1)[
            torch.randperm(480)].view(20, 24)
    codes = torch.eye(4)
    optimizer = torch.optim.Adam(bias.parameters(), 0.01)
    for _ in range(60):
        loss = bias(codes[ids], ids, codes)['loss_context']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (loss < 0.2) == ordered


# -------------------------------------------------------------- alignment
def aligned(**over):
    torch.manual_seed(0)
    model = Alignment(C, dim=16, **{**dict(loss_class=1., loss_events=1.),
                                   **over})
    model.set_texts(torch.randn(3, 20), torch.randn(E, 20))
    return model


def acting(labels):
    """Clips of which each does what its label says, in its first half."""
    samples = make_samples(labels)
    for sample, label in zip(samples, labels):
        sample.set_metainfo(dict(
            events=np.array([[label, 0., .99]]), span=(0., 2.)))
    return samples


def test_alignment_is_learned():
    model, samples = aligned(), acting([0, 1, 2])
    tokens = torch.randn(3, 1, L, C, requires_grad=True)
    optimizer = torch.optim.Adam([tokens, *model.parameters()], 0.05)
    first = None
    for step in range(120):
        losses = model(tokens, samples)
        first = losses if not step else first
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    assert losses['loss_class'] < first['loss_class'] / 3
    assert losses['loss_events'] < first['loss_events'] / 3
    scores = model._near(model.to_events(tokens), model.events) + model.bias
    # Each does what it does when it does it.
    for clip in range(3):
        assert scores[clip, 0, :3, clip].min() > scores[clip, 0, 3:,
                                                       clip].max()


def test_weights_of_the_alignment():
    tokens, samples = torch.randn(3, 2, L, C), acting([0, 1, 2])
    one, other = (aligned(**over)(tokens, samples)
                  for over in ({}, dict(loss_class=2., loss_events=3.)))
    torch.testing.assert_close(other['loss_class'], 2 * one['loss_class'])
    torch.testing.assert_close(other['loss_events'], 3 * one['loss_events'])
    assert set(aligned(loss_class=0.)(tokens, samples)) == {'loss_events'}


def test_clips_without_joints_say_nothing_of_events():
    model, tokens = aligned(), torch.randn(3, 2, L, C)
    none = model(tokens, make_samples([0, 1, 2]))
    assert none['loss_events'] == 0 and none['loss_class'] > 0
    some = model(tokens, acting([0, 1]) + make_samples([2]))
    torch.testing.assert_close(
        some['loss_events'], model(tokens[:2], acting([0, 1]))['loss_events'])


def test_alignment_needs_texts():
    with pytest.raises(ValueError, match='SemanticAlignmentHook'):
        Alignment(C, loss_class=1.)(
            torch.randn(1, 1, L, C), make_samples([0]))


def test_an_alignment_to_nothing_is_refused():
    with pytest.raises(ValueError, match='loss_events'):
        Alignment(C)


def test_texts_are_told_apart_by_what_differs():
    common, own = 100 * torch.randn(1, 20), torch.randn(5, 20)
    texts = main_components(common + own, 8)
    assert texts.shape == (5, 8)
    torch.testing.assert_close(texts.norm(dim=1), torch.ones(5))
    near = texts @ texts.t() - 2 * torch.eye(5)
    assert near.max() < 0.9


# --------------------------------------------------------- reconstruction
def test_reconstruction_is_learned():
    torch.manual_seed(0)
    model = Reconstruction(C, loss_features=1., loss_velocity=1.)
    tokens = torch.randn(4, L, C)
    steps = (tokens @ torch.randn(C, C) / 3).requires_grad_()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    first = None
    for step in range(150):
        losses = model(tokens, steps)
        first = losses if not step else first
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
    for key in ('loss_features', 'loss_velocity'):
        assert losses[key] < first[key] / 4
    assert steps.grad is None  # steps are not made easier to tell
    assert set(model(tokens[:, :1], steps[:, :1])) == {'loss_features'}


def test_options_of_the_neck():
    torch.manual_seed(0)
    neck = VSTNeck(
        C, num_tokens=L, codebook_size=4,
        align=dict(dim=4, loss_class=1., loss_events=1.),
        reconstruct=dict(loss_features=1., loss_velocity=1.),
        language_bias=dict(loss_zipf=1., loss_context=1.))
    neck.align.set_texts(torch.randn(3, 20), torch.randn(E, 20))
    x = torch.randn(3, 1, C, 12, 5, requires_grad=True)
    _, losses = neck(x, acting([0, 1, 2]))
    assert set(losses) == {
        'loss_commit', 'loss_temporal', 'loss_class',
        'loss_events', 'loss_features', 'loss_velocity', 'loss_zipf',
        'loss_context'}
    # Each of the last six reaches the backbone.
    for key in ('loss_class', 'loss_events', 'loss_features',
                'loss_velocity', 'loss_zipf', 'loss_context'):
        grad, = torch.autograd.grad(losses[key], x, retain_graph=True)
        assert grad.abs().sum() > 0, key


def test_targets_are_in_the_checkpoint():
    """With as many rows as there are texts; older ones have none."""
    old = Alignment(C, dim=16, loss_class=1., loss_events=1.)
    state = old.state_dict()
    assert set(state) == set(dict(old.named_parameters()))
    model = aligned()
    before = model.targets
    model.load_state_dict(state)
    for found, expected in zip(model.targets, before):
        assert torch.equal(found, expected)
    other = aligned()
    other.set_texts(torch.randn(5, 20), torch.randn(E, 20), 'others')
    for reader in (model, old):
        load_state_dict(reader, other.state_dict(), strict=True)
        for found, expected in zip(reader.targets, other.targets):
            assert torch.equal(found, expected)
        assert reader.are_of('others') and not reader.are_of('')
    assert not any(a.data_ptr() == b.data_ptr()
                   for a, b in zip(old.targets, other.targets))


def runner_of(model):
    return SimpleNamespace(model=model, hooks=[],
                           logger=logging.getLogger('alignment'))


def test_targets_are_kept_as_long_as_the_texts_are(tiny_llava, caplog):
    caplog.set_level(logging.INFO, 'alignment')
    head = MODELS.build(head_cfg(tiny_llava))
    neck = VSTNeck(C, num_tokens=L, codebook_size=4,
                   align=dict(dim=4, loss_class=1.))
    runner = runner_of(SimpleNamespace(neck=neck, cls_head=head))

    def start(encoder=None):
        caplog.clear()
        SemanticAlignmentHook(encoder).before_train(runner)
        return neck.align.classes.clone(), caplog.messages[0]

    first, message = start()
    assert 'made' in message and 'others' not in message
    neck.align.classes.neg_()  # as another device may find them
    kept, message = start()
    assert torch.equal(kept, -first) and 'checkpoint' in message
    head.set_classes([('run', ''), *CLASSES[1:]])
    anew, message = start()
    assert not torch.allclose(anew, kept) and 'others' in message
    assert torch.equal(start()[0], anew)
    _, message = start(dict(type='transformers.AutoModel.from_pretrained',
                            pretrained_model_name_or_path=str(tiny_llava)))
    assert 'others' in message


def test_texts_come_from_the_language_model(tiny_llava):
    head = MODELS.build(head_cfg(tiny_llava))
    neck = VSTNeck(C, num_tokens=L, codebook_size=4,
                   align=dict(dim=4, loss_class=1.))
    model = SimpleNamespace(neck=neck, cls_head=head)
    SemanticAlignmentHook().before_train(runner_of(model))
    assert neck.align.classes.shape == (4, 4)
    assert neck.align.events.shape == (E, 4)
    texts = class_texts(head.classes)
    assert texts[0] == 'drink: one hand rises to the mouth'
    assert texts[3] == 'clapping'  # it has no description
    # Each text by itself, as the model was before LoRA changes it.
    alone = torch.cat([head.embed_texts([text]) for text in texts])
    for name, param in head.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(param)
    torch.testing.assert_close(head.embed_texts(texts), alone)
    assert not torch.allclose(alone[0], alone[1])


def test_texts_come_from_an_encoder(tiny_llama):
    encoder = dict(type='transformers.AutoModel.from_pretrained',
                   pretrained_model_name_or_path=str(tiny_llama))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_llama)
    tokenizer.padding_side = 'right'
    model = transformers.AutoModel.from_pretrained(tiny_llama)
    texts = ['drink water', 'one hand rises to the mouth']
    for text, found in zip(texts, encode(encoder, texts)):
        hidden = model(**tokenizer(text, return_tensors='pt'))
        torch.testing.assert_close(
            found, hidden.last_hidden_state[0].mean(0), rtol=0, atol=1e-4)


def test_hook_without_alignment(tiny_llava):
    model = SimpleNamespace(neck=VSTNeck(C, codebook_size=4))
    with pytest.raises(ValueError, match='`align`'):
        SemanticAlignmentHook().before_train(runner_of(model))
