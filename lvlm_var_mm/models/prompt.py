"""Prompt and answer: two templates, and the token ids that come of them."""
from typing import List, Sequence, Tuple

import torch
from torch import Tensor


class Prompt:
    """What the language model reads before and after the action tokens, and
    the form of its answer.

    Args:
        tokenizer: Of the language model.
        prompt (str): Template with ``{tokens}`` where the semantic action
            tokens go. What stands before them is the same for every clip
            and read once for all in testing; so is the place for
            ``{candidates}``, the list of the class names, where wanted.
        answer (str): Template with ``{label}``, then ``{reason}``: the class
            first, the explanation after it. The text between the two ends
            the class name.
        names (Sequence[str]): The class names, for ``{candidates}``.
        chat (bool): Put the prompt into the turn of the user, in the form
            that the chat template of the language model gives it.

    Raises:
        ValueError: A placeholder is missing or stands twice, or the
            tokenizer has no chat template or no token that ends a text.
    """

    def __init__(self,
                 tokenizer,
                 prompt: str,
                 answer: str,
                 names: Sequence[str] = (),
                 chat: bool = False) -> None:
        if chat:
            prompt = _as_chat(tokenizer, prompt)
        before, after = (
            part.replace('{candidates}', ', '.join(names))
            for part in _split(prompt, '{tokens}', 'prompt'))
        between_both = None
        if '{keyframes}' in prompt:
            if '{keyframes}' not in before:
                raise ValueError('`prompt` must hold {keyframes} before '
                                 f'{{tokens}}: {prompt!r}')
            before, between_both = _split(before, '{keyframes}', 'prompt')
        self._lead, rest = _split(answer, '{label}', 'answer')
        between, closing = _split(rest, '{reason}', 'answer')
        if not between:
            raise ValueError('`answer`: {label} and {reason} need something '
                             'between them that ends the class name')
        if tokenizer.eos_token_id is None:
            raise ValueError('`tokenizer` has no token that ends a text: set '
                             'its `eos_token`')
        self._tokenizer = tokenizer
        # The prompt opens as the model's texts do, with its start token
        # where it has one. A chat template has written its own.
        self.before: List[int] = (
            self._encode(before) if chat else tokenizer(before).input_ids)
        self.has_keyframes = between_both is not None
        # Behind the keyframes, before the action tokens.
        self.between = self._encode(between_both or '')
        self.after = self._encode(after)
        self.name_end = self._encode(between)
        self.answer_end = self._encode(closing) + [tokenizer.eos_token_id]

    def name(self, label: str) -> List[int]:
        """Token ids of a class name, its end mark included."""
        return self._encode(self._lead + label) + self.name_end

    def reason(self, text: str) -> List[int]:
        """Token ids of an explanation, the end of the answer included."""
        return self._encode(text) + self.answer_end

    def around(self, template: str) -> Tuple[List[int], List[int]]:
        """Token ids before and behind ``{picture}`` in a template."""
        return tuple(map(self._encode, _split(template, '{picture}',
                                              'keyframe')))

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True).strip()

    def _encode(self, text: str) -> List[int]:
        if not text:
            return []
        return self._tokenizer(text, add_special_tokens=False).input_ids


def _as_chat(tokenizer, prompt: str) -> str:
    if not getattr(tokenizer, 'chat_template', None):
        raise ValueError('`chat=True`, but the tokenizer of `lvlm` has no '
                         'chat template; write the turns into `prompt`')
    return tokenizer.apply_chat_template(
        [dict(role='user', content=prompt)],
        tokenize=False,
        add_generation_prompt=True)


def _split(template: str, mark: str, key: str) -> Tuple[str, str]:
    parts = template.split(mark)
    if len(parts) != 2:
        raise ValueError(f'`{key}` must hold {mark} once, not '
                         f'{len(parts) - 1} times: {template!r}')
    return parts[0], parts[1]


def pad_left(embeds: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
    """Move what the mask leaves out to the front of each row.

    Args:
        embeds (Tensor): (N, S, D).
        mask (Tensor): (N, S) bool.

    Returns:
        tuple[Tensor, Tensor]: Both, each row's valid entries in order at its
        end.
    """
    order = mask.long().argsort(dim=1, stable=True)
    index = order[..., None].expand_as(embeds)
    return embeds.gather(1, index), mask.gather(1, order)


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
