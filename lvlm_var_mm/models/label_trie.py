"""Exact log-likelihoods of all class names in one forward.

The names are laid out behind the prompt as a prefix tree: each distinct
prefix of a name is one position, which sees the prompt and its own ancestors
and nothing of the other names. The likelihood of a name is then the product
of the edges on its path, exactly as if it stood behind the prompt alone.

Shapes: N clips, S prompt positions, P inner nodes of the tree, E its edges,
R answer positions behind the true name, V the vocabulary, D the width of the
language model.
"""
from typing import List, NamedTuple, Optional, Sequence, Tuple

import torch
import torch.nn as nn
from torch import Tensor
from torch.utils.checkpoint import checkpoint


class LabelTrie(nn.Module):
    """The token sequences of all class names as one tree.

    Every sequence must end in a token that marks the end of a name, so that
    no name is the beginning of another ("drink" and "drink water").

    Args:
        sequences (list[list[int]]): Token ids of each class name.

    Attributes:
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

    def __init__(self, sequences: Sequence[Sequence[int]]) -> None:
        super().__init__()
        children: List[dict] = [{}]  # of each node: token -> node
        parent, token, routes = [-1], [-1], []
        for label, sequence in enumerate(sequences):
            if not len(sequence):
                raise ValueError(f'class name {label} has no tokens')
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
        for label, route in enumerate(routes):
            if children[route[-1]] or sum(r[-1] == route[-1]
                                          for r in routes) > 1:
                raise ValueError(
                    f'class name {label} ends where another one passes: '
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

    def scores(self, edge_logprobs: Tensor) -> Tensor:
        """(N, E) log-probabilities of the edges -> (N, num_classes) sums
        along each name's path."""
        # Sums of log-probabilities must not pass through bfloat16.
        with torch.autocast(edge_logprobs.device.type, enabled=False):
            return edge_logprobs @ self.paths.T


class Layout(NamedTuple):
    """How one batch of prompts, the tree and the answers stand in a row."""
    mask: Tensor  # (N, 1, S+P+R, S+P+R) additive, 0 or the lowest float
    position_ids: Tensor  # (N, S+P+R)


def tree_layout(prompt_mask: Tensor,
                trie: LabelTrie,
                dtype: torch.dtype,
                labels: Optional[Tensor] = None,
                answer_len: int = 0) -> Layout:
    """Attention mask and positions for [prompt | tree | answer].

    Args:
        prompt_mask (Tensor): (N, S) bool, False on the left padding.
        trie (LabelTrie): The class names.
        dtype (torch.dtype): Of the language model; the mask is a float one,
            which eager and sdpa attention both read alike.
        labels (Tensor, optional): (N, ) the name that each answer follows.
        answer_len (int): R, answer positions. They see the prompt, the path
            of the label's name and the answer before them.

    Returns:
        Layout: The additive mask and the position ids.
    """
    n, s = prompt_mask.shape
    p, r = len(trie), answer_len
    total = s + p + r
    device = prompt_mask.device
    sees = torch.zeros(n, total, total, dtype=torch.bool, device=device)
    causal = torch.ones(total, total, dtype=torch.bool, device=device).tril()
    sees[:, :s, :s] = causal[:s, :s]
    sees[:, s:, :s] = True
    sees[:, s:s + p, s:s + p] = trie.ancestors
    positions = prompt_mask.long().cumsum(1).sub(1).clamp(min=0)
    start = prompt_mask.sum(1, keepdim=True) - 1  # the prompt's last position
    positions = [positions, start + trie.depth]
    if r:
        # Row 0 stands for a name of a single token, whose path is empty.
        path = torch.cat([trie.ancestors.new_zeros(1, p), trie.ancestors])
        depth = torch.cat([trie.depth.new_zeros(1), trie.depth])
        node = trie.leaf_parent[labels]
        sees[:, s + p:, s:s + p] = path[node][:, None]
        sees[:, s + p:, s + p:] = causal[:r, :r]
        positions.append(start + depth[node][:, None] + 1 +
                         torch.arange(r, device=device))
    sees[:, :, :s] &= prompt_mask[:, None]
    # A padded row must see something, or its softmax is not a number.
    sees |= torch.eye(total, dtype=torch.bool, device=device)
    mask = torch.zeros(n, 1, total, total, dtype=dtype, device=device)
    mask.masked_fill_(~sees[:, None], torch.finfo(dtype).min)
    return Layout(mask, torch.cat(positions, 1))


def next_token_logprobs(hidden: Tensor,
                        lm_head: nn.Module,
                        rows: Tensor,
                        tokens: Tensor,
                        rows_at_once: int = 256) -> Tensor:
    """Log-probability of given next tokens, without keeping the logits.

    The vocabulary matrix is far larger than the rest of a small language
    model; its logits are made for a block of rows at a time and made again
    in the backward pass instead of being kept.

    Args:
        hidden (Tensor): (rows, D) hidden states.
        lm_head (nn.Module): D -> V.
        rows (Tensor): (X, ) ascending, the row that each prediction is of.
        tokens (Tensor): (X, ) the token predicted.
        rows_at_once (int): Size of a block.

    Returns:
        Tensor: (X, ) float32 log-probabilities.
    """

    def block(h: Tensor, row: Tensor, token: Tensor) -> Tensor:
        logits = lm_head(h).float()
        return logits[row, token] - logits.logsumexp(-1)[row]

    bounds = torch.arange(0, len(hidden) + rows_at_once, rows_at_once)
    cuts = torch.searchsorted(rows, bounds.to(rows)).tolist()
    out = []
    for i, start in enumerate(bounds[:-1].tolist()):
        row, token = rows[cuts[i]:cuts[i + 1]], tokens[cuts[i]:cuts[i + 1]]
        if not len(row):
            continue
        args = (hidden[start:start + rows_at_once], row - start, token)
        out.append(
            checkpoint(block, *args, use_reentrant=False)
            if torch.is_grad_enabled() else block(*args))
    return torch.cat(out)


def trie_logprobs(hidden: Tensor, lm_head: nn.Module,
                  trie: LabelTrie) -> Tensor:
    """(N, 1+P, D) hidden states of the prompt's last position and of the
    tree -> (N, E) log-probabilities of the tree's edges."""
    n, width = hidden.shape[:2]
    shift = torch.arange(n, device=hidden.device)[:, None] * width
    rows = (trie.edge_from + shift).flatten()
    tokens = trie.edge_to.repeat(n)
    flat = next_token_logprobs(hidden.flatten(0, 1), lm_head, rows, tokens)
    return flat.view(n, -1)


def answer_logprobs(hidden: Tensor, lm_head: nn.Module, targets: Tensor,
                    mask: Tensor) -> Tuple[Tensor, Tensor]:
    """(N, R, D) hidden states, (N, R) next tokens and which of them count ->
    their summed log-probability and their number."""
    flat = mask.flatten().nonzero().squeeze(1)
    logprobs = next_token_logprobs(
        hidden.flatten(0, 1)[flat], lm_head,
        torch.arange(len(flat), device=hidden.device),
        targets.flatten()[flat])
    return logprobs.sum(), mask.sum()
