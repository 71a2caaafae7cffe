"""A LoRA-tuned language model and prompts for it: what the heads read with.

Shapes: N clips, L tokens of C channels, F positions of pictures, S prompt
positions, D width of the language model, A axes by which it numbers positions.
"""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
from mmcv.cnn import Scale
from torch import Tensor

from lvlm_var_mm.checkpoint.description import (check, describe, from_bytes,
                                                has_adapter,
                                                scale_was_a_parameter,
                                                to_bytes)
from lvlm_var_mm.checkpoint.fingerprint import describe_base
from lvlm_var_mm.class_lists import load_classes
from mmaction.models import BaseHead
from mmaction.utils import SampleList
from ..tokens import SemanticTokens
from .build import (PATH_KEY, build, build_lvlm, keep_trained_only,
                    reset_adapter)
from .keyframes import Keyframes
from .label_trie import LabelTrie, check_attention, check_layers
from .language_model import LanguageModel, PromptInputs
from .prompt import Prompt, pad_right
from .templates import KEYFRAMES, NARRATIVE, TOKENS
from .words import Narrator

PROMPT = ('Semantic action tokens of a clip: {tokens}\n'
          'The action, and why:\n')
ANSWER = '{label}\n{reason}'
Pictures = Tuple[Tensor, Tensor]


class PromptReader(BaseHead):
    """Put semantic action tokens into the prompt of a LoRA-tuned language
    model, with the class names as a trie behind it.

    Args:
        num_classes (int): Number of classes; checked against the list.
        in_channels (int): C, width of a semantic action token.
        class_names (str | list): A class list known by name (``'ntu60'``,
            ``'ntu120'``, ``'nucla'``), a text file of one ``name |
            description`` per line, or the names themselves.
        lvlm (dict): The language model, as ``dict(type='transformers....
            from_pretrained', pretrained_model_name_or_path=...)``.
        lora (dict, optional): ``dict(type='peft.LoraConfig', ...)``.
        tokenizer (dict, optional): Defaults to the model's own.
        image_processor (dict, optional): Of the keyframes, where the prompt
            has some. Defaults to the model's own.
        prompt (str | list[str]): Template with ``{tokens}``,
            ``{narrative}`` (what happens, in words) or both; by option with
            ``{candidates}`` (a list of the class names) and ``{keyframes}``
            (pictures for the model's own vision tower, :mod:`.keyframes`).
            Of several one is drawn for each batch of training; tests use the
            first.
        answer (str): Template with ``{label}`` and ``{reason}``.
        chat (bool): Wrap the prompt in the model's chat template.
        keyframe (str): Text for each keyframe, a template with
            ``{picture}``.
        narrative (dict, optional): Arguments of :class:`~.words.Narrator`:
            how much is told, of what, in which form, and how often in
            training.
        same_task (bool): Whether a checkpoint with other class names, prompt,
            answer or form of the narrative is refused, or read all the same.
        gradient_checkpointing (bool): Recompute the language model's
            activations in the backward pass.
        loss_lm (float): Weight of the language-model loss on the answer.
        average_clips, kwargs: As in ``mmaction.models.BaseHead``.

    Raises:
        ValueError: ``num_classes`` differs from the list, two classes have
            one name, or a template lacks a placeholder.
        FileNotFoundError: No model folder, or no class list.
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
                 narrative: Optional[Dict] = None,
                 same_task: bool = True,
                 gradient_checkpointing: bool = False,
                 loss_lm: float = 1.0,
                 average_clips: str = 'prob',
                 **kwargs) -> None:
        super().__init__(
            num_classes, in_channels, average_clips=average_clips, **kwargs)
        self.loss_lm = loss_lm
        # Set by LVLMWarmupHook while the tokens are not worth reading yet.
        self.active = True
        key = 'tokenizer'
        if tokenizer is None:
            key, tokenizer = 'lvlm', {
                'type': 'transformers.AutoTokenizer.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }
        self.tokenizer = build(tokenizer, key)
        self.templates = dict(prompt=prompt, answer=answer, chat=chat,
                              keyframe=keyframe)
        self.narrator = Narrator(**(narrative or {}))
        self.set_classes(class_names, num_classes)
        self.same_task = same_task
        for place in (TOKENS, KEYFRAMES):
            if len({place in p.places for p in self.prompts}) > 1:
                raise ValueError('`prompt`: all templates or none must hold '
                                 f'{place}')
        if self.prompt.has_keyframes:
            self.keyframes = Keyframes(build(image_processor or {
                'type': 'transformers.AutoImageProcessor.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }, 'image_processor'), *self.prompt.around)

        attention = lvlm.get('attn_implementation')
        if isinstance(attention, str):  # else of each part of the model
            check_attention(attention)  # before minutes of loading
        self.lvlm = build_lvlm(lvlm, lora, gradient_checkpointing)
        self.lm = LanguageModel(self.lvlm)
        check_layers(self.lm.decoder.config)
        keep_trained_only(self, 'lvlm')
        self.base = describe_base(self, str(lvlm.get(PATH_KEY, lvlm['type'])))
        width = self.lm.embedding.weight.shape[1]  # D
        self.projector = nn.Sequential(
            nn.Linear(in_channels, width), nn.GELU(), nn.Linear(width, width),
            nn.LayerNorm(width, elementwise_affine=False))
        # A projected token starts out as long as a word of the vocabulary.
        self.token_scale = Scale()
        self.token_scale.scale = nn.Parameter(
            self.lm.embedding.weight.detach().float().std())
        if TOKENS not in self.prompt.places:  # words alone: nothing to train
            self.projector.requires_grad_(False)
            self.token_scale.requires_grad_(False)
        self.register_load_state_dict_pre_hook(scale_was_a_parameter)

    def set_classes(self,
                    class_names: Union[str, Sequence],
                    num_classes: Optional[int] = None) -> None:
        """Choose from these names from now on: class names are data, so any
        list may be given at test time. A checkpoint of other names is read
        with ``same_task=False`` alone.

        Args:
            class_names (str | list): As in the constructor.
            num_classes (int, optional): Checked against the list.

        Raises:
            ValueError, FileNotFoundError: As in the constructor.
        """
        self.classes = load_classes(class_names, num_classes)
        self.num_classes = len(self.classes.names)
        names, templates = self.classes.names, dict(self.templates)
        prompt = templates.pop('prompt')
        self.prompts = [
            Prompt(self.tokenizer, p, names=names, **templates)
            for p in ([prompt] if isinstance(prompt, str) else prompt)
        ]
        # What a name's tokens are depends on the text before it.
        tries = nn.ModuleList(
            LabelTrie([p.name(n) for n in names], names)
            for p in self.prompts)
        if hasattr(self, 'tries'):  # this is not the constructor
            tries = tries.to(self.trie.tokens.device)
            self.lm.forget()
        self.tries = tries

    @property
    def prompt(self) -> Prompt:
        """The prompt that is used in tests."""
        return self.prompts[0]

    @property
    def trie(self) -> LabelTrie:
        """The class names behind the prompt that is used in tests."""
        return self.tries[0]

    def draw_prompt(self) -> Tuple[Prompt, LabelTrie]:
        """Draw one of the prompts in training, take the first in tests, each
        with the class names behind it."""
        drawn = 0
        if len(self.prompts) > 1 and self.training:
            drawn = int(torch.randint(len(self.prompts), ()))
        return self.prompts[drawn], self.tries[drawn]

    # --------------------------------------------------- prompts of clips
    def encode_keyframes(self, data_samples: Optional[SampleList],
                         clips: int) -> Optional[Pictures]:
        """Encode the keyframes of the clips by the model's vision tower, if
        the prompts have a place for them; all views of a clip see the same.

        Args:
            data_samples (list[:obj:`ActionDataSample`], optional): With
                ``keyframes``.
            clips (int): N, clips times views.

        Returns:
            tuple[Tensor, Tensor] | None: (N, F, D) embeddings and
            (N, A, F + 1) places, see :class:`~.keyframes.Keyframes`.

        Raises:
            ValueError: There are no data samples to take them from.
        """
        if not self.prompt.has_keyframes:
            return None
        if data_samples is None:
            raise ValueError('`prompt` has {keyframes}, which come with the '
                             'data samples: give the head `data_samples`')
        return tuple(
            x.repeat_interleave(clips // len(data_samples), 0)
            for x in self.keyframes(self.lm.base, data_samples))

    def prompt_inputs(self,
                      tokens: SemanticTokens,
                      data_samples: Optional[SampleList] = None,
                      prompt: Optional[Prompt] = None,
                      pictures: Optional[Pictures] = None,
                      narrative: Optional[Sequence[List[int]]] = None
                      ) -> PromptInputs:
        """Put the tokens, narratives and pictures of N clips into the prompt,
        as far as it has placeholders for them.

        The text before the clip has the same positions for all clips;
        padding follows it.

        Args:
            tokens (SemanticTokens): Of N clips.
            data_samples (list[:obj:`ActionDataSample`], optional): For
                keyframes, and for the narrative of events.
            prompt (Prompt, optional): Defaults to :attr:`prompt`.
            pictures (tuple[Tensor, Tensor], optional): Defaults to what
                :meth:`encode_keyframes` gives.
            narrative (Sequence[list[int]], optional): Token ids of N
                narratives. Defaults to what the narrator tells.

        Returns:
            PromptInputs: Of S positions.
        """
        prompt = prompt or self.prompt
        n, device = len(tokens.ids), tokens.ids.device
        if pictures is None:
            pictures = self.encode_keyframes(data_samples, n)
        parts = []  # (embeddings, mask, whether they are of the clip)
        for part in prompt.parts:
            if part == TOKENS:
                action = self.projector(tokens.embeds)  # (N, L, D)
                parts.append((self.token_scale(action), tokens.mask, True))
            elif part == NARRATIVE:
                ids, mask = pad_right(narrative or self.narrator(
                    prompt, tokens, data_samples, self.training), device)
                parts.append((self.lm.embedding(ids), mask, True))
            elif part == KEYFRAMES:
                parts.append((pictures[0], None, True))  # (N, F, D)
            else:
                parts.append((self.lm.embed(part, device), None, False))
        parts.append((self.lm.embed(prompt.after, device), None, False))
        return self.lm.assemble(prompt.before, parts, n, pictures
                                and pictures[1])

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Embed texts as the language model read them before it was tuned ->
        (n, D) float32."""
        return self.lm.embed_texts([self.prompt.alone(t) for t in texts],
                                   self.token_scale.scale.device)

    def train(self, mode: bool = True) -> 'PromptReader':
        self.lm.forget()
        return super().train(mode)

    # ---------------------------------------------------------- checkpoints
    def init_weights(self) -> None:
        """Do nothing: MMEngine would descend into the language model, whose
        own ``init_weights`` makes the LoRA layers random again."""

    def get_extra_state(self) -> Tensor:
        """Describe the checkpoint, see
        :mod:`~lvlm_var_mm.checkpoint.description`."""
        return to_bytes(describe(self))

    def set_extra_state(self, state: Tensor) -> None:
        """Compare a checkpoint's description with this head.

        Raises:
            ValueError: See
                :func:`lvlm_var_mm.checkpoint.description.check`.
        """
        saved = from_bytes(state)
        check(saved, self, self.same_task)
        if not has_adapter(saved):
            reset_adapter(self.lvlm)
            self.adapter_left_out = True
