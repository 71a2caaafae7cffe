"""Ways to score classes: all against what they stand for, done plainly."""
import pytest
import torch
from helpers import CLASSES, LORA_TARGETS, head_cfg, make_samples, make_tokens

from lvlm_var_mm.models.lvlm.reader import PromptReader
from mmaction.registry import MODELS

LENGTHS = [5, 3, 4]
NAMES = [name for name, _ in CLASSES]


def build(folder, **over):
    """A head whose LoRA layers matter."""
    torch.manual_seed(0)
    head = MODELS.build(head_cfg(folder, **over)).eval()
    with torch.no_grad():
        for name, param in head.named_parameters():
            if 'lora_B' in name:
                param.normal_(0, 0.1)
    return head


def logprobs(head, feats, clip, ids):
    """Of each of ``ids`` behind a clip's prompt, by one plain forward."""
    tokens = head.projector(feats.embeds[clip][feats.mask[clip]])
    device = tokens.device
    embeds = torch.cat([
        head.lm.embed(head.prompt.before, device), head.token_scale(tokens),
        head.lm.embed([*head.prompt.after, *ids], device)])
    logits = head.lvlm(inputs_embeds=embeds[None]).logits[0]
    rows = logits[-len(ids) - 1:-1].log_softmax(-1)
    return rows[range(len(ids)), ids]


def plain_scores(head, feats):
    return torch.stack([
        torch.stack([logprobs(head, feats, clip, head.prompt.name(n)).sum()
                     for n in head.classes.names])
        for clip in range(len(feats.ids))])


def close(found, expected):
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


# ------------------------------------------------------ the cached prefix
@torch.no_grad()
@pytest.mark.parametrize('attn', ['eager', 'sdpa'])
def test_prefix_is_read_once(tiny_llava, monkeypatch, attn):
    cfg = head_cfg(tiny_llava)['lvlm']
    head = build(tiny_llava, lvlm={**cfg, 'attn_implementation': attn})
    feats, read = make_tokens(LENGTHS), []
    head.lm.decoder.register_forward_pre_hook(
        lambda _, args, kw: read.append(kw['inputs_embeds'].shape[1]),
        with_kwargs=True)
    first, second = head(feats), head(feats)
    assert torch.equal(first, second)
    rest = 5 + len(head.prompt.after) + len(head.trie)
    assert read == [len(head.prompt.before), rest, rest]
    close(first, plain_scores(head, feats))
    head.train()
    read.clear()
    close(head(feats), first)  # there is no dropout
    assert read == [len(head.prompt.before) + rest]


@torch.no_grad()
def test_prefix_follows_the_weights(tiny_llava):
    head, feats = build(tiny_llava), make_tokens(LENGTHS)
    state = {k: v.clone() for k, v in head.state_dict().items()}
    before = head(feats)
    lora = [p for p in head.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(lora, 0.1)
    for p in lora:
        p.grad = torch.ones_like(p)
    optimizer.step()
    stepped = head(feats)
    assert not torch.allclose(stepped, before)
    close(stepped, plain_scores(head, feats))
    head.load_state_dict(state)
    close(head(feats), before)
    with head.lvlm.disable_adapter():
        close(head(feats), plain_scores(head, feats))
    close(head(feats), before)
    for p in lora:
        p.data.mul_(2)  # leaves no trace; a loop calls eval() before it tests
    close(head.eval()(feats), plain_scores(head, feats))


def test_gradient_does_not_end_at_the_prefix(tiny_llava):
    head, feats = build(tiny_llava), make_tokens(LENGTHS)
    with torch.no_grad():
        head(feats)
    found = head(feats)
    found.sum().backward()
    grads = [p.grad.clone() for p in head.lvlm.parameters()
             if p.grad is not None]
    head.zero_grad()
    plain_scores(head, feats).sum().backward()
    expected = [p.grad for p in head.lvlm.parameters() if p.grad is not None]
    assert len(grads) == len(expected) == 28
    for a, b in zip(grads, expected):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize('prompt',
                         ['{tokens}', 'why : {tokens}', '{tokens} .'])
def test_prompts_with_little_around_the_tokens(tiny_llava, prompt):
    head, feats = build(tiny_llava, prompt=prompt), make_tokens(LENGTHS)
    close(head(feats), plain_scores(head, feats))


# ----------------------------------------------------------- what it adds
@torch.no_grad()
@pytest.mark.parametrize('memory_mb', [1e-6, 0.02, 0.05])
def test_little_memory_changes_no_score(tiny_llava, memory_mb):
    feats = make_tokens(LENGTHS)
    expected = build(tiny_llava)(feats)
    head = build(tiny_llava, scoring=dict(memory_mb=memory_mb))
    shapes = []
    head.lm.decoder.register_forward_pre_hook(
        lambda _, args, kw: shapes.append(kw['inputs_embeds'].shape[:2]),
        with_kwargs=True)
    close(head(feats), expected)
    assert len(shapes) > 2
    if memory_mb == 1e-6:  # a clip and a name at a time, after the prefix
        assert len(shapes) == 1 + len(LENGTHS) * len(CLASSES)


@torch.no_grad()
def test_options(tiny_llava):
    feats = make_tokens(LENGTHS)
    scores = build(tiny_llava)(feats)
    head = build(tiny_llava, scoring=dict(length_norm=True))
    lengths = torch.tensor([len(head.prompt.name(n)) for n in NAMES])
    assert len(set(lengths.tolist())) > 1
    close(head(feats), scores / lengths)
    head = build(tiny_llava, scoring=dict(temperature=4.))
    close(head(feats), scores / 4)
    head = build(tiny_llava, scoring=dict(prior=0.5))
    empty = make_tokens([1])
    empty = empty._replace(mask=torch.zeros_like(empty.mask))
    close(head(feats), scores - 0.5 * plain_scores(head, empty))
    close(head(feats), scores - 0.5 * plain_scores(head, empty))


@torch.no_grad()
def test_first_token(tiny_llava):
    names, feats = ['drink', 'sit down', 'clapping'], make_tokens(LENGTHS)
    head = build(tiny_llava, num_classes=3, class_names=names,
                 scoring=dict(type='first_token'))
    close(head(feats), torch.stack([
        torch.cat([logprobs(head, feats, clip, head.prompt.name(n)[:1])
                   for n in names]) for clip in range(len(LENGTHS))]))
    head.set_classes(CLASSES)
    with pytest.raises(ValueError, match="'drink' and 'drink water'"):
        head(feats)


@torch.no_grad()
@pytest.mark.parametrize('targets', [LORA_TARGETS, ['lm_head']],
                         ids=['layers', 'vocabulary matrix'])
def test_constrained(tiny_llava, targets):
    head = build(tiny_llava, scoring=dict(type='constrained'), lora=dict(
        type='peft.LoraConfig', r=4, lora_alpha=80, target_modules=targets))
    feats = make_tokens([5, 3, 4, 5, 2, 1, 4, 3])
    found = head(feats)
    for clip in range(len(feats.ids)):
        left, path = [head.prompt.name(n) for n in NAMES], []
        while len(left) > 1:
            ways = sorted({n[len(path)] for n in left})
            path.append(max(ways, key=lambda t: float(
                logprobs(head, feats, clip, [*path, t])[-1])))
            left = [n for n in left if n[:len(path)] == path]
        assert head.prompt.name(NAMES[int(found[clip].argmax())]) == left[0]
    assert (found.exp().sum(1) == 1).all()
    samples = head.predict(feats, make_samples([0] * 8))
    assert all(s.pred_score.sum() == 1 for s in samples)


# ---------------------------------------------------------- linear head
def test_linear_head_learns(tiny_llava):
    torch.manual_seed(0)
    head = MODELS.build(head_cfg(tiny_llava, type='LVLMLinearHead'))
    assert isinstance(head, PromptReader)
    feats, samples = make_tokens([4] * 4), make_samples([0, 1, 2, 3])
    optimizer = torch.optim.Adam(
        [p for p in head.parameters() if p.requires_grad], 0.01)
    for _ in range(40):
        losses = head.loss(feats, samples)
        optimizer.zero_grad()
        (losses['loss_cls'] + losses['loss_lm']).backward()
        optimizer.step()
    assert losses['top1_acc'] == 1 and losses['loss_cls'] < 0.1
    # The answer is that of LVLMHead.
    assert head.generate(head.prompt_inputs(feats)) == CLASSES
    state = head.state_dict()
    assert {'classifier.weight', 'classifier.bias'} <= set(state)
    with pytest.raises(ValueError, match='LVLMHead takes any names'):
        head.set_classes(['a', 'b'])


def test_linear_head_has_the_ordinary_loss_lm(tiny_llava):
    feats, samples = make_tokens(LENGTHS), make_samples([0, 1, 3])
    head = build(tiny_llava)
    linear = build(tiny_llava, type='LVLMLinearHead')
    linear.load_state_dict(head.state_dict(), strict=False)
    torch.testing.assert_close(
        linear.loss(feats, samples)['loss_lm'],
        head.loss(feats, samples)['loss_lm'])


# ----------------------------------------------------------------- errors
@pytest.mark.parametrize('scoring, words', [
    (dict(type='trei'), "'trei'; there are trie"),
    (dict(type='constrained', length_norm=True), 'length_norm'),
    (dict(type='first_token', prior=1.), 'prior'),
    (dict(temperature=0.), 'temperature'), (dict(memory_mb=0), 'memory_mb')])
def test_bad_options(tiny_llava, scoring, words):
    with pytest.raises(ValueError, match=words):
        build(tiny_llava, scoring=scoring)


def test_prior_needs_text_behind_the_tokens(tiny_llava):
    head = build(tiny_llava, prompt='why : {tokens}', scoring=dict(prior=1.))
    with pytest.raises(ValueError, match='behind {tokens}'):
        head(make_tokens(LENGTHS))


def test_linear_head_does_not_score_names(tiny_llava):
    with pytest.raises(ValueError, match='scoring'):
        build(tiny_llava, type='LVLMLinearHead',
              scoring=dict(length_norm=True))
