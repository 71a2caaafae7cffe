"""Run the language model of a head on prompts that are embedded already.

To add a language model, name it in ``model.cls_head.lvlm``. One of
transformers works if it has

* ``get_input_embeddings()``, ``get_output_embeddings()`` and
  ``get_decoder()``, which takes ``inputs_embeds``, a four-dimensional additive
  ``attention_mask``, ``position_ids`` and ``past_key_values``, and whose
  layers all attend to everything before a position and to nothing after it;
  and logits that are the output of the output embeddings, unchanged
  (:func:`~.label_trie.check_layers`, :func:`~.label_trie.check_window`);
* for keyframes (:mod:`.keyframes`), ``get_image_features(pixel_values, ...)``,
  which takes what the model's own image processor returns, and an input
  embedding for each position that a picture has in the prompt. A model whose
  vision tower also feeds deeper layers (DeepStack of Qwen3-VL) works with
  action tokens only.

LLaVA, Qwen2.5-VL, InternVL and text models such as SmolLM2 do.

Shapes: N clips, S prompt positions, P inner nodes of the label trie, R answer
positions, D width of the language model, A axes by which it numbers positions.
"""
from contextlib import nullcontext
from typing import (Any, Callable, Collection, Hashable, List, NamedTuple,
                    Optional, Sequence, Tuple, Union)

import torch
import torch.nn.functional as F
from mmengine.dist import all_reduce
from torch import Tensor, nn
from transformers import DynamicCache

from .keyframes import put_in_place
from .label_trie import LabelTrie, check_window, tree_attention
from .prefix_cache import PrefixCache, as_cache, cache_args, read_prefix
from .prompt import pad_left, pad_right


class PromptInputs(NamedTuple):
    """The prompts of N clips: made once, read as often as wanted."""
    embeds: Tensor  # (N, S, D)
    mask: Tensor  # (N, S) bool, False on padding, which is never at the end
    position_ids: Tensor  # (N, S), or (A, N, S) as the model numbers pictures
    of_clip: Tensor  # (N, S) bool, True on action tokens and pictures
    before: Tuple[int, ...]  # the token ids that all prompts open with

    def clips(self, which: Union[slice, List[int]]) -> 'PromptInputs':
        """Return the prompts of some of the clips."""
        return self._replace(
            embeds=self.embeds[which], mask=self.mask[which],
            position_ids=self.position_ids[..., which, :],
            of_clip=self.of_clip[which])

    def without_clip(self) -> 'PromptInputs':
        """Return one prompt in which nothing of a clip is read."""
        one = self.clips(slice(1))
        mask = one.mask & ~one.of_clip
        return one._replace(
            mask=mask,
            position_ids=row_positions(mask).expand_as(one.position_ids))


def row_positions(mask: Tensor) -> Tensor:
    """Number the valid positions of each row: (N, S) bool -> (N, S)."""
    return mask.long().cumsum(1).sub(1).clamp(min=0)


class LanguageModel:
    """The parts of a causal language model by name, and what is done with it.

    A plain object: the head owns the module, under the name by which
    checkpoints know it.

    Args:
        module (nn.Module): From :func:`~.build.build_lvlm`.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._cache = PrefixCache()

    @property
    def base(self) -> nn.Module:
        """The model without the wrapper of LoRA."""
        return getattr(self.module, 'get_base_model', lambda: self.module)()

    @property
    def decoder(self) -> nn.Module:
        """Its layers: embeddings in, hidden states out."""
        return self.base.get_decoder()

    @property
    def lm_head(self) -> nn.Module:
        """Its output matrix, D -> vocabulary."""
        return self.base.get_output_embeddings()

    @property
    def embedding(self) -> nn.Module:
        """Its input embeddings, vocabulary -> D."""
        return self.base.get_input_embeddings()

    def embed(self, ids: Sequence[int], device: torch.device) -> Tensor:
        """Embed token ids: (B, ) -> (B, D)."""
        return self.embedding(
            torch.tensor(ids, dtype=torch.long, device=device))

    # -------------------------------------------------------- what is kept
    def remember(self, key: Hashable, make: Callable) -> Any:
        """Return what ``make()`` gives, kept in evaluation for as long as the
        model does not change."""
        if self.module.training or torch.is_grad_enabled():
            return make()
        return self._cache.get(self.module, key, make)

    def forget(self) -> None:
        """Drop what is kept."""
        self._cache.clear()

    def open_cache(self, inputs: PromptInputs
                   ) -> Tuple[Optional[DynamicCache], int]:
        """Return keys and values of the text before the tokens, and of how
        many positions; none in training, where they change with every step.
        """
        ids = inputs.before
        if self.module.training or torch.is_grad_enabled() or not ids:
            return None, 0
        prefix = self.remember(ids, lambda: read_prefix(
            self.decoder, self.embed(ids, inputs.embeds.device)[None]))
        return as_cache(prefix, len(inputs.mask)), len(ids)

    def assemble(self, before: Sequence[int],
                 parts: Sequence[Tuple[Tensor, Optional[Tensor], bool]],
                 clips: int, places: Optional[Tensor] = None) -> PromptInputs:
        """Put the prompts of N clips together, of S positions: the padding of
        all parts stands behind what opens the prompts.

        Args:
            before (Sequence[int]): Token ids that all prompts open with.
            parts (sequence): Of each what is embedded, (N, P, D), or (P, D)
                of what is the same for all; its (N, P) bool mask, if it has
                padding; and whether it is of the clip.
            clips (int): N.
            places (Tensor, optional): Of pictures, (N, A, F + 1), see
                :func:`~.keyframes.put_in_place`.
        """
        dtype, device = parts[-1][0].dtype, parts[-1][0].device
        embeds, masks, of_clip = [], [], []
        for part, mask, is_clip in parts:
            embeds.append(part.to(dtype).expand(clips, -1, -1))
            masks.append(torch.ones(embeds[-1].shape[:2], dtype=torch.bool,
                                    device=device) if mask is None else mask)
            of_clip.append(torch.full_like(masks[-1], is_clip))
        embeds, mask, of_clip = pad_left(
            torch.cat(embeds, 1), torch.cat(masks, 1), torch.cat(of_clip, 1))
        opening = self.embed(before, device).expand(clips, -1, -1)
        start = opening.shape[1]
        mask = F.pad(mask, (start, 0), value=True)  # (N, S)
        return PromptInputs(
            embeds=torch.cat([opening, embeds], 1),  # (N, S, D)
            mask=mask,
            position_ids=put_in_place(row_positions(mask), start, places),
            of_clip=F.pad(of_clip, (start, 0), value=False),
            before=tuple(before))

    # ------------------------------------------------------------- forward
    def forward_lm(self,
                   inputs: PromptInputs,
                   trie: Optional[LabelTrie] = None,
                   labels: Optional[Tensor] = None,
                   answer: Optional[Tensor] = None) -> Tensor:
        """Read [prompt | label trie | answer] in one forward.

        Args:
            inputs (PromptInputs): Of N clips.
            trie (LabelTrie, optional): Class names.
            labels (Tensor, optional): (N, ) the name of the trie that each
                answer follows.
            answer (Tensor, optional): (N, R) token ids.

        Returns:
            Tensor: (N, 1+P+R, D) hidden states of the prompt's last
            position, the trie and the answer.

        Raises:
            ValueError: More positions than the model sees.
        """
        n, length = inputs.mask.shape
        cache, past = self.open_cache(inputs)
        parts = [inputs.embeds[:, past:]]  # (N, S - past, D)
        if trie is not None:
            parts.append(self.embedding(trie.tokens).expand(n, -1, -1))
        if answer is not None:
            parts.append(self.embedding(answer))  # (N, R, D)
        longest = 0 if trie is None else max(map(len, trie.sequences))
        behind = 0 if answer is None else answer.shape[1]
        check_window(self.decoder.config, length + longest + behind)
        attention = tree_attention(
            inputs.mask, trie, inputs.embeds.dtype, labels, behind, past,
            inputs.position_ids)
        hidden = self.decoder(
            inputs_embeds=torch.cat(parts, 1),
            attention_mask=attention.mask,
            position_ids=attention.position_ids,
            **cache_args(self.decoder, cache)).last_hidden_state
        return hidden[:, length - past - 1:]

    @torch.no_grad()
    def write(self, inputs: PromptInputs, opening: Sequence[List[int]],
              end: int, max_new_tokens: int,
              refused: Sequence[Collection[int]] = ()) -> List[List[int]]:
        """Go on greedily behind prompts and the token ids that follow them,
        all clips side by side. What opens the prompts is read once.

        Args:
            inputs (PromptInputs): Of N clips.
            opening (Sequence[list[int]]): What each answer opens with.
            end (int): The token that ends an answer.
            max_new_tokens (int): Limit.
            refused (Sequence[collection[int]]): Tokens of each clip that must
                not be the first new one.

        Returns:
            list[list[int]]: The new token ids of each, without ``end``.
        """
        n, device = len(inputs.mask), inputs.mask.device
        cache, past = self.open_cache(inputs)
        cache = as_cache(None, n) if cache is None else cache
        ids, known = pad_right(opening, device)  # (N, B)
        steps = 1 + torch.arange(ids.shape[1], device=device)
        numbers = torch.cat([inputs.position_ids, (
            inputs.position_ids[..., -1:] + steps)], -1)
        # The end of each row must be its last token: padding to the front,
        # but behind what is read already.
        mask = torch.cat([inputs.mask, known], 1)  # (N, S + B)
        order = mask[:, past:].long().argsort(dim=1, stable=True)
        embeds = torch.cat([inputs.embeds, self.embedding(ids)], 1)[:, past:]
        embeds = embeds.gather(1, order[..., None].expand_as(embeds))
        mask = torch.cat([mask[:, :past], mask[:, past:].gather(1, order)], 1)
        rest = numbers[..., past:]
        numbers = torch.cat([numbers[..., :past], rest.gather(
            -1, order.expand_as(rest))], -1)
        written, done = [], torch.zeros(n, dtype=torch.bool, device=device)
        for _ in range(max_new_tokens):
            attention = tree_attention(mask, None, inputs.embeds.dtype,
                                       past=past, position_ids=numbers)
            hidden = self.decoder(
                inputs_embeds=embeds,
                attention_mask=attention.mask,
                position_ids=attention.position_ids,
                **cache_args(self.decoder, cache)).last_hidden_state[:, -1]
            logits = self.lm_head(hidden)  # (N, vocabulary)
            for row, ids in enumerate(() if written else refused):
                logits[row, list(ids)] = -torch.inf
            new = logits.argmax(-1)
            done = done | (new == end)
            written.append(new.masked_fill(done, end))
            # Processes that share the model's weights read together.
            left = (~done).any().float()
            all_reduce(left, 'max')
            if not left:
                break
            past = mask.shape[1]
            embeds = self.embedding(new)[:, None].to(embeds.dtype)
            mask = torch.cat([mask, mask.new_ones(n, 1)], 1)
            numbers = torch.cat([numbers, numbers[..., -1:] + 1], -1)
        rows = torch.stack(written, 1).tolist() if written else [[]] * n
        return [[i for i in row if i != end] for row in rows]

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[List[int]],
                    device: torch.device) -> Tensor:
        """Average the last hidden states of texts, as the model read them
        before it was tuned.

        Args:
            texts (Sequence[list[int]]): n texts, as token ids.
            device (torch.device): Of the model.

        Returns:
            Tensor: (n, D) float32.
        """
        ids, mask = pad_right(texts, device)
        with getattr(self.module, 'disable_adapter', nullcontext)():
            hidden = self.decoder(
                inputs_embeds=self.embedding(ids),
                attention_mask=mask.long(),
                use_cache=False).last_hidden_state.float()
        mask = mask[..., None]
        return (hidden * mask).sum(1) / mask.sum(1)
