"""Exact log-likelihoods of all class names in one forward.

The names are laid out behind the prompt as a prefix tree: each distinct
prefix of a name is one position, which sees the prompt and its own ancestors
and nothing of the other names. The likelihood of a name is then the product
of the edges on its path, exactly as if it alone followed the prompt.

Shapes: N clips, S prompt positions, P inner nodes of the tree, E its edges,
R answer positions behind the true name.
"""
from collections import Counter
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn as nn
from torch import Tensor
from transformers import PretrainedConfig


def check_layers(config: PretrainedConfig) -> None:
    """Check that a decoder of this ``config`` can read a tree.

    Raises:
        ValueError: It has layers that carry a state from each position to
            the next, past any mask: names side by side would read each other;
            positions that are not given but counted (ALiBi); logits that
            are not just what the last matrix gives; or attention by a kernel
            that :func:`check_attention` refuses.
    """
    check_attention(config._attn_implementation)
    kinds = set(getattr(config, 'layer_types', None) or
                getattr(config, 'layers_block_type', None) or ())
    changed = [key for key in ('final_logit_softcapping', 'logit_scale',
                               'logits_scaling')
               if getattr(config, key, None) not in (None, 1)]
    if changed or getattr(config, 'alibi', False) or (
            config.model_type in ('mpt', 'bloom')):
        raise ValueError(
            f'`lvlm` is a {config.model_type} with '
            f'{", ".join(changed) or "ALiBi"}, by which its class scores '
            'would not be exact: take a model such as LLaVA, Qwen2.5-VL or '
            'InternVL')
    if any(key.startswith('mamba_') for key in vars(config)) or not all(
            'attention' in kind and 'linear' not in kind for kind in kinds):
        raise ValueError(
            f'`lvlm` is a {config.model_type} with layers of the kinds '
            f'{sorted(kinds)}: all must attend by a mask, or the class names '
            'cannot be read side by side; take a model such as LLaVA, '
            'Qwen2.5-VL or InternVL')


def check_attention(implementation: Optional[str]) -> None:
    """Check that this attention of transformers reads the mask of a tree.

    Flash attention takes any mask for one of padding, so that names would
    read each other and nothing would fail.

    Raises:
        ValueError: Other than eager and sdpa; None is the model's default.
    """
    if implementation not in (None, 'eager', 'sdpa'):
        raise ValueError(
            f'`lvlm.attn_implementation` is {implementation!r}, which does '
            'not read the mask that keeps class names side by side apart: '
            "set it to 'sdpa' or 'eager'")


class LabelTrie(nn.Module):
    """The token sequences of all class names as one tree.

    Every sequence must end in a token that marks the end of a name, so that
    no name is the beginning of another ("drink" and "drink water").

    Args:
        sequences (list[list[int]]): Token ids of each class name.
        names (list[str], optional): The names, for messages. Default: their
            numbers.

    Attributes:
        sequences (list[list[int]]): As given.
        tokens (Tensor): (P, ) token of each inner node; a leaf is predicted
            but never read, so it has no position.
        depth (Tensor): (P, ) distance of each inner node from the root, >= 1.
        ancestors (Tensor): (P, P) bool, ``[i, j]`` where j is i itself or
            lies between it and the root.
        edge_from (Tensor): (E, ) what predicts the edge: 0 is the last
            position of the prompt, i + 1 is inner node i. Ascending.
        edge_to (Tensor): (E, ) the token that the edge predicts.
        paths (Tensor): (num_classes, E) 1 where the edge lies on the path.
        leaf_parent (Tensor): (num_classes, ) the inner node that predicts
            the end of the name, counted as in ``edge_from``.

    Raises:
        ValueError: A sequence is empty, or two are the same or one begins
            another.
    """

    def __init__(self, sequences: Sequence[Sequence[int]],
                 names: Optional[Sequence[str]] = None) -> None:
        super().__init__()
        self.sequences = [list(s) for s in sequences]
        self.names = list(names or map(str, range(len(sequences))))
        children: List[dict] = [{}]  # of each node: token -> node
        parent, token, routes = [-1], [-1], []
        for label, sequence in enumerate(sequences):
            if not len(sequence):
                raise ValueError(
                    f'class name {label} ({self.names[label]!r}) has no '
                    'tokens')
            node, route = 0, []
            for t in sequence:
                if t not in children[node]:
                    children[node][t] = len(children)
                    children.append({})
                    parent.append(node)
                    token.append(t)
                node = children[node][t]
                route.append(node)
            routes.append(route)
        ends = Counter(route[-1] for route in routes)
        for label, route in enumerate(routes):
            if children[route[-1]] or ends[route[-1]] > 1:
                other = next(i for i, way in enumerate(routes)
                             if i != label and route[-1] in way)
                raise ValueError(
                    f'class name {label} ({self.names[label]!r}) ends where '
                    f'class name {other} ({self.names[other]!r}) passes: '
                    'names must differ and end in the same end token')

        inner = [n for n in range(1, len(children)) if children[n]]
        position = {0: 0, **{n: i + 1 for i, n in enumerate(inner)}}
        ancestors = torch.zeros(len(inner), len(inner), dtype=torch.bool)
        depth = torch.zeros(len(inner), dtype=torch.long)
        for i, n in enumerate(inner):
            while n:
                ancestors[i, position[n] - 1] = True
                depth[i] += 1
                n = parent[n]
        # One edge leads to each node but the root; those that leave the same
        # position stand together, which lets the scorer work in row blocks.
        edges = sorted(range(1, len(children)),
                       key=lambda n: position[parent[n]])
        rank = {n: e for e, n in enumerate(edges)}
        paths = torch.zeros(len(routes), len(edges))
        for label, route in enumerate(routes):
            paths[label, [rank[n] for n in route]] = 1.

        def keep(name, value):
            # Derived from the names, so not part of a checkpoint.
            self.register_buffer(name, value, persistent=False)

        as_long = torch.LongTensor
        keep('tokens', as_long([token[n] for n in inner]))
        keep('depth', depth)
        keep('ancestors', ancestors)
        keep('edge_from', as_long([position[parent[n]] for n in edges]))
        keep('edge_to', as_long([token[n] for n in edges]))
        keep('paths', paths)
        keep('leaf_parent', as_long(
            [position[parent[r[-1]]] for r in routes]))

    def __len__(self) -> int:
        return len(self.tokens)

    def subset(self, labels: Sequence[int]) -> 'LabelTrie':
        """The tree of some of the names, in the order of ``labels``."""
        trie = LabelTrie([self.sequences[label] for label in labels],
                         [self.names[label] for label in labels])
        return trie.to(self.tokens.device)

    def split(self, parts: int) -> List[Tuple[List[int], 'LabelTrie']]:
        """Smaller trees that hold the names between them, each with the
        labels of its names. Names that begin alike stay together."""
        order = sorted(range(len(self.sequences)),
                       key=self.sequences.__getitem__)
        size = -(-len(order) // parts)
        groups = [order[i:i + size] for i in range(0, len(order), size)]
        return [(group, self.subset(group)) for group in groups]

    def scores(self, edge_logprobs: Tensor) -> Tensor:
        """(N, E) log-probabilities of the edges -> (N, num_classes) sums
        along each name's path."""
        # Sums of log-probabilities must not pass through bfloat16.
        with torch.autocast(edge_logprobs.device.type, enabled=False):
            return edge_logprobs @ self.paths.T


class TreeAttention(NamedTuple):
    """The mask and the position ids of [prompt | tree | answer]."""
    mask: Tensor  # (N, 1, rows, S+P+R) additive, 0 or the lowest float
    # (N, rows), where rows = S+P+R less the past; (A, N, rows) of pictures
    position_ids: Tensor


def check_window(config: PretrainedConfig, positions: int) -> None:
    """Check that every layer of a decoder sees all of so many positions.

    Raises:
        ValueError: Some see the last ones alone (sliding windows), which the
            mask of a tree does not say.
    """
    kinds = getattr(config, 'layer_types', None)
    some = (set(kinds) != {'full_attention'} if kinds else
            getattr(config, 'use_sliding_window', True))
    window = getattr(config, 'sliding_window', None) or getattr(
        config, 'attention_chunk_size', None)
    if some and window and positions > window:
        raise ValueError(
            f'layers of `lvlm`, a {config.model_type}, see {window} positions '
            f'back, but prompt and name take {positions}: shorten the prompt '
            'or take a model without a sliding window')


def tree_attention(prompt_mask: Tensor,
                   trie: Optional[LabelTrie],
                   dtype: torch.dtype,
                   labels: Optional[Tensor] = None,
                   answer_len: int = 0,
                   past: int = 0,
                   position_ids: Optional[Tensor] = None) -> TreeAttention:
    """Make attention mask and positions for [prompt | tree | answer].

    Args:
        prompt_mask (Tensor): (N, S) bool, False on padding, which may stand
            anywhere but at the end.
        trie (LabelTrie, optional): The class names; without, the answer
            follows the prompt.
        dtype (torch.dtype): Of the language model; the mask is a float one,
            which eager and sdpa attention both read alike.
        labels (Tensor, optional): (N, ) the name that each answer follows.
        answer_len (int): R, answer positions. They see the prompt, the path
            of the label's name and the answer before them.
        past (int): Positions of the prompt whose keys and values are there
            already: they are seen, but get no row.
        position_ids (Tensor, optional): (N, S), or (A, N, S), numbers of the
            prompt's positions. Defaults to numbering them in a row.

    Returns:
        TreeAttention: The additive mask and the position ids.
    """
    n, s = prompt_mask.shape
    p, r = 0 if trie is None else len(trie), answer_len
    total = s + p + r
    device = prompt_mask.device
    sees = torch.zeros(n, total, total, dtype=torch.bool, device=device)
    causal = torch.ones(total, total, dtype=torch.bool, device=device).tril()
    sees[:, :s, :s] = causal[:s, :s]
    sees[:, s:, :s] = True
    if position_ids is None:
        position_ids = prompt_mask.long().cumsum(1).sub(1).clamp(min=0)
    start = position_ids[..., -1:]  # the prompt's last position
    positions = [position_ids]
    if trie is not None:
        sees[:, s:s + p, s:s + p] = trie.ancestors
        positions.append(start + trie.depth)
    if r:
        depth = 0
        if trie is not None:
            # Row 0: for a name of a single token, whose path is empty.
            path = torch.cat([trie.ancestors.new_zeros(1, p), trie.ancestors])
            node = trie.leaf_parent[labels]
            sees[:, s + p:, s:s + p] = path[node][:, None]
            # The answer opens with the name's last token.
            depth = torch.cat([trie.depth.new_zeros(1),
                               trie.depth])[node][:, None]
        sees[:, s + p:, s + p:] = causal[:r, :r]
        positions.append(start + depth + 1 + torch.arange(r, device=device))
    sees[:, :, :s] &= prompt_mask[:, None]
    # A padded row must see something, or its softmax is not a number.
    sees |= torch.eye(total, dtype=torch.bool, device=device)
    sees = sees[:, None, past:]
    mask = torch.zeros(sees.shape, dtype=dtype, device=device)
    mask.masked_fill_(~sees, torch.finfo(dtype).min)
    return TreeAttention(mask, torch.cat(positions, -1)[..., past:])
