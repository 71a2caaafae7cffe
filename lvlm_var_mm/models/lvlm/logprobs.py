"""Log-probabilities of given next tokens, without ever holding the logits.

The vocabulary matrix of a small language model costs more than its layers,
and the logits of a batch are far larger than anything else in it. Of a
position's V logits only those of tokens that occur in the names or in the
answer are wanted, and the logarithm of the sum over all. The sum is taken
over slices of the vocabulary with a running maximum (Milakov and
Gimelshein, arXiv:1805.02867), so one slice of logits is alive at a time and
the matrix is read once.

Shapes: N clips, P inner nodes of the trie, E its edges, R answer positions, V
the vocabulary, D the width of the language model, B rows of hidden states, X
predictions.
"""
from typing import Tuple

import torch
import torch.nn as nn
from mmengine.dist import all_reduce
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .label_trie import LabelTrie

# Logits alive at once: 8 MB in float32, about what the caches of a CPU hold.
SLICE = 2**21


def next_token_logprobs(hidden: Tensor,
                        lm_head: nn.Module,
                        rows: Tensor,
                        tokens: Tensor,
                        slice_size: int = SLICE) -> Tensor:
    """Log-probability of given next tokens.

    Args:
        hidden (Tensor): (B, D) hidden states.
        lm_head (nn.Module): D -> V.
        rows (Tensor): (X, ) ascending, the row that each prediction is of.
        tokens (Tensor): (X, ) the token predicted.
        slice_size (int): Logits alive at once.

    Returns:
        Tensor: (X, ) float32 log-probabilities.
    """
    if not _is_frozen_linear(lm_head):
        return _by_rows(hidden, lm_head, rows, tokens,
                        max(1, slice_size // _width_out(lm_head)))
    dtype = lm_head.weight.dtype
    if torch.is_autocast_enabled(hidden.device.type):
        dtype = torch.get_autocast_dtype(hidden.device.type)
    # A sum over the vocabulary must not pass through bfloat16.
    with torch.autocast(hidden.device.type, enabled=False):
        return _LogProbs.apply(
            hidden.to(dtype), lm_head.weight, lm_head.bias, rows, tokens,
            slice_size)


class _LogProbs(torch.autograd.Function):
    """(B, D) hidden states -> (X, ) log-probabilities of given next tokens.

    The wanted logits are picked from the slices that the normaliser sums up.
    The gradient of the normaliser is the expected row of the vocabulary
    matrix. Where a gradient will be asked for, that row is summed up beside
    it, which spares the backward pass to make the logits a second time.
    """

    @staticmethod
    def forward(ctx, hidden, weight, bias, rows, tokens, slice_size):
        expect = ctx.needs_input_grad[0]
        top = hidden.new_full((len(hidden), 1), -torch.inf,
                              dtype=torch.float32)
        total = torch.zeros_like(top)
        wanted = top.new_full((len(rows), ), torch.nan)
        if expect:
            mean = torch.zeros_like(hidden, dtype=torch.float32)
        step = max(1, slice_size // max(1, len(hidden)))
        for start in range(0, len(weight), step):
            part = slice(start, start + step)
            matrix = weight[part].to(hidden.dtype)
            logits = _float32_product(hidden, matrix)
            if bias is not None:
                logits.add_(bias[part])
            column = tokens - start
            wanted = torch.where(
                (0 <= column) & (column < len(matrix)),
                logits[rows, column.clamp(0, len(matrix) - 1)], wanted)
            higher = torch.maximum(top, logits.amax(1, keepdim=True))
            shrink = (top - higher).exp_()
            logits.sub_(higher).exp_()
            total.mul_(shrink).add_(logits.sum(1, keepdim=True))
            if expect:
                mean.mul_(shrink).add_(logits.to(hidden.dtype) @ matrix)
            top = higher
        if expect:
            # The rows themselves: a sharded weight may be gone by then.
            ctx.save_for_backward(
                mean.div_(total).to(hidden.dtype), weight[tokens], rows)
        return wanted - (top + total.log()).squeeze(1)[rows]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        mean, wanted, rows = ctx.saved_tensors
        of_row = grad.new_zeros(len(mean)).index_add_(0, rows, grad)
        out = (-of_row[:, None] * mean).index_add_(
            0, rows, grad[:, None] * wanted)
        return out.to(mean.dtype), None, None, None, None, None


def _float32_product(hidden: Tensor, matrix: Tensor) -> Tensor:
    """(B, D) x (v, D) -> (B, v) float32 logits, of operands that may be
    bfloat16: rounded to it, a logit of 20 would be off by up to 0.06."""
    if hidden.dtype is torch.float32:
        return hidden @ matrix.t()
    # Tensor cores add up in float32 anyway; since torch 2.8 one may ask.
    if hidden.is_cuda and hasattr(torch.ops.aten.mm, 'dtype'):
        return torch.mm(hidden, matrix.t(), out_dtype=torch.float32)
    hidden = hidden.float()
    return torch.cat([
        hidden @ block.float().t()
        for block in matrix.split(max(1, SLICE // matrix.shape[1]))
    ], 1)


def _is_frozen_linear(lm_head: nn.Module) -> bool:
    # A sharded weight is whole only while its own module runs.
    return type(lm_head) is nn.Linear and not any(
        p.requires_grad for p in lm_head.parameters()) and (
            lm_head.weight.shape == (lm_head.out_features,
                                     lm_head.in_features))


def _width_out(lm_head: nn.Module) -> int:
    return getattr(lm_head, 'out_features', 2**15)


def _by_rows(hidden: Tensor, lm_head: nn.Module, rows: Tensor, tokens: Tensor,
             rows_at_once: int) -> Tensor:
    """The same for a vocabulary matrix that is trained or wrapped: logits of
    a block of rows at a time, made again in the backward pass."""

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


def per_token(logprob: Tensor, length: Tensor) -> Tensor:
    """The mean over all tokens of a batch, from the sum of their
    log-probabilities and their number. On several processes each has a part
    of the batch; the gradients are averaged, so every part must be divided by
    the same number for the whole to be the mean.
    """
    length = length.to(logprob)
    all_reduce(length, 'mean')  # of numbers, no gradient goes there
    return logprob / length
