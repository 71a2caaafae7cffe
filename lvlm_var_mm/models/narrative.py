"""The action narrative: a clip's semantic action tokens, written out."""
from itertools import groupby
from typing import Optional, Sequence, Tuple

from mmaction.utils import SampleList
from .code_names import UNNAMED, VOCABULARY
from .vst_neck import SemanticTokens


def narrate(ids: Sequence[int],
            names: Optional[Sequence[str]] = None,
            span: Optional[Tuple[float, float]] = None) -> str:
    """Write a clip's tokens in order, repeats merged.

    Args:
        ids (Sequence[int]): (L, ) codes of the clip, first to last.
        names (Sequence[str], optional): (L, ) what each is called. Without,
            codes are called by their numbers.
        span (tuple[float, float], optional): Seconds that the clip covers.
            Without, a time is the number of a step.

    Returns:
        str: Such as ``a17 x3, a203, a5 x2`` or, with names, ``0.0-0.4 s right
        hand rises; 0.4-1.1 s unnamed``.
    """
    called = names or [f'a{int(code)}' for code in ids]
    runs = [(name, len(list(run))) for name, run in groupby(called)]
    if not names:
        return ', '.join(
            f'{name} x{length}' if length > 1 else name
            for name, length in runs)
    parts, at = [], 0
    for name, length in runs:
        if span is None:
            time = f'step {at + 1}' + f'-{at + length}' * (length > 1)
        else:
            start, end = (span[0] + (span[1] - span[0]) * step / len(called)
                          for step in (at, at + length))
            time = f'{start:.1f}-{end:.1f} s'
        parts.append(f'{time} {name}')
        at += length
    return '; '.join(parts)


def write_tokens(feats: SemanticTokens,
                 data_samples: SampleList) -> SampleList:
    """Put the tokens of the first view of each clip on its data sample:
    ``pred_tokens``, the codes; ``pred_names``, the number of the name of
    each, -1 without; ``pred_light_scores``, the scores of the neck's
    auxiliary head; and ``pred_narrative``, the whole in words. It has times
    where the meta information has the ``span`` of the clip.

    Args:
        feats (SemanticTokens): Of the views of N clips, side by side.
        data_samples (list[:obj:`ActionDataSample`]): N.
    """
    views = len(feats.ids) // len(data_samples)
    for i, sample in enumerate(data_samples):
        mask = feats.mask[i * views]
        ids, names = feats.ids[i * views][mask], None
        sample.set_field(ids, 'pred_tokens')
        if feats.names is not None:
            numbers = feats.names[i * views][mask]
            sample.set_field(numbers, 'pred_names')
            if (numbers >= 0).any():
                names = [VOCABULARY[n] if n >= 0 else UNNAMED
                         for n in numbers.tolist()]
        if feats.light_scores is not None:
            sample.set_field(feats.light_scores[i * views],
                             'pred_light_scores')
        sample.set_field(
            narrate(ids, names, sample.get('span')), 'pred_narrative')
    return data_samples
