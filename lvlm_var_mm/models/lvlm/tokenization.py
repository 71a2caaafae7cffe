"""Token ids of whole strings, as the tokenizer of a language model makes them.

A sequence opens with text, and text goes on behind what has none: pictures and
action tokens. A tokenizer knows the first case alone; SentencePiece puts a
blank before every string that it is given.
"""
from typing import List, Tuple

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

# What may stand before a text while it is encoded, to be cut off afterwards.
GUARDS = '\n', '.', 'a', '0'


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> List[int]:
    """Return the ids of a text alone, without special tokens around it."""
    if not text:
        return []
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def encode_start(tokenizer: PreTrainedTokenizerBase, text: str) -> List[int]:
    """Return the ids of a text that opens a sequence: behind the tokens that
    the tokenizer opens its texts with, which are not repeated if the text
    has them. What it ends texts with is left out, for the sequence goes on.
    """
    ids, opening = encode(tokenizer, text), _opening(tokenizer)
    return ids if ids[:len(opening)] == opening else opening + ids


def encode_behind(tokenizer: PreTrainedTokenizerBase, text: str) -> List[int]:
    """Return the ids of a text that goes on behind something without text.

    Raises:
        ValueError: The tokenizer joins the text with all that may precede it.
    """
    return _guarded(tokenizer, text)[2]


def decode_behind(tokenizer: PreTrainedTokenizerBase, ids: List[int],
                  text: str) -> str:
    """Decode the ids of a text from :func:`encode_behind`."""
    guard, guard_ids, _ = _guarded(tokenizer, text)
    return decode(tokenizer, guard_ids + ids)[len(guard):]


def decode(tokenizer: PreTrainedTokenizerBase, ids: List[int]) -> str:
    """Return what the ids stand for, special tokens included."""
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False)


def as_chat(tokenizer: PreTrainedTokenizerBase, prompt: str,
            place: str) -> str:
    """Put a prompt into the turn of the user and open the model's turn, in
    the form that the chat template of the tokenizer gives them.

    Args:
        tokenizer: Of the language model.
        prompt (str): With places in it.
        place (str): One of them, such as ``{tokens}``.

    Raises:
        ValueError: It has no chat template, or one that leaves out the
            prompt.
    """
    if not getattr(tokenizer, 'chat_template', None):
        raise ValueError('`chat=True`, but the tokenizer of `lvlm` has no '
                         'chat template: give `tokenizer` one by its '
                         '`chat_template`, or write the turns into `prompt`')
    # Templates of vision-language models iterate over the parts of a message.
    for content in (prompt, [dict(type='text', text=prompt)]):
        try:
            text = tokenizer.apply_chat_template(
                [dict(role='user', content=content)],
                tokenize=False,
                add_generation_prompt=True)
        except (TemplateError, TypeError):
            continue
        if place in text:
            return text
    raise ValueError('`chat=True`, but the chat template of the tokenizer '
                     'leaves out the message of the user, as a string and as '
                     'a list of parts: write the turns into `prompt`')


def _opening(tokenizer) -> List[int]:
    whole, bare = tokenizer('a').input_ids, encode(tokenizer, 'a')
    starts = (i for i in range(len(whole))
              if whole[i:i + len(bare)] == bare)
    return list(whole[:next(starts, 0)])


def _guarded(tokenizer, text: str) -> Tuple[str, List[int], List[int]]:
    """Return a guard, its ids and those of the text behind it. The guard
    keeps off the blank that is put before a string. Its own ids, all of them
    known words, must stay as they are, so that none is made of both."""
    if not text:
        return '', [], []
    for guard in GUARDS:
        before = encode(tokenizer, guard)
        ids = encode(tokenizer, guard + text)
        known = before and tokenizer.unk_token_id not in before
        if known and ids[:len(before)] == before:
            return guard, before, ids[len(before):]
    raise ValueError(f'the tokenizer joins {text[:20]!r} with whatever stands '
                     'before it: let `prompt` go on with a line break behind '
                     '{tokens}')
