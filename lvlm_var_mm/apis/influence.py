"""Tell by how much the score of a class rests on each span of tokens.

Shapes: S tokens of a clip, R spans.
"""
from itertools import chain
from typing import Any, Dict, List, Sequence, Tuple

import torch
from torch import nn

from lvlm_var_mm.models.tokens import SemanticTokens, tokens_of

DRAWS = 3  # controls of a span
AT_ONCE = 32  # rows that the model reads at a time
Run = Tuple[int, int]  # first token, number of tokens


@torch.no_grad()
def influence(model: nn.Module, data: Dict, answers: Sequence[Dict[str, Any]]
              ) -> None:
    """Add to each span of ``tokens`` of the answers its ``influence``, by how
    much the score of the class falls if the model does not see it, and
    ``influence_elsewhere``, by how much it falls on average without as many
    tokens elsewhere (:func:`elsewhere`). A model that sees less is less sure
    whatever was erased: only what exceeds the second says something of the
    span.

    A span of more than half of the tokens has no ``influence_elsewhere``, and
    an only span neither.

    Args:
        model (nn.Module): A recognizer with a head that reads tokens.
        data (dict): The batch, as the model's ``test_step`` takes it.
        answers (sequence[dict]): Of the clips, with ``label`` and ``tokens``.
    """
    data = model.data_preprocessor(data, False)
    samples, head = data['data_samples'], model.cls_head
    tokens = tokens_of(model, data['inputs'])
    views = len(tokens.ids) // len(samples)
    tokens = tokens.clips(slice(None, None, views))
    for i, answer in enumerate(answers):
        spans = answer['tokens']
        if len(spans) < 2:  # nothing would be left
            continue
        own = [(span['first'], span['steps']) for span in spans]
        number = sum(steps for _, steps in own)
        controls = [elsewhere(*run, number) for run in own]
        # What several ask for is scored once; without nothing is the whole.
        rows = list(dict.fromkeys([(0, 0), *own, *chain(*controls)]))
        scores = _scores_without(head, tokens.clips(slice(i, i + 1)),
                                 samples[i], rows, answer['label'])
        whole, *less = scores
        fall = {row: whole - score for row, score in zip(rows[1:], less)}
        for span, run, others in zip(spans, own, controls):
            span['influence'] = round(fall[run], 6)
            if others:
                span['influence_elsewhere'] = round(
                    sum(fall[r] for r in others) / len(others), 6)


def elsewhere(first: int, steps: int, number: int, draws: int = DRAWS
              ) -> List[Run]:
    """Return spans as long as one, which share no token with it: it is moved
    around the clip by equal ways, and what leaves at the end comes in at the
    beginning.

    Args:
        first, steps (int): The span.
        number (int): S.
        draws (int): How many to return, or fewer where there is no room.

    Returns:
        list[tuple[int, int]]: First token and number of tokens, counted
        around the clip; the same at every call.
    """
    room = number - 2 * steps + 1  # ways by which it may move
    if room < 1:
        return []
    count = min(draws, room)
    moves = [steps + (2 * k + 1) * room // (2 * count) for k in range(count)]
    return [((first + by) % number, steps) for by in moves]


def _scores_without(head: nn.Module, tokens: SemanticTokens, sample: Any,
                    rows: Sequence[Run], label: int) -> List[float]:
    """Score a class of one clip without each of ``rows``."""
    places = tokens.mask[0].nonzero().flatten()
    scores: List[float] = []
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start:start + AT_ONCE]
        several = SemanticTokens(*(
            field if field is None else field.repeat_interleave(len(part), 0)
            for field in tokens))
        for mask, (first, steps) in zip(several.mask, part):
            mask[places[[at % len(places) for at in range(
                first, first + steps)]]] = False
        scores += head(several, [sample] * len(part)).softmax(1)[
            :, label].tolist()
    return scores
