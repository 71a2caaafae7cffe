"""Does a decision rest on what its reason names? Erase it and see.

After ERASER (DeYoung et al., arXiv:1911.03429), with a control that theirs
lacks: spans of the same lengths at random places. A model that has seen less
is less sure whatever was taken away; only what exceeds the control says
something of the reason.

Shapes: N clips of one view, L steps, S = P L tokens of P body parts.
"""
import copy
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from lvlm_var_mm.kinematics import check, claims, observation_of
from lvlm_var_mm.kinematics.claims import names_claimed
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.models.heads.base import LVLMBaseHead
from lvlm_var_mm.models.tokens import SemanticTokens
from lvlm_var_mm.models.vst.code_names import steps_active
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList


def rationale(sample: ActionDataSample, steps: int) -> Tensor:
    """Find the steps during which that happens which the reason of a clip
    truly claims.

    Args:
        sample (:obj:`ActionDataSample`): With ``pred_reason``, ``events``,
            ``decidable`` and ``span``.
        steps (int): L.

    Returns:
        Tensor: bool (L, ).
    """
    seen = observation_of(sample.get('events'), sample.get('decidable'))
    named = set()
    for claim in claims(sample.get('pred_reason')):
        if check(claim, seen):
            named |= names_claimed(claim)
    active = steps_active(sample.get('events'), sample.get('span'), steps)
    return active[:, [INDEX[name] for name in sorted(named)]].any(1)


def erase(tokens: SemanticTokens, data_samples: SampleList, gone: Tensor
          ) -> Tuple[SemanticTokens, List[ActionDataSample]]:
    """Take steps of clips away: their tokens, and the events of which more
    than half lies in them.

    Args:
        tokens (SemanticTokens): Of N clips.
        data_samples (list[:obj:`ActionDataSample`]): N; those with ``events``
            have a ``span``.
        gone (Tensor): bool (N, L).

    Returns:
        tuple: Tokens, and copies of the data samples.
    """
    parts = tokens.mask.shape[1] // gone.shape[1]
    mask = tokens.mask & ~gone.repeat(1, parts).to(tokens.mask.device)
    samples = []
    for sample, steps in zip(data_samples, gone.cpu().numpy()):
        events = sample.get('events')
        if events is not None:
            sample = copy.copy(sample)
            sample.set_metainfo(dict(events=outside(
                np.asarray(events), sample.get('span'), steps)))
        samples.append(sample)
    return tokens._replace(mask=mask), samples


def outside(events: np.ndarray, span: Sequence[float],
             gone: np.ndarray) -> np.ndarray:
    """(Q, 5) events -> those of which at least half lies outside the steps
    (L, )."""
    edges = np.linspace(*span, len(gone) + 1)
    start, end = events[:, 1:2], events[:, 2:3]
    inside = np.clip(np.minimum(end, edges[1:]) - np.maximum(
        start, edges[:-1]), 0, None)[:, gone].sum(1)
    return events[2 * inside <= (end - start)[:, 0]]


def steps_of(tokens: SemanticTokens) -> int:
    """Return L, the steps in time that the tokens of a clip stand for."""
    parts = 1 if tokens.parts is None else 1 + int(tokens.parts.max())
    return tokens.mask.shape[1] // parts


@torch.no_grad()
def faithfulness(head: LVLMBaseHead, tokens: SemanticTokens,
                 data_samples: SampleList, draws: int = 3,
                 seed: int = 0) -> Dict[str, Tensor]:
    """Measure how much of the probability of the predicted class goes with
    the steps that its reason names.

    Args:
        head (LVLMBaseHead): In test mode.
        tokens (SemanticTokens): Of N clips, one view each.
        data_samples (list[:obj:`ActionDataSample`]): N, with ``pred_label``,
            ``pred_reason``, ``events``, ``decidable`` and ``span``.
        draws (int): Random controls of each clip: the same spans, moved
            around the clip.
        seed (int): Of these.

    Returns:
        dict: (N, ) each, NaN where the reason names no step or all of them:
        ``comprehensiveness``, the probability lost without these steps;
        ``sufficiency``, that lost with these alone, the less the better; and
        both of the controls as ``..._random``.
    """
    steps = steps_of(tokens)
    named = torch.stack([rationale(s, steps) for s in data_samples])
    labels = torch.cat([s.pred_label for s in data_samples])

    def lost(gone: Tensor) -> Tensor:
        less, samples = erase(tokens, data_samples, gone)
        return whole - probability(head, less, samples, labels)

    whole = probability(head, tokens, data_samples, labels)
    return compare_spans(named, lost, draws, seed)


def compare_spans(named: Tensor, lost: Callable[[Tensor], Tensor],
                  draws: int, seed: int) -> Dict[str, Tensor]:
    """Measure what is lost without some steps and with them alone, beside the
    same of random ones.

    Args:
        named (Tensor): bool (N, L), the steps that reasons name.
        lost (callable): bool (N, L), the steps that are taken away, to the
            (N, ) probability that is lost.
        draws, seed: See :func:`faithfulness`.

    Returns:
        dict: As of :func:`faithfulness`.
    """
    rng = torch.Generator().manual_seed(seed)
    found: Dict[str, List[Tensor]] = {}
    for draw in range(1 + draws):
        spans, suffix = named, ''
        if draw:
            moves = torch.randint(1, max(named.shape[1], 2), (len(named), ),
                                  generator=rng)
            spans, suffix = torch.stack([
                row.roll(int(by)) for row, by in zip(named, moves)]), '_random'
        found.setdefault('comprehensiveness' + suffix, []).append(lost(spans))
        found.setdefault('sufficiency' + suffix, []).append(lost(~spans))
    tells = named.any(1) & ~named.all(1)
    return {key: torch.stack(values).mean(0).cpu().masked_fill(
        ~tells, torch.nan) for key, values in found.items()}


def probability(head: LVLMBaseHead, tokens: SemanticTokens,
                data_samples: SampleList, labels: Tensor) -> Tensor:
    """Return the (N, ) probabilities of these classes."""
    scores = head.score(head.prompt_inputs(tokens, data_samples))
    return scores.float().softmax(1).gather(
        1, labels.to(scores.device)[:, None])[:, 0]


@torch.no_grad()
def does_it_read(head: LVLMBaseHead, tokens: SemanticTokens,
                 data_samples: SampleList, labels: Tensor,
                 seed: int = 0) -> Dict[str, float]:
    """Measure the accuracy with tokens that say less or other things.

    Args:
        head (LVLMBaseHead): In test mode.
        tokens (SemanticTokens): Of N clips, one view each.
        data_samples (list[:obj:`ActionDataSample`]): N.
        labels (Tensor): (N, ) true ones.
        seed (int): Of what is drawn.

    Returns:
        dict: Hits of ``whole``; of ``shuffled``, in another order in time;
        of ``zero``, embeddings of zeros; of ``swapped``, the tokens of
        another clip, left out if there is none. The narrative, if the
        prompt has one, stays.
    """
    rng = torch.Generator().manual_seed(seed)
    n, length = tokens.ids.shape
    order = torch.stack([torch.randperm(length, generator=rng)
                         for _ in range(n)]).to(tokens.ids.device)
    variants = dict(
        whole=tokens,
        shuffled=tokens._replace(embeds=tokens.embeds.gather(
            1, order[..., None].expand_as(tokens.embeds))),
        zero=tokens._replace(embeds=torch.zeros_like(tokens.embeds)))
    differs = (labels[:, None] != labels).cpu()
    if differs.any(1).all():
        other = torch.multinomial(differs.float(), 1, generator=rng)[:, 0]
        variants['swapped'] = tokens._replace(embeds=tokens.embeds[other],
                                              mask=tokens.mask[other])
    labels = labels.to(tokens.ids.device)
    return {name: int((head.score(head.prompt_inputs(
        some, data_samples)).argmax(1) == labels).sum())
        for name, some in variants.items()}
