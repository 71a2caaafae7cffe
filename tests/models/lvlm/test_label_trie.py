"""The label trie is exact: one forward says what one per name would."""
import pytest
import torch
import torch.nn as nn
from helpers import head_cfg
from transformers import (CohereConfig, Gemma2Config, Lfm2Config, LlamaConfig,
                          LlavaForConditionalGeneration, MistralConfig,
                          MptConfig, Qwen2Config, Qwen3NextConfig)

from lvlm_var_mm.models.lvlm.label_trie import (LabelTrie, check_layers,
                                                check_window, tree_attention)
from lvlm_var_mm.models.lvlm.logprobs import (answer_logprobs,
                                              next_token_logprobs,
                                              trie_logprobs)
from mmaction.registry import MODELS

END = 9
NAMES = {
    'alone': [[5, END]],
    'one token': [[5], [6], [7]],
    'apart': [[5, END], [6, END]],
    'shared prefix': [[5, 6, 7, END], [5, 6, 8, END], [5, 4, END]],
    'one begins another': [[5, END], [5, 6, END], [5, 6, 6, END]],
    'all': [[5, END], [5, 6, END], [4, 7, 6, END], [4, 7, 8, END], [3, END]],
}
tries = pytest.mark.parametrize('names', NAMES.values(), ids=NAMES)


def prefixes(names):
    return {tuple(n[:i]) for n in names for i in range(1, len(n) + 1)}


def inner_prefixes(trie):
    """The prefix that each inner node stands for, read off the buffers."""
    out = []
    for i in range(len(trie)):
        line = sorted(trie.ancestors[i].nonzero().flatten().tolist(),
                      key=lambda j: trie.depth[j])
        out.append(tuple(trie.tokens[line].tolist()))
    return out


@tries
def test_nodes_are_the_distinct_prefixes(names):
    trie = LabelTrie(names)
    whole = {tuple(n) for n in names}
    found = inner_prefixes(trie)
    assert len(found) == len(trie)
    assert sorted(found) == sorted(prefixes(names) - whole)
    assert trie.depth.tolist() == [len(p) for p in found]


@tries
def test_each_prefix_is_one_edge_and_names_are_paths(names):
    trie = LabelTrie(names)
    starts = [(), *inner_prefixes(trie)]
    ends = [(*starts[i], int(t))
            for i, t in zip(trie.edge_from, trie.edge_to)]
    assert sorted(ends) == sorted(prefixes(names))
    for name, path, last in zip(names, trie.paths, trie.leaf_parent):
        on_path = sorted((ends[e] for e in path.nonzero().flatten()), key=len)
        assert on_path == [tuple(name[:i + 1]) for i in range(len(name))]
        assert starts[last] == tuple(name[:-1])
    # The scorer cuts the edges into blocks of rows.
    assert trie.edge_from.diff().ge(0).all()


@tries
def test_scores_add_up_the_path(names):
    trie = LabelTrie(names)
    edges = torch.randn(2, len(trie.edge_to))
    scores = trie.scores(edges)
    for label, path in enumerate(trie.paths.bool()):
        torch.testing.assert_close(scores[:, label], edges[:, path].sum(1))


def test_scores_do_not_pass_through_bfloat16():
    trie = LabelTrie(NAMES['all'])
    edges = torch.full((1, len(trie.edge_to)), -1.0009765625)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        scores = trie.scores(edges)
    assert scores.dtype is torch.float32
    assert torch.equal(scores, trie.scores(edges))


@pytest.mark.parametrize('names, label', [
    ([[5, END], []], 1),
    ([[5, END], [6, END], [5, END]], 0),
    ([[5], [5, 6]], 0),
    ([[5, 6], [5]], 1),
])
def test_names_that_cannot_be_told_apart_raise(names, label):
    with pytest.raises(ValueError, match=f'class name {label} '):
        LabelTrie(names)


@tries
def test_tree_is_no_part_of_a_checkpoint(names):
    assert not LabelTrie(names).state_dict()


# -------------------------------------------------------------- attention
PADDED = torch.tensor([[True] * 4, [False, False, True, True]])


def sees(attention, clip):
    mask = attention.mask[clip, 0]
    assert set(mask.unique().tolist()) <= {0., torch.finfo(mask.dtype).min}
    return mask == 0


@tries
@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_node_sees_the_prompt_and_its_ancestors(names, dtype):
    trie, s = LabelTrie(names), PADDED.shape[1]
    attention = tree_attention(PADDED, trie, dtype)
    assert attention.mask.dtype is dtype
    assert attention.mask.shape == (2, 1, s + len(trie), s + len(trie))
    found = inner_prefixes(trie)
    for clip, real in enumerate(PADDED):
        seen = sees(attention, clip)[s:]
        for i, prefix in enumerate(found):
            assert seen[i, :s].tolist() == real.tolist()
            assert seen[i, s:].tolist() == [
                prefix[:len(other)] == other for other in found]


@tries
def test_prompt_is_causal_and_padding_is_never_seen(names):
    attention = tree_attention(PADDED, LabelTrie(names), torch.float32)
    s = PADDED.shape[1]
    causal = torch.ones(s, s, dtype=torch.bool).tril()
    for clip, real in enumerate(PADDED):
        seen = sees(attention, clip)
        assert not seen[:s, s:].any()
        assert torch.equal(seen[:s, :s][real], (causal & real)[real])
        assert not seen[s:, :s][:, ~real].any()
        assert seen.any(1).all()  # else the softmax is not a number


def test_answer_sees_the_path_of_its_name():
    trie, s, r = LabelTrie(NAMES['all']), PADDED.shape[1], 3
    labels = torch.tensor([2, 4])  # two inner nodes lead to one, one to four
    attention = tree_attention(PADDED, trie, torch.float32, labels, r)
    found, p = inner_prefixes(trie), len(trie)
    for clip, (real, label) in enumerate(zip(PADDED, labels)):
        seen = sees(attention, clip)
        name = tuple(NAMES['all'][label])
        assert not seen[:s + p, s + p:].any()
        for row in seen[s + p:]:
            assert row[:s].tolist() == real.tolist()
            assert row[s:s + p].tolist() == [
                name[:len(f)] == f for f in found]
        assert torch.equal(seen[s + p:, s + p:],
                           torch.ones(r, r, dtype=torch.bool).tril())


def test_positions_count_on_from_the_prompt():
    trie, s = LabelTrie(NAMES['all']), PADDED.shape[1]
    labels = torch.tensor([2, 4])
    found = tree_attention(PADDED, trie, torch.float32, labels, 2).position_ids
    for clip, (real, label) in enumerate(zip(PADDED, labels)):
        length = int(real.sum())
        prompt, tree, answer = found[clip].split([s, len(trie), 2])
        assert prompt[real].tolist() == list(range(length))
        assert torch.equal(tree, length - 1 + trie.depth)
        # The first answer position reads the end of the name.
        first = length + len(NAMES['all'][label]) - 1
        assert answer.tolist() == [first, first + 1]


def test_answer_may_follow_a_name_of_one_token():
    trie, s = LabelTrie([[5], [6, 7]]), PADDED.shape[1]
    attention = tree_attention(
        PADDED, trie, torch.float32, torch.tensor([0, 1]), 1)
    assert attention.mask[:, 0, -1, s].eq(0).tolist() == [False, True]
    assert attention.position_ids[:, -1].tolist() == [4, 3]


# ------------------------------------------------------------- exactness
@pytest.fixture(scope='module', params=['eager', 'sdpa'])
def llava(request, tiny_llava):
    return LlavaForConditionalGeneration.from_pretrained(
        tiny_llava, dtype=torch.float32,
        attn_implementation=request.param).eval()


@torch.no_grad()
def plain_logprobs(model, prompt, tokens):
    """Of each of ``tokens`` behind the prompt, by an ordinary forward."""
    embeds = torch.cat(
        [prompt, model.get_input_embeddings()(torch.tensor(tokens))])
    logits = model(inputs_embeds=embeds[None]).logits[0]
    rows = logits[len(prompt) - 1:-1].log_softmax(-1)
    return rows[range(len(tokens)), tokens]


@torch.no_grad()
@tries
def test_one_forward_equals_one_a_name(llava, names):
    torch.manual_seed(1)
    lengths, answers = [6, 3, 5], [[7, 3, 8], [4, 4], [6]]
    trie, labels = LabelTrie(names), [0, len(names) - 1, len(names) // 2]
    embed, s, r, p = llava.get_input_embeddings(), 6, 3, len(trie)
    prompt = torch.randn(3, s, 32)  # what stands at the padding is noise
    mask = torch.arange(s) >= s - torch.tensor(lengths)[:, None]
    ends = torch.tensor([names[label][-1] for label in labels])
    target = torch.tensor([a + [0] * (r - len(a)) for a in answers])
    counts = torch.arange(r) < torch.tensor(
        [len(a) for a in answers])[:, None]
    read = torch.cat([ends[:, None], target[:, :-1]], 1)
    attention = tree_attention(
        mask, trie, torch.float32, torch.tensor(labels), r)
    hidden = llava.model.language_model(
        inputs_embeds=torch.cat([
            prompt, embed(trie.tokens).expand(3, -1, -1), embed(read)], 1),
        attention_mask=attention.mask,
        position_ids=attention.position_ids,
        use_cache=False).last_hidden_state[:, s - 1:]
    scores = trie.scores(
        trie_logprobs(hidden[:, :1 + p], llava.lm_head, trie))
    logprob, number = answer_logprobs(hidden[:, 1 + p:], llava.lm_head,
                                      target, counts)

    rows = [row[-length:] for row, length in zip(prompt, lengths)]
    expected = torch.stack([torch.stack([
        plain_logprobs(llava, row, name).sum() for name in names])
        for row in rows])
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)
    expected = sum(
        plain_logprobs(llava, row, names[label] + answer)[-len(answer):].sum()
        for row, label, answer in zip(rows, labels, answers))
    torch.testing.assert_close(logprob, expected, rtol=0, atol=1e-4)
    assert int(number) == sum(map(len, answers))


@pytest.mark.parametrize('trained', [True, False])
@pytest.mark.parametrize('slice_size', [1, 11, 22, 30, 77, 4096])
def test_slices_change_neither_values_nor_gradients(slice_size, trained):
    torch.manual_seed(0)
    hidden = torch.randn(7, 4, requires_grad=True)
    lm_head = nn.Linear(4, 11).requires_grad_(trained)
    # Several predictions of a row, and rows that predict nothing.
    rows = torch.tensor([0, 0, 0, 2, 3, 6, 6])
    tokens = torch.tensor([1, 2, 2, 10, 0, 5, 6])
    weight = torch.randn(len(rows))
    inputs = [hidden, *(p for p in lm_head.parameters() if trained)]

    found = next_token_logprobs(hidden, lm_head, rows, tokens, slice_size)
    plain = lm_head(hidden).log_softmax(-1)[rows, tokens]
    torch.testing.assert_close(found, plain)
    for a, b in zip(torch.autograd.grad((found * weight).sum(), inputs),
                    torch.autograd.grad((plain * weight).sum(), inputs)):
        torch.testing.assert_close(a, b)
    with torch.no_grad():
        torch.testing.assert_close(
            next_token_logprobs(hidden, lm_head, rows, tokens, slice_size),
            plain)


@pytest.mark.parametrize('scale', [1e-3, 1., 300.])
def test_large_logits_do_not_overflow(scale):
    torch.manual_seed(0)
    hidden = (scale * torch.randn(5, 8)).requires_grad_()
    lm_head = nn.Linear(8, 50, bias=False).requires_grad_(False)
    rows, tokens = torch.arange(5), torch.arange(5)
    found = next_token_logprobs(hidden, lm_head, rows, tokens, 10)
    plain = lm_head(hidden).log_softmax(-1)[rows, tokens]
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4)
    for a, b in zip(torch.autograd.grad(found.sum(), hidden),
                    torch.autograd.grad(plain.sum(), hidden)):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_bfloat16_rounds_no_logit_that_is_asked_for():
    torch.manual_seed(0)
    hidden = 4 * torch.randn(64, 32)
    lm_head = nn.Linear(32, 500, bias=False).requires_grad_(False)
    rows, tokens = torch.arange(64), torch.arange(64)
    low = nn.Linear(32, 500, bias=False).bfloat16().requires_grad_(False)
    low.weight.copy_(lm_head.weight)
    hidden = hidden.bfloat16()
    exact = nn.functional.linear(
        hidden.double(), low.weight.double()).log_softmax(-1)[rows, tokens]
    found = next_token_logprobs(hidden, low, rows, tokens)
    rounded = low(hidden).float().log_softmax(-1)[rows, tokens]
    assert found.dtype is torch.float32
    error, before = (found - exact).abs(), (rounded - exact).abs()
    assert error.mean() < before.mean() and error.max() < 0.02


def test_bfloat16_where_the_model_is_sure():
    """The wanted logit is most of the sum: rounded there and nowhere else it
    would give probabilities above one."""
    torch.manual_seed(0)
    low = nn.Linear(32, 500, bias=False).bfloat16().requires_grad_(False)
    low.weight.copy_(torch.randn(500, 32))
    tokens = torch.arange(200)
    hidden = low.weight[tokens] * torch.linspace(.2, 1.5, 200)[:, None]
    hidden = hidden.detach().bfloat16().requires_grad_()
    exact = nn.functional.linear(
        hidden.double(), low.weight.double()).log_softmax(-1)[tokens, tokens]
    assert (exact > -.1).sum() > 100 and (exact < -.1).sum() > 5
    found = next_token_logprobs(hidden, low, tokens, tokens)
    assert (found <= 0).all()
    assert (found - exact).abs().max() < 0.01
    found.sum().backward()
    expected, = torch.autograd.grad(exact.sum(), hidden)
    torch.testing.assert_close(hidden.grad, expected, rtol=.05, atol=.05)


@pytest.mark.parametrize('device', [
    'cpu', pytest.param('cuda', marks=pytest.mark.skipif(
        not torch.cuda.is_available(), reason='needs a GPU'))])
@pytest.mark.parametrize('slice_size', [70, 4096])
def test_bfloat16_probabilities_sum_to_one(slice_size, device):
    """Wanted logits and normaliser are of one product."""
    torch.manual_seed(0)
    low = nn.Linear(32, 500).to(device, torch.bfloat16).requires_grad_(False)
    hidden = (8 * torch.randn(6, 32, device=device)).bfloat16()
    rows = torch.arange(6, device=device).repeat_interleave(500)
    tokens = torch.arange(500, device=device).repeat(6)
    found = next_token_logprobs(hidden, low, rows, tokens, slice_size)
    torch.testing.assert_close(
        found.view(6, 500).exp().sum(1), torch.ones(6, device=device),
        rtol=0, atol=1e-5)


@pytest.mark.parametrize('parts', [1, 2, 3, 5])
def test_parts_of_a_tree_hold_all_names(parts):
    trie = LabelTrie(NAMES['all'])
    split = trie.split(parts)
    assert len(split) <= parts
    assert sorted(i for labels, _ in split for i in labels) == list(range(5))
    for labels, part in split:
        assert part.sequences == [NAMES['all'][i] for i in labels]
        assert len(part) < len(trie) or parts == 1


def test_models_that_carry_a_state_are_refused():
    """Convolutions and linear attention read past any mask."""
    hybrid = Lfm2Config(num_hidden_layers=2,
                        layer_types=['conv', 'full_attention'])
    for config in (hybrid, Qwen3NextConfig()):
        with pytest.raises(ValueError, match='conv|linear_attention'):
            check_layers(config)
    check_layers(LlamaConfig())


def test_models_whose_scores_would_not_be_exact_are_refused():
    for config in (Gemma2Config(), CohereConfig(), MptConfig()):
        with pytest.raises(ValueError, match='not be exact'):
            check_layers(config)
    check_layers(Gemma2Config(final_logit_softcapping=None))


@pytest.mark.parametrize('kernel', [
    'flash_attention_2', 'flash_attention_3', 'flex_attention'])
def test_attention_that_reads_no_mask_of_a_tree_is_refused(
        tiny_llava, kernel):
    config = LlamaConfig()
    for served in ('eager', 'sdpa'):
        config._attn_implementation = served
        check_layers(config)
    config._attn_implementation = kernel  # however it came there
    words = f'attn_implementation` is .{kernel}.*sdpa'
    with pytest.raises(ValueError, match=words):
        check_layers(config)
    # Whoever asks for it is told so, not to install it first.
    cfg = head_cfg(tiny_llava)
    cfg['lvlm']['attn_implementation'] = kernel
    with pytest.raises(ValueError, match=words):
        MODELS.build(cfg)


def test_sliding_windows():
    config = MistralConfig(sliding_window=64)
    check_window(config, 64)
    with pytest.raises(ValueError, match='see 64 positions back.*take 65'):
        check_window(config, 65)
    check_window(LlamaConfig(), 10**6)
    check_window(Qwen2Config(), 10**6)  # has one, but switched off
