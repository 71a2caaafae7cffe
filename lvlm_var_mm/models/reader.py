"""What reads: the language model with a prompt for it, frozen but for LoRA.

Shapes: N clips, L tokens of C channels, S prompt positions, P inner nodes of
the label trie, R answer positions, D width of the language model.
"""
from contextlib import nullcontext
from typing import Dict, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmcv.cnn import Scale
from torch import Tensor
from transformers import DynamicCache

from lvlm_var_mm.class_lists import load_classes
from mmaction.models import BaseHead
from .description import (check, describe, from_bytes, has_adapter,
                          scale_was_a_parameter, to_bytes)
from .fingerprint import describe_base
from .keyframes import Keyframes, put_in_place
from .label_trie import (LabelTrie, check_attention, check_layers,
                         check_window, tree_layout)
from .lora import (PATH_KEY, build, build_lvlm, keep_trained_only,
                   reset_adapter)
from .prefix_cache import PrefixCache, as_cache, cache_args, read_prefix
from .prompt import Prompt, pad_left, pad_right
from .vst_neck import SemanticTokens

PROMPT = ('Semantic action tokens of a clip: {tokens}\n'
          'The action, and why:\n')
ANSWER = '{label}\n{reason}'


class PromptReader(BaseHead):
    """A head that puts semantic action tokens into the prompt of a language
    model and reads it, with the class names as a trie behind it.

    Args:
        num_classes (int): Number of classes; checked against the list.
        in_channels (int): C, width of a semantic action token.
        class_names (str | list): A class list known by name (``'ntu60'``,
            ``'ntu120'``, ``'nucla'``), a text file of one ``name |
            description`` a line, or the names themselves.
        lvlm (dict): The language model, as ``dict(type='transformers....
            from_pretrained', pretrained_model_name_or_path=...)``.
        lora (dict, optional): ``dict(type='peft.LoraConfig', ...)``.
        tokenizer (dict, optional): Defaults to the model's own.
        image_processor (dict, optional): Of the keyframes, where the prompt
            has some. Defaults to the model's own.
        prompt (str | list[str]): Template with ``{tokens}``; ``{candidates}``
            where the class names shall be listed, and ``{keyframes}`` where
            the model's own vision tower shall see pictures of the clip
            (:mod:`.keyframes`). Of several one is drawn for each batch of
            training; tests use the first.
        answer (str): Template with ``{label}`` and ``{reason}``.
        chat (bool): Wrap the prompt in the model's chat template.
        keyframe (str): What stands for each keyframe, template with
            ``{picture}``.
        same_task (bool): Whether a checkpoint with other class names, prompt
            or answer is refused, or read all the same.
        gradient_checkpointing (bool): Recompute the language model's
            activations in the backward pass.
        kwargs: Of ``mmaction.models.BaseHead``.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int,
                 class_names: Union[str, Sequence],
                 lvlm: Dict,
                 lora: Optional[Dict] = None,
                 tokenizer: Optional[Dict] = None,
                 image_processor: Optional[Dict] = None,
                 prompt: Union[str, Sequence[str]] = PROMPT,
                 answer: str = ANSWER,
                 chat: bool = False,
                 keyframe: str = '{picture}',
                 same_task: bool = True,
                 gradient_checkpointing: bool = False,
                 **kwargs) -> None:
        super().__init__(num_classes, in_channels, **kwargs)
        key = 'tokenizer'
        if tokenizer is None:
            key, tokenizer = 'lvlm', {
                'type': 'transformers.AutoTokenizer.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }
        self.tokenizer = build(tokenizer, key)
        self._cache = PrefixCache()
        self.templates = dict(prompt=prompt, answer=answer, chat=chat,
                              keyframe=keyframe)
        self.set_classes(class_names, num_classes)
        self.same_task = same_task
        if any(p.has_keyframes for p in self.prompts):
            if not all(p.has_keyframes for p in self.prompts):
                raise ValueError('`prompt`: all templates or none must hold '
                                 '{keyframes}')
            self.keyframes = Keyframes(build(image_processor or {
                'type': 'transformers.AutoImageProcessor.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }, 'image_processor'), *self.prompt.around)

        attention = lvlm.get('attn_implementation')
        if isinstance(attention, str):  # else of each part of the model
            check_attention(attention)  # before minutes of loading
        self.lvlm = build_lvlm(lvlm, lora, gradient_checkpointing)
        check_layers(self.decoder.config)
        keep_trained_only(self, 'lvlm')
        self.base = describe_base(self, str(lvlm.get(PATH_KEY, lvlm['type'])))
        width = self.embedding.weight.shape[1]
        self.projector = nn.Sequential(
            nn.Linear(in_channels, width), nn.GELU(), nn.Linear(width, width),
            nn.LayerNorm(width, elementwise_affine=False))
        # A projected token starts out as long as a word of the vocabulary.
        self.token_scale = Scale()
        self.token_scale.scale = nn.Parameter(
            self.embedding.weight.detach().float().std())
        self.register_load_state_dict_pre_hook(scale_was_a_parameter)

    def set_classes(self,
                    class_names: Union[str, Sequence],
                    num_classes: Optional[int] = None) -> None:
        """Choose from these names from now on: class names are data, so any
        list may be given at test time, and a checkpoint of other ones read.

        Args:
            class_names (str | list): As for the head.
            num_classes (int, optional): Checked against the list.

        Raises:
            ValueError: As for the head.
            FileNotFoundError: No class list.
        """
        self.classes = load_classes(class_names, num_classes)
        self.same_task = False
        self.num_classes = len(self.classes.names)
        prompt, answer, chat, keyframe = self.templates.values()
        names = self.classes.names
        self.prompts = [
            Prompt(self.tokenizer, p, answer, names, chat, keyframe)
            for p in ([prompt] if isinstance(prompt, str) else prompt)
        ]
        # What a name's tokens are depends on the text before it.
        tries = nn.ModuleList(
            LabelTrie([p.name(n) for n in names]) for p in self.prompts)
        if hasattr(self, 'tries'):
            tries = tries.to(self.trie.tokens.device)
        self.tries = tries
        self._cache.clear()

    @property
    def prompt(self) -> Prompt:
        """The prompt of tests."""
        return self.prompts[0]

    @property
    def trie(self) -> LabelTrie:
        """The class names behind the prompt of tests."""
        return self.tries[0]

    def draw_prompt(self) -> Tuple[Prompt, LabelTrie]:
        """Draw one of the prompts in training, take the first in tests, each
        with the class names behind it."""
        drawn = 0
        if len(self.prompts) > 1 and self.training:
            drawn = int(torch.randint(len(self.prompts), ()))
        return self.prompts[drawn], self.tries[drawn]

    # -------------------------------------------------- the language model
    @property
    def _causal_lm(self) -> nn.Module:
        return getattr(self.lvlm, 'get_base_model', lambda: self.lvlm)()

    @property
    def decoder(self) -> nn.Module:
        return self._causal_lm.get_decoder()

    @property
    def lm_head(self) -> nn.Module:
        return self._causal_lm.get_output_embeddings()

    @property
    def embedding(self) -> nn.Module:
        return self._causal_lm.get_input_embeddings()

    def embed_prompt(self, feats: SemanticTokens,
                     prompt: Prompt) -> Tuple[Tensor, Tensor]:
        """Prompt with the tokens in it -> (N, S, D) embeddings and the
        (N, S) mask. What stands before the tokens lies at the same place
        for every clip; padding follows it."""
        device = feats.ids.device
        tokens = self.token_scale(self.projector(feats.embeds))
        parts = [tokens]
        if prompt.has_keyframes:
            parts[:0] = [feats.frames, self.embed_ids(prompt.between, device)]
        parts.append(self.embed_ids(prompt.after, device))
        n, dtype = len(tokens), parts[-1].dtype
        # What is not of the clip has two axes.
        parts = [x.to(dtype).expand(n, -1, -1) for x in parts]
        at = len(parts) - 2
        masks = [feats.mask if i == at else feats.mask.new_ones(x.shape[:2])
                 for i, x in enumerate(parts)]
        clip, mask = pad_left(torch.cat(parts, 1), torch.cat(masks, 1))
        before = self.embed_ids(prompt.before, device).expand(n, -1, -1)
        return (torch.cat([before, clip], 1),
                F.pad(mask, (before.shape[1], 0), value=True))

    def look(self, feats: SemanticTokens, data_samples) -> SemanticTokens:
        """With the keyframes of the clips, if the prompts have a place for
        them; all views of a clip see the same."""
        if not self.prompt.has_keyframes:
            return feats
        views = len(feats.ids) // len(data_samples)
        frames, places = (
            x.repeat_interleave(views, 0)
            for x in self.keyframes(self._causal_lm, data_samples))
        return feats._replace(frames=frames, places=places)

    def place(self, position_ids: Tensor, feats: SemanticTokens,
              prompt: Optional[Prompt] = None) -> Tensor:
        """(N, S) positions, numbered in a row -> as the model numbers them,
        (A, N, S) where pictures have A axes."""
        start = len((prompt or self.prompt).before)
        return put_in_place(position_ids, start, feats.places)

    def positions(self, feats: SemanticTokens) -> int:
        """Of a prompt, but for what stands at the same place for all."""
        frames = 0 if feats.frames is None else feats.frames.shape[1]
        return (frames + len(self.prompt.between) + feats.ids.shape[1] +
                len(self.prompt.after))

    def embed_ids(self, ids: Sequence[int], device: torch.device) -> Tensor:
        return self.embedding(
            torch.tensor(ids, dtype=torch.long, device=device))

    def remember(self, key, make):
        """What ``make()`` gives; kept in evaluation for as long as the
        language model does not change."""
        if self.training or torch.is_grad_enabled():
            return make()
        return self._cache.get(self.lvlm, key, make)

    def open_cache(self, clips: int, prompt: Prompt,
                   device: torch.device
                   ) -> Tuple[Optional[DynamicCache], int]:
        """Keys and values of what stands before the tokens, and how many;
        none in training, where they would change with every step."""
        ids = prompt.before
        if self.training or torch.is_grad_enabled() or not ids:
            return None, 0
        prefix = self.remember(tuple(ids), lambda: read_prefix(
            self.decoder, self.embed_ids(ids, device)[None]))
        return as_cache(prefix, clips), len(ids)

    def read(self,
             feats: SemanticTokens,
             trie: Optional[LabelTrie],
             labels: Optional[Tensor] = None,
             answer: Optional[Tensor] = None,
             prompt: Optional[Prompt] = None) -> Tensor:
        """One forward over [prompt | label trie | answer].

        Args:
            feats (SemanticTokens): Of N clips.
            trie (LabelTrie, optional): Class names.
            labels (Tensor, optional): (N, ) the name of the trie that each
                answer follows.
            answer (Tensor, optional): (N, R) token ids.
            prompt (Prompt, optional): Defaults to that of tests.

        Returns:
            Tensor: (N, 1+P+R, D) hidden states of the prompt's last
            position, the trie and the answer.
        """
        prompt = prompt or self.prompt
        embeds, mask = self.embed_prompt(feats, prompt)
        n, length = mask.shape
        cache, past = self.open_cache(n, prompt, mask.device)
        parts = [embeds[:, past:]]
        if trie is not None:
            parts.append(self.embedding(trie.tokens).expand(n, -1, -1))
        if answer is not None:
            parts.append(self.embedding(answer))
        longest = 0 if trie is None else max(map(len, trie.sequences))
        after = 0 if answer is None else answer.shape[1]
        check_window(self.decoder.config, length + longest + after)
        layout = tree_layout(mask, trie, embeds.dtype, labels,
                             after, past)
        hidden = self.decoder(
            inputs_embeds=torch.cat(parts, 1),
            attention_mask=layout.mask,
            position_ids=self.place(layout.position_ids, feats, prompt),
            **cache_args(self.decoder, cache)).last_hidden_state
        return hidden[:, length - past - 1:]

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, D) float32, each text as the language model read it before it
        was tuned: the mean of its last hidden states."""
        ids, mask = pad_right([self.prompt.alone(text) for text in texts],
                              self.token_scale.scale.device)
        with getattr(self.lvlm, 'disable_adapter', nullcontext)():
            hidden = self.decoder(
                inputs_embeds=self.embedding(ids),
                attention_mask=mask.long(),
                use_cache=False).last_hidden_state.float()
        mask = mask[..., None]
        return (hidden * mask).sum(1) / mask.sum(1)

    def train(self, mode: bool = True) -> 'PromptReader':
        self._cache.clear()
        return super().train(mode)

    # ---------------------------------------------------------- checkpoints
    def init_weights(self) -> None:
        """MMEngine would descend into the language model, whose own
        ``init_weights`` makes the LoRA layers random again."""

    def get_extra_state(self) -> Tensor:
        """What describes the checkpoint, see :mod:`.description`."""
        return to_bytes(describe(self))

    def set_extra_state(self, state: Tensor) -> None:
        """Compare a checkpoint's description with this head.

        Raises:
            ValueError: See :func:`.description.check`.
        """
        saved = from_bytes(state)
        check(saved, self, self.same_task)
        if not has_adapter(saved):
            reset_adapter(self.lvlm)
            self.adapter_left_out = True
