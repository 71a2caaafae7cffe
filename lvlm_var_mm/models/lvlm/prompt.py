"""Prompt and answer: two templates, and the token ids that come of them."""
from typing import List, Sequence, Tuple

import torch
from mmengine.logging import print_log
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from .tokenization import (as_chat, decode, decode_behind, encode,
                           encode_behind, encode_start)


class Prompt:
    """The texts before and after the action tokens as token ids, and
    the form of its answer.

    Action tokens have no text, so there are two strings: the text before
    them, and the text after them with class name and reason. Their ids
    are those that the tokenizer gives each as a whole, cut into parts. The
    same holds for the strings around keyframes.

    Args:
        tokenizer: Of the language model.
        prompt (str): Template with ``{tokens}`` where the semantic action
            tokens go. The text before them is the same for every clip
            and read once for all in testing; so is the place for
            ``{candidates}``, the list of the class names, where wanted.
            Where the tokenizer joins its end with a name, the token counts
            as a part of the name.
        answer (str): Template with ``{label}``, then ``{reason}``: the class
            first, the explanation after it. The text between the two ends
            the class name; blanks at its end open the explanation, with
            whose first word tokenizers join them.
        names (Sequence[str]): The class names.
        chat (bool): Put the prompt into the turn of the user, in the form
            that the chat template of the language model gives it.
        keyframe (str): Template of a picture, with ``{picture}``, for a
            ``prompt`` with ``{keyframes}``.

    Attributes:
        before (list[int]): Opens the sequence.
        around (tuple[list[int], list[int]]): Before and behind each picture.
        between (list[int]): Behind the pictures, before the action tokens.
        after (list[int]): Behind the action tokens.
        end (int): The token that ends the answer.

    Raises:
        ValueError: A placeholder is missing or stands twice, the tokenizer
            has no chat template or no token that ends a text, or it joins
            ``keyframe`` with the text around it.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: str,
                 answer: str, names: Sequence[str], chat: bool = False,
                 keyframe: str = '{picture}') -> None:
        if tokenizer.eos_token_id is None:
            raise ValueError('`tokenizer` has no token that ends a text: set '
                             'its `eos_token`')
        self._tokenizer = tokenizer
        self.end: int = tokenizer.eos_token_id
        if chat:
            _split(prompt, '{tokens}', 'prompt')  # not the template's fault
            prompt = as_chat(tokenizer, prompt)
        before, after = (
            part.replace('{candidates}', ', '.join(names))
            for part in _split(prompt, '{tokens}', 'prompt'))
        self.has_keyframes = '{keyframes}' in prompt
        if self.has_keyframes:
            if '{keyframes}' not in before:
                raise ValueError('`prompt` must hold {keyframes} before '
                                 f'{{tokens}}: {prompt!r}')
            before, between = _split(before, '{keyframes}', 'prompt')
            self._cut_at_pictures(before, between, keyframe)
        else:
            between = ''
            self.before = encode_start(tokenizer, before)
            self.around, self.between = ([], []), []
        self._texts = before, between, after
        self._read_answer(answer)
        self._cut_at_names(names)

    def _cut_at_pictures(self, before: str, between: str,
                         keyframe: str) -> None:
        opening, closing = _split(keyframe, '{picture}', 'keyframe')
        first = encode_start(self._tokenizer, before + opening)
        last, inner, outer = (
            encode_behind(self._tokenizer, closing + text)
            for text in ('', opening, between))
        ids = inner[len(last):]
        at = len(first) - len(ids)
        if not (inner[:len(last)] == outer[:len(last)] == last
                and first[at:] == ids):
            raise ValueError(
                f'the tokenizer joins `keyframe` {keyframe!r} with the text '
                'around {keyframes} in `prompt`, or with itself: let it '
                'begin and end with a special token of the model or a line '
                'break, and `prompt` open with text')
        self.before, self.around = first[:at], (ids, last)
        self.between = outer[len(last):]

    def _read_answer(self, answer: str) -> None:
        self._lead, rest = _split(answer, '{label}', 'answer')
        between, self._closing = _split(rest, '{reason}', 'answer')
        self._mark = between.rstrip(' ')
        self._gap = between[len(self._mark):]
        if not self._mark:
            raise ValueError('`answer`: {label} and {reason} need something '
                             'between them that ends the class name, more '
                             'than a blank: a line break, or such as ":"')
        self._answer = answer

    def _cut_at_names(self, names: Sequence[str]) -> None:
        after = encode_behind(self._tokenizer, self._texts[-1])
        whole = {name: encode_behind(self._tokenizer, self._named(name))
                 for name in names}
        shared = _shared([after, *whole.values()])
        self.after: List[int] = after[:shared]
        self._names = {name: ids[shared:] for name, ids in whole.items()}
        if shared < len(after):
            moved = self._tokenizer.convert_ids_to_tokens(after[shared:])
            print_log(f'the tokenizer joins {moved}, the end of `prompt`, '
                      'with class names: it is scored with them',
                      logger='current')

    def _named(self, name: str) -> str:
        """Return the text behind the action tokens, up to the end of a
        name."""
        return self._texts[-1] + self._lead + name + self._mark

    def _answered(self, name: str, reason: str) -> str:
        return (self._named(name) + self._gap + reason.strip() +
                self._closing)

    def name(self, name: str) -> List[int]:
        """Return the token ids of a class name, its end mark included."""
        return self._names[name]

    def reason(self, name: str, text: str) -> List[int]:
        """Return the token ids of an explanation behind a class name, the
        end of the answer included.

        Raises:
            ValueError: The tokenizer joins it with the end of the name.
        """
        whole = encode_behind(self._tokenizer, self._answered(name, text))
        named = self.after + self._names[name]
        if whole[:len(named)] != named:
            raise ValueError(
                f'`answer` {self._answer!r}: the tokenizer joins the end of '
                f'the class name {name!r} with its reason {text!r}: let a '
                'line break stand between {label} and {reason}')
        return whole[len(named):] + [self.end]

    def alone(self, text: str) -> List[int]:
        """Return the token ids of a text that stands alone, with the end
        mark of a name."""
        return encode(self._tokenizer, self._lead + text + self._mark)

    def shown(self, name: str, reason: str) -> Tuple[str, str]:
        """Return the whole text of one clip, with ``<tokens>`` in the place
        of its action tokens: as the templates make it, and as its token ids
        are decoded."""
        tokenizer, (before, between, _) = self._tokenizer, self._texts
        start = encode_start(tokenizer, '')
        if before.startswith(decode(tokenizer, start)):
            start = []
        behind = self._answered(name, reason)
        ids = self.after + self.name(name) + self.reason(name, reason)
        form = '{}{}' + '<keyframes>' * self.has_keyframes + '{}<tokens>{}{}'
        written = before, between, behind
        decoded = (decode(tokenizer, self.before[len(start):]),
                   decode_behind(tokenizer, self.between, between),
                   decode_behind(tokenizer, ids[:-1], behind))
        start, end = (decode(tokenizer, i) for i in (start, ids[-1:]))
        return (form.format(start, *written, end),
                form.format(start, *decoded, end))

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True).strip()


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """Count the ids, from the first one on, that all rows have alike."""
    length = 0
    for column in zip(*rows):
        if len(set(column)) > 1:
            break
        length += 1
    return length


def _split(template: str, mark: str, key: str) -> Tuple[str, str]:
    parts = template.split(mark)
    if len(parts) != 2:
        raise ValueError(f'`{key}` must hold {mark} once, not '
                         f'{len(parts) - 1} times: {template!r}')
    return parts[0], parts[1]


def pad_left(embeds: Tensor, *masks: Tensor) -> Tuple[Tensor, ...]:
    """Move what the first mask leaves out to the front of each row.

    Args:
        embeds (Tensor): (N, S, D).
        masks (Tensor): (N, S) bool, each.

    Returns:
        tuple[Tensor, ...]: All of them, each row's valid entries in order at
        its end.
    """
    order = masks[0].long().argsort(dim=1, stable=True)
    index = order[..., None].expand_as(embeds)
    return (embeds.gather(1, index), *(m.gather(1, order) for m in masks))


def pad_right(rows: Sequence[Sequence[int]],
              device: torch.device) -> Tuple[Tensor, Tensor]:
    """Token ids of different lengths -> (N, R) ids, 0 behind each row's end,
    and the (N, R) bool mask of the real ones."""
    lengths = torch.tensor([len(r) for r in rows], device=device)
    ids = torch.zeros(
        len(rows), int(lengths.max()), dtype=torch.long, device=device)
    for row, out in zip(rows, ids):
        out[:len(row)] = torch.tensor(row, device=device)
    return ids, torch.arange(ids.shape[1], device=device) < lengths[:, None]
