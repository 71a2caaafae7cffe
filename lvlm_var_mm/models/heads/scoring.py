"""Ways to score classes at test time: the exact one, what may be added to
it, and faster ones that decide less.

Shapes: N clips, P inner nodes of the trie.
"""
from typing import Callable, Dict, List, Tuple

import torch
from torch import Tensor

from ..lvlm.label_trie import LabelTrie, tree_attention
from ..lvlm.language_model import LanguageModel, PromptInputs
from ..lvlm.logprobs import next_token_logprobs, trie_logprobs
from ..lvlm.prefix_cache import as_cache, cache_args


class Scoring:
    """Score class names, (N, num_classes) float32, by one of these methods:

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

    def __call__(self, lm: LanguageModel, inputs: PromptInputs,
                 trie: LabelTrie) -> Tensor:
        """Score the names of a trie behind prompts -> (N, num_classes)."""
        scores = self.method(lm, inputs, trie, self.memory)
        if self.prior:
            scores = scores - self.prior * lm.remember(
                'prior', lambda: self._prior(lm, inputs, trie))
        if self.length_norm:
            scores = scores / trie.paths.sum(1)
        return scores / self.temperature

    def _prior(self, lm: LanguageModel, inputs: PromptInputs,
               trie: LabelTrie) -> Tensor:
        """(1, num_classes) log-likelihoods of the names without a clip."""
        if bool(inputs.of_clip[:, -1].any()):
            raise ValueError('`scoring.prior` needs a `prompt` that goes on '
                             'behind {tokens}: the names follow that text')
        return self.method(lm, inputs.without_clip(), trie, self.memory)


def trie_scores(lm: LanguageModel, inputs: PromptInputs, trie: LabelTrie,
                memory: float) -> Tensor:
    """Score by one forward over the prompts and the trie, or as many as the
    memory takes."""
    scores = []
    tries = _tries_that_fit(lm, inputs, trie, memory)
    biggest = max((part for _, part in tries), key=len)
    clips = max(1, int(memory // _bytes_a_clip(lm, inputs, biggest)))
    for start in range(0, len(inputs.mask), clips):
        some = inputs.clips(slice(start, start + clips))
        parts = [
            part.scores(trie_logprobs(
                lm.forward_lm(some, part), lm.lm_head, part))
            for _, part in tries
        ]
        scores.append(torch.cat(parts, 1))
    order = torch.tensor([label for labels, _ in tries for label in labels],
                         device=inputs.mask.device)
    return torch.cat(scores)[:, order.argsort()]


def _tries_that_fit(lm: LanguageModel, inputs: PromptInputs, trie: LabelTrie,
                    memory: float) -> List[Tuple[List[int], LabelTrie]]:
    """``(labels, trie)`` pairs, each small enough to be read for a clip."""
    names, parts = len(trie.sequences), 1
    tries = [(list(range(names)), trie)]
    while parts < names and max(
            _bytes_a_clip(lm, inputs, t) for _, t in tries) > memory:
        parts = min(2 * parts, names)
        tries = trie.split(parts)
    return tries


def _bytes_a_clip(lm: LanguageModel, inputs: PromptInputs,
                  trie: LabelTrie) -> int:
    """Bytes of the largest layer's activations, in float32: attention weights
    twice (eager attention copies them), the mask, and three rows inside the
    MLP."""
    config = lm.decoder.config
    columns = inputs.mask.shape[1] + len(trie)
    rows = columns - len(inputs.before)
    inner = getattr(config, 'intermediate_size', 4 * config.hidden_size)
    return 4 * rows * ((2 * config.num_attention_heads + 1) * columns +
                       3 * inner + 4 * config.hidden_size)


def first_token_scores(lm: LanguageModel, inputs: PromptInputs,
                       trie: LabelTrie, _: float) -> Tensor:
    """Score by the first token of each name: the prompt alone is read.

    Raises:
        ValueError: Two names begin with the same token.
    """
    first = [sequence[0] for sequence in trie.sequences]
    for label, token in enumerate(first):
        if token in first[:label]:
            a, b = (trie.names[i] for i in (first.index(token), label))
            raise ValueError(
                "`scoring.type='first_token'` needs names that differ in "
                f"their first token; {a!r} and {b!r} do not: use 'trie'")
    hidden = lm.forward_lm(inputs).squeeze(1)  # (N, D)
    n, device = len(hidden), hidden.device
    return next_token_logprobs(
        hidden, lm.lm_head,
        torch.arange(n, device=device).repeat_interleave(len(first)),
        torch.tensor(first, device=device).repeat(n)).view(n, -1)


def constrained_scores(lm: LanguageModel, inputs: PromptInputs,
                       trie: LabelTrie, _: float) -> Tensor:
    """Decode greedily along the trie, all clips side by side; a clip is done
    when one name alone is left below its node."""
    sequences, device = trie.sequences, inputs.mask.device
    n, dtype = len(inputs.mask), inputs.embeds.dtype
    cache, past = lm.open_cache(inputs)
    cache = as_cache(None, n) if cache is None else cache
    embeds, mask, numbers = inputs.embeds, inputs.mask, inputs.position_ids
    attention = tree_attention(mask, None, dtype, past=past,
                               position_ids=numbers)
    embeds, depth = embeds[:, past:], 0
    left = [list(range(len(sequences)))] * n  # names below each clip's node
    while True:
        hidden = lm.decoder(
            inputs_embeds=embeds,
            attention_mask=attention.mask,
            position_ids=attention.position_ids,
            **cache_args(lm.decoder, cache)).last_hidden_state[:, -1]
        # Of each name left the token at this depth, or its last.
        here = [sequence[min(depth, len(sequence) - 1)]
                for sequence in sequences]
        ways = [sorted({here[i] for i in names}) for names in left]
        clips = torch.arange(n, device=device).repeat_interleave(
            torch.tensor([len(way) for way in ways], device=device))
        logprobs = next_token_logprobs(
            hidden, lm.lm_head, clips,
            torch.tensor(sum(ways, []), device=device))
        chosen = [way[int(of_way.argmax())] for way, of_way in zip(
            ways, logprobs.split([len(way) for way in ways]))]
        left = [[i for i in names if here[i] == token]
                for names, token in zip(left, chosen)]
        if all(len(names) == 1 for names in left):
            break
        depth += 1
        embeds = lm.embed(chosen, device)[:, None]
        mask = torch.cat([mask, mask.new_ones(n, 1)], 1)
        numbers = torch.cat([numbers, numbers[..., -1:] + 1], -1)
        attention = tree_attention(mask, None, dtype, past=mask.shape[1] - 1,
                                   position_ids=numbers)
    scores = torch.full((n, len(sequences)), -torch.inf, device=device)
    scores[torch.arange(n), [names[0] for names in left]] = 0.
    return scores


METHODS: Dict[str, Callable] = dict(
    trie=trie_scores,
    first_token=first_token_scores,
    constrained=constrained_scores)
