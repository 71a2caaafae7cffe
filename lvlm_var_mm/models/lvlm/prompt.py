"""Prompt and answer: two templates, and the token ids that come of them."""
from typing import List, Sequence, Tuple, Union

import torch
from mmengine.logging import print_log
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from .templates import KEYFRAMES, NARRATIVE, places_of, split_once, texts_of
from .tokenization import (as_chat, decode, decode_behind, encode,
                           encode_behind, encode_start)


class Prompt:
    """The texts around what has no text as token ids, and the form of the
    answer.

    Action tokens have no text, so there are two strings: the text before
    them, and the text after them with class name and reason. Their ids
    are those that the tokenizer gives each as a whole, cut into parts. The
    same holds for the strings around keyframes. A narrative is a part of the
    string that it stands in.

    Args:
        tokenizer: Of the language model.
        prompt (str): Template with ``{tokens}`` where the semantic action
            tokens go, ``{narrative}`` where it is told in words what
            happens, or both in either order. The text before them is the
            same for every clip and read once for all in testing; so is the
            place for ``{candidates}``, the list of the class names, where
            wanted. Where the tokenizer joins its end with a name, the token
            counts as a part of the name. Blanks before ``{narrative}`` go
            over to it.
        answer (str): Template with ``{label}``, then ``{reason}``: the class
            first, the explanation after it. The text between the two ends
            the class name; blanks at its end open the explanation, with
            whose first word tokenizers join them.
        names (Sequence[str]): The class names.
        chat (bool): Put the prompt into the turn of the user, in the form
            that the chat template of the language model gives it.
        keyframe (str): Template of a picture, with ``{picture}``, for a
            ``prompt`` with ``{keyframes}`` before ``{tokens}``.

    Attributes:
        places (tuple[str]): The placeholders of what differs from clip to
            clip, in their order.
        before (list[int]): Opens the sequence.
        around (tuple[list[int], list[int]]): Before and behind each picture.
        between (list[int]): Behind the pictures, before the action tokens.
        after (list[int]): Behind all places.
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
        self.places = places_of(prompt)
        if chat:
            prompt = as_chat(tokenizer, prompt, self.places[0])
        self._texts, self._blank = texts_of(prompt, names)
        self.has_keyframes = KEYFRAMES in self.places
        self.has_narrative = NARRATIVE in self.places
        # The ids of each text but the last.
        self._ids = [encode_start(tokenizer, self._texts[0]), *(
            encode_behind(tokenizer, t) for t in self._texts[1:-1])]
        self.around = [], []
        if self.has_keyframes:
            self._ids[:2] = self._cut_at_pictures(*self._texts[:2], keyframe)
        self.before: List[int] = self._ids[0]
        self.between = self._ids[1] if self.has_keyframes else []
        self._read_answer(answer)
        self._cut_at_names(names)

    @property
    def parts(self) -> List[Union[str, List[int]]]:
        """Return what stands between ``before`` and ``after``: places, and
        the ids of the texts between them."""
        inner = [*self._ids[1:], []]
        return [part for pair in zip(self.places, inner) for part in pair
                if part]

    def narrative(self, text: str) -> List[int]:
        """Return the ids of a narrative in its place.

        Raises:
            ValueError: The tokenizer joins it with the text around it.
        """
        at = self.places.index(NARRATIVE)
        lead, first = self._texts[at], self._ids[at]
        if at + 1 < len(self.places):
            follow, last = self._texts[at + 1], self._ids[at + 1]
        else:  # up to the end of some name
            name = next(iter(self._names))
            follow, last = self._named(name), self.after + self._names[name]
        encoded = encode_start if at == 0 else encode_behind
        whole = encoded(self._tokenizer, lead + self._blank + text + follow)
        end = len(whole) - len(last)
        if whole[:len(first)] != first or whole[end:] != last or (
                end < len(first)):
            raise ValueError(
                f'the tokenizer joins the narrative {text[:20]!r} with the '
                'text around {narrative} in `prompt`: let a line break stand '
                'behind it, and a colon or a line break before it')
        return whole[len(first):end]

    def _cut_at_pictures(self, before: str, between: str, keyframe: str
                         ) -> List[List[int]]:
        opening, closing = split_once(keyframe, '{picture}', 'keyframe')
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
        self.around = ids, last
        return [first[:at], outer[len(last):]]

    def _read_answer(self, answer: str) -> None:
        self._lead, rest = split_once(answer, '{label}', 'answer')
        between, self._closing = split_once(rest, '{reason}', 'answer')
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

    def shown(self, name: str, reason: str,
              narrative: str = '') -> Tuple[str, str]:
        """Return the whole text of one clip, with ``<tokens>`` in the place
        of its action tokens: as the templates make it, and as its token ids
        are decoded."""
        tokenizer = self._tokenizer
        start = encode_start(tokenizer, '')
        opening = decode(tokenizer, start)
        texts = [*self._texts[:-1], self._answered(name, reason)]
        ids = [*self._ids, self.after + self.name(name) +
               self.reason(name, reason)[:-1]]
        rows = [(texts[0], ids[0])]  # of what has text
        marks = []
        for place, text, part in zip(self.places, texts[1:], ids[1:]):
            if place == NARRATIVE:
                before, known = rows.pop()
                text = before + self._blank + narrative + text
                part = known + self.narrative(narrative) + part
            else:
                marks.append(f'<{place[1:-1]}>')
            rows.append((text, part))
        text, part = rows[0]
        if text.startswith(opening):
            opening = ''
        else:
            part = part[len(start):]
        decoded = [decode(tokenizer, part), *(
            decode_behind(tokenizer, p, t) for t, p in rows[1:])]
        end = decode(tokenizer, [self.end])
        return tuple(
            opening + ''.join(x + m for x, m in zip(said, [*marks, end]))
            for said in ([t for t, _ in rows], decoded))

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
    lengths = [len(r) for r in rows]
    ids = torch.zeros(
        len(rows), max(lengths), dtype=torch.long, device=device)
    lengths = torch.tensor(lengths, device=device)
    for row, out in zip(rows, ids):
        out[:len(row)] = torch.tensor(row, device=device)
    return ids, torch.arange(ids.shape[1], device=device) < lengths[:, None]
