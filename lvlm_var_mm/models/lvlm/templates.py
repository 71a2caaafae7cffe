"""Templates of prompts: the places of what differs from clip to clip, and the
texts around them."""
import re
from typing import List, Sequence, Tuple

TOKENS, NARRATIVE, KEYFRAMES = PLACES = ('{tokens}', '{narrative}',
                                         '{keyframes}')


def places_of(prompt: str) -> Tuple[str, ...]:
    """Return the placeholders of a template in their order.

    Raises:
        ValueError: One stands twice, there is neither ``{tokens}`` nor
            ``{narrative}``, or keyframes are not before the tokens.
    """
    found = re.findall('|'.join(map(re.escape, PLACES)), prompt)
    for place in PLACES:
        if found.count(place) > 1:
            split_once(prompt, place, 'prompt')
    if NARRATIVE not in found:
        split_once(prompt, TOKENS, 'prompt')
    if KEYFRAMES in found and found[:2] != [KEYFRAMES, TOKENS]:
        raise ValueError('`prompt` must hold {keyframes} before {tokens}, and '
                         f'{{narrative}} behind them: {prompt!r}')
    return tuple(found)


def texts_of(prompt: str, names: Sequence[str]) -> Tuple[List[str], str]:
    """Split a template at its places.

    Returns:
        tuple[list[str], str]: One text more than there are places, and the
        blanks before the narrative, which are left to it: tokenizers join
        them with its first word.
    """
    texts, blank = [], ''
    for place in places_of(prompt):
        text, prompt = prompt.split(place)
        if place == NARRATIVE:
            bare = text.rstrip(' ')
            text, blank = bare, text[len(bare):]
        texts.append(text)
    listed = ', '.join(names)
    return [t.replace('{candidates}', listed) for t in [*texts, prompt]], blank


def split_once(template: str, mark: str, key: str) -> Tuple[str, str]:
    """Split a template at a placeholder.

    Raises:
        ValueError: It does not stand there once; names ``key``.
    """
    parts = template.split(mark)
    if len(parts) != 2:
        raise ValueError(f'`{key}` must hold {mark} once, not '
                         f'{len(parts) - 1} times: {template!r}')
    return parts[0], parts[1]
