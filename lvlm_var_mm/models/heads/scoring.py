"""How classes are scored at test time: the exact way, what may be added to
it, and faster ones that decide less.

Shapes: N clips, P inner nodes of the trie.
"""
from typing import Callable, Dict, List

import torch
from torch import Tensor

from ..lvlm.label_trie import LabelTrie, tree_layout
from ..lvlm.logprobs import next_token_logprobs, trie_logprobs
from ..lvlm.prefix_cache import as_cache, cache_args
from ..tokens import SemanticTokens


class Scoring:
    """(N, num_classes) float32 scores of a head, by one of these methods:

    ``'trie'``
        Exact log-likelihoods of all names, from one forward.
    ``'first_token'``
        Log-probability of a name's first token: the prompt alone is read.
        All names must begin with different tokens.
    ``'constrained'``
        Greedy decoding along the trie: one name is certain, all others are
        impossible, so of the metrics top-1 alone means something.

    Args:
        type (str): The method.
        length_norm (bool): Divide by the number of a name's tokens.
        prior (float): Subtract so much of a name's log-likelihood behind a
            prompt without action tokens: likely words get no advantage.
        temperature (float): Divide the scores; ``CalibrationMetric`` fits
            it. It changes probabilities, not the order.
        memory_mb (float): What the activations of a forward may take; above
            it clips, then names are read in several.

    Raises:
        ValueError: An unknown method, or an option that it has no use for.
    """

    def __init__(self,
                 type: str = 'trie',
                 length_norm: bool = False,
                 prior: float = 0.,
                 temperature: float = 1.,
                 memory_mb: float = 2048) -> None:
        if type not in METHODS:
            raise ValueError(f'`scoring.type` is {type!r}; there are '
                             f'{", ".join(METHODS)}')
        if type != 'trie' and (length_norm or prior):
            raise ValueError('`scoring`: `length_norm` and `prior` are for '
                             f"type='trie', not {type!r}")
        if temperature <= 0 or memory_mb <= 0:
            raise ValueError('`scoring`: `temperature` and `memory_mb` must '
                             'be above 0')
        self.method = METHODS[type]
        # Whether exp(score) is the probability of the name.
        self.is_likelihood = (type == 'trie' and not length_norm and
                              not prior and temperature == 1)
        self.length_norm = length_norm
        self.prior = prior
        self.temperature = temperature
        self.memory = memory_mb * 2**20

    def __call__(self, head, feats: SemanticTokens) -> Tensor:
        scores = self.method(head, feats, self.memory)
        if self.prior:
            scores = scores - self.prior * head.remember(
                'prior', lambda: self._prior(head, feats))
        if self.length_norm:
            scores = scores / head.trie.paths.sum(1)
        return scores / self.temperature

    def _prior(self, head, feats: SemanticTokens) -> Tensor:
        """(1, num_classes) log-likelihoods of the names without a clip."""
        if not head.prompt.after:
            raise ValueError('`scoring.prior` needs a `prompt` that goes on '
                             'behind {tokens}: the names follow that text')
        one = feats.clips(slice(1))
        if head.prompt.has_keyframes:
            one = one._replace(frames=one.frames[:, :0],
                               places=one.places[..., :1])
        return self.method(
            head, one._replace(mask=torch.zeros_like(one.mask)), self.memory)


def trie_scores(head, feats: SemanticTokens, memory: float) -> Tensor:
    """One forward over the prompts and the trie, or as many as the memory
    takes."""
    scores = []
    tries = _tries_that_fit(head, feats, memory)
    biggest = max((trie for _, trie in tries), key=len)
    clips = max(1, int(memory // _bytes_a_clip(head, feats, biggest)))
    for start in range(0, len(feats.ids), clips):
        some = feats.clips(slice(start, start + clips))
        parts = [
            trie.scores(
                trie_logprobs(head.read(some, trie), head.lm_head, trie))
            for _, trie in tries
        ]
        scores.append(torch.cat(parts, 1))
    order = torch.tensor([label for labels, _ in tries for label in labels],
                         device=feats.ids.device)
    return torch.cat(scores)[:, order.argsort()]


def _tries_that_fit(head, feats: SemanticTokens, memory: float) -> List:
    """``(labels, trie)`` pairs, each small enough to be read for a clip."""
    trie = head.trie
    names, parts = len(trie.sequences), 1
    tries = [(list(range(names)), trie)]
    while parts < names and max(
            _bytes_a_clip(head, feats, t) for _, t in tries) > memory:
        parts = min(2 * parts, names)
        tries = trie.split(parts)
    return tries


def _bytes_a_clip(head, feats: SemanticTokens, trie: LabelTrie) -> int:
    """Of the largest layer's activations, in float32: attention weights twice
    (eager attention copies them), the mask, and three rows inside the MLP."""
    config, prompt = head.decoder.config, head.prompt
    rows = head.positions(feats) + len(trie)
    columns = len(prompt.before) + rows
    inner = getattr(config, 'intermediate_size', 4 * config.hidden_size)
    return 4 * rows * ((2 * config.num_attention_heads + 1) * columns +
                       3 * inner + 4 * config.hidden_size)


def first_token_scores(head, feats: SemanticTokens, _: float) -> Tensor:
    """The prompt alone is read.

    Raises:
        ValueError: Two names begin with the same token.
    """
    first = [sequence[0] for sequence in head.trie.sequences]
    for label, token in enumerate(first):
        if token in first[:label]:
            a, b = (head.classes.names[i] for i in
                    (first.index(token), label))
            raise ValueError(
                "`scoring.type='first_token'` needs names that differ in "
                f"their first token; {a!r} and {b!r} do not: use 'trie'")
    hidden = head.read(feats, None).squeeze(1)
    n, device = len(hidden), hidden.device
    return next_token_logprobs(
        hidden, head.lm_head,
        torch.arange(n, device=device).repeat_interleave(len(first)),
        torch.tensor(first, device=device).repeat(n)).view(n, -1)


def constrained_scores(head, feats: SemanticTokens, _: float) -> Tensor:
    """Greedy decoding along the trie, all clips side by side; a clip is done
    when one name alone is left below its node."""
    sequences, device = head.trie.sequences, feats.ids.device
    embeds, mask = head.embed_prompt(feats, head.prompt)
    n = len(mask)
    cache, past = head.open_cache(n, head.prompt, device)
    cache = as_cache(None, n) if cache is None else cache
    layout = tree_layout(mask, None, embeds.dtype, past=past)
    embeds, depth = embeds[:, past:], 0
    left = [list(range(len(sequences)))] * n  # names below each clip's node
    while True:
        hidden = head.decoder(
            inputs_embeds=embeds,
            attention_mask=layout.mask,
            position_ids=head.place(layout.position_ids, feats),
            **cache_args(head.decoder, cache)).last_hidden_state[:, -1]
        # Of each name left the token at this depth, or its last.
        here = [sequence[min(depth, len(sequence) - 1)]
                for sequence in sequences]
        ways = [sorted({here[i] for i in names}) for names in left]
        clips = torch.arange(n, device=device).repeat_interleave(
            torch.tensor([len(way) for way in ways], device=device))
        logprobs = next_token_logprobs(
            hidden, head.lm_head, clips,
            torch.tensor(sum(ways, []), device=device))
        chosen = [way[int(of_way.argmax())] for way, of_way in zip(
            ways, logprobs.split([len(way) for way in ways]))]
        left = [[i for i in names if here[i] == token]
                for names, token in zip(left, chosen)]
        if all(len(names) == 1 for names in left):
            break
        depth += 1
        embeds = head.embed_ids(chosen, device)[:, None]
        mask = torch.cat([mask, mask.new_ones(n, 1)], 1)
        layout = tree_layout(mask, None, embeds.dtype, past=mask.shape[1] - 1)
    scores = torch.full((n, len(sequences)), -torch.inf, device=device)
    scores[torch.arange(n), [names[0] for names in left]] = 0.
    return scores


METHODS: Dict[str, Callable] = dict(
    trie=trie_scores,
    first_token=first_token_scores,
    constrained=constrained_scores)
