"""The action narrative: a clip's semantic action tokens, written out."""
from typing import Optional, Sequence, Tuple

from mmaction.utils import SampleList
from ..lvlm.words import runs, time_of
from ..tokens import SemanticTokens, number_of_parts
from ..vst.code_names import UNNAMED, VOCABULARY


def narrate(ids: Sequence[int],
            names: Optional[Sequence[str]] = None,
            span: Optional[Tuple[float, float]] = None,
            parts: int = 1) -> str:
    """Write a clip's tokens in order, repeats merged.

    Args:
        ids (Sequence[int]): (S, ) codes of the clip, first to last; those of
            several body parts one part after the other.
        names (Sequence[str], optional): (S, ) what each is called. Without,
            codes are called by their numbers.
        span (tuple[float, float], optional): Seconds that the clip covers.
            Without, a time is the number of a step.
        parts (int): Body parts.

    Returns:
        str: Such as ``a17 x3, a203, a5 x2`` or, with names, ``0.0-0.4 s right
        hand rises; 0.4-1.1 s unnamed``. What several parts do is described in
        the order of time, without what has no name.
    """
    length = len(ids) // parts
    found = runs(names or [f'a{int(code)}' for code in ids], parts)
    if not names:
        told = [', '.join(f'{name} x{end - at}' if end - at > 1 else name
                          for at, end, which, name in found if which == part)
                for part in range(parts)]
        return ' | '.join(told)
    if parts > 1:
        found = sorted({(at, end, 0, name) for at, end, _, name in found
                        if name != UNNAMED})
    return '; '.join(f'{time_of(at, end, length, span)} {name}'
                     for at, end, _, name in found)


def write_tokens(feats: SemanticTokens,
                 data_samples: SampleList) -> SampleList:
    """Put the tokens of the first view of each clip on its data sample:
    ``pred_tokens``, the codes; ``pred_num_codes``, K; ``pred_names``, the
    number of the name of each, -1 without; ``pred_parts``, its body part;
    ``pred_light_scores``, the scores of the neck's auxiliary head; and
    ``pred_narrative``, the whole in words. It has times where the meta
    information has the ``span`` of the clip.

    Args:
        feats (SemanticTokens): Of the views of N clips, side by side.
        data_samples (list[:obj:`ActionDataSample`]): N.
    """
    views = len(feats.ids) // len(data_samples)
    fields = dict(pred_tokens=feats.ids, pred_names=feats.names,
                  pred_parts=feats.parts)
    for i, sample in enumerate(data_samples):
        mask = feats.mask[i * views]
        for key, field in fields.items():
            if field is not None:
                sample.set_field(field[i * views][mask], key)
        if feats.num_codes is not None:
            sample.set_field(feats.num_codes[i * views], 'pred_num_codes')
        if feats.light_scores is not None:
            sample.set_field(feats.light_scores[i * views],
                             'pred_light_scores')
        numbers = sample.get('pred_names')
        names = None
        if numbers is not None and (numbers >= 0).any():
            names = [VOCABULARY[n] if n >= 0 else UNNAMED
                     for n in numbers.tolist()]
        parts = number_of_parts(sample.get('pred_parts'))
        sample.set_field(
            narrate(sample.pred_tokens, names, sample.get('span'), parts),
            'pred_narrative')
    return data_samples
