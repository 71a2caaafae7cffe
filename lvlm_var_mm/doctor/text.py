"""The text that the language model of a config reads."""
from typing import Iterator, Optional

from torch import nn

from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.kinematics import claims
from lvlm_var_mm.models.lvlm.reader import PromptReader
from lvlm_var_mm.models.lvlm.words import EXAMPLE
from .findings import Finding, failure, shorten

AREA = 'model'


def check_text(head: Optional[nn.Module]) -> Iterator[Finding]:
    """Show the whole text of one clip, and whether those of all classes come
    back from their token ids."""
    if not isinstance(head, PromptReader):
        return
    for prompt in head.prompts:
        try:
            texts = [prompt.shown(*pair, EXAMPLE)
                     for pair in zip(*head.classes)]
        except ValueError as e:
            yield failure(AREA, e, 'correct `model.cls_head.answer`')
            continue
        said = f'a clip is read as {texts[0][0]!r}'
        other = [(text, decoded) for text, decoded in texts if text != decoded]
        if other:
            yield Finding(
                'note', AREA, f'{said}; of {len(texts)} such texts, '
                f'{len(other)} come back otherwise from their token ids, as '
                f'{other[0][1]!r}', 'harmless if only blanks differ; else '
                'give `model.cls_head.tokenizer` that of the language model')
        else:
            yield Finding('ok', AREA, f'{said}: the token ids of all '
                          f'{len(texts)} such texts decode to them')


def check_claims(classes: ClassList) -> Iterator[Finding]:
    """Tell which descriptions claim nothing that joints can decide: classes
    that ``ClaimScorer`` cannot tell, and whose reasons cannot be checked."""
    described = [(name, claims(text)) for name, text in zip(*classes) if text]
    silent = [name for name, made in described if not made]
    if silent:
        yield Finding(
            'note', AREA, f'{len(silent)} of {len(described)} descriptions '
            f'claim nothing that joints can decide: {shorten(silent)}',
            "say in `class_names` what parts of the body do, such as 'one "
            "hand rises to the mouth, then lowers' (docs/zero_shot.md)")
    elif described:
        number = sum(len(made) for _, made in described)
        yield Finding('ok', AREA, f'{len(described)} descriptions make '
                      f'{number} claims that joints can decide')
