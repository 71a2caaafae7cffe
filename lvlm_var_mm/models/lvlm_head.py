"""The LVLM head: semantic action tokens -> class scores and an explanation.

A LoRA-tuned language model reads a prompt with the tokens of a clip in it
(LVLM-VAR, arXiv:2509.05695). The score of a class is the exact
log-likelihood of its name; the explanation is written behind the name.

Shapes: N clips, L tokens of C channels, S prompt positions, P inner nodes of
the label trie, R answer positions, D width of the language model.
"""
import json
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmengine.logging import print_log
from torch import Tensor
from transformers import Cache

from lvlm_var_mm.class_lists import load_classes
from mmaction.models import BaseHead
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from .label_trie import LabelTrie, tree_layout
from .logprobs import answer_logprobs, trie_logprobs
from .lora import PATH_KEY, build, build_lvlm, keep_trained_only
from .narrative import narrate
from .negatives import Negatives
from .prefix_cache import PrefixCache, as_cache, cache_args, read_prefix
from .prompt import Prompt, pad_left, pad_right
from .scoring import Scoring
from .vst_neck import SemanticTokens

PROMPT = ('Semantic action tokens of a clip: {tokens}\n'
          'The action, and why:\n')
ANSWER = '{label}\n{reason}'

# What a checkpoint says of itself; a newer one is refused, not misread.
FORMAT = 1


@MODELS.register_module()
class LVLMHead(BaseHead):
    """Classifies and explains a clip from its semantic action tokens.

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
        prompt (str | list[str]): Template with ``{tokens}``, and
            ``{candidates}`` where the class names shall be listed. Of several
            one is drawn for each batch of training; tests use the first.
        answer (str): Template with ``{label}`` and ``{reason}``.
        chat (bool): Wrap the prompt in the model's chat template.
        scoring (dict): Of :class:`Scoring`, how classes are scored in tests.
        num_negatives (int): Train against so many wrong names a batch, half
            of them those most often taken for the true ones; 0 for all.
        loss_lm (float): Weight of the language-model loss on the answer.
        gradient_checkpointing (bool): Recompute the language model's
            activations in the backward pass.
        kwargs: Of ``mmaction.models.BaseHead``. ``loss_cls`` is taken over
            the scores of all class names.

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
                 prompt: Union[str, Sequence[str]] = PROMPT,
                 answer: str = ANSWER,
                 chat: bool = False,
                 scoring: Optional[Dict] = None,
                 num_negatives: int = 0,
                 loss_lm: float = 1.0,
                 gradient_checkpointing: bool = False,
                 average_clips: str = 'prob',
                 **kwargs) -> None:
        super().__init__(
            num_classes, in_channels, average_clips=average_clips, **kwargs)
        key = 'tokenizer'
        if tokenizer is None:
            key, tokenizer = 'lvlm', {
                'type': 'transformers.AutoTokenizer.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }
        self._tokenizer = build(tokenizer, key)
        self._templates = dict(prompt=prompt, answer=answer, chat=chat)
        self.scoring = Scoring(**(scoring or {}))
        self.set_classes(class_names, num_classes)
        if num_negatives and self.label_smooth_eps:
            raise ValueError('`label_smooth_eps` needs the scores of all '
                             'names: set `num_negatives=0`')
        self.negatives = (Negatives(num_classes, num_negatives)
                          if num_negatives else None)
        self.loss_lm = loss_lm
        # Set by LVLMWarmupHook while the tokens are not worth reading yet.
        self.active = True

        self.lvlm = build_lvlm(lvlm, lora, gradient_checkpointing)
        self._cache = PrefixCache()
        keep_trained_only(self, 'lvlm')
        width = self._embedding.weight.shape[1]
        self.projector = nn.Sequential(
            nn.Linear(in_channels, width), nn.GELU(), nn.Linear(width, width),
            nn.LayerNorm(width, elementwise_affine=False))
        # A projected token starts out as long as a word of the vocabulary.
        self.token_scale = nn.Parameter(
            self._embedding.weight.detach().float().std())

    def set_classes(self,
                    class_names: Union[str, Sequence],
                    num_classes: Optional[int] = None) -> None:
        """Choose from these names from now on: class names are data, so any
        list may be given at test time.

        Args:
            class_names (str | list): As for the head.
            num_classes (int, optional): Checked against the list.

        Raises:
            ValueError: As for the head.
            FileNotFoundError: No class list.
        """
        self.classes = load_classes(class_names, num_classes)
        self.num_classes = len(self.classes.names)
        prompt, answer, chat = self._templates.values()
        self.prompts = [
            Prompt(self._tokenizer, p, answer, self.classes.names, chat)
            for p in ([prompt] if isinstance(prompt, str) else prompt)
        ]
        self.prompt = self.prompts[0]
        trie = LabelTrie([self.prompt.name(n) for n in self.classes.names])
        if hasattr(self, 'trie'):
            trie = trie.to(self.trie.tokens.device)
        self.trie = trie

    # ------------------------------------------------------------- training
    def loss(self, feats: SemanticTokens, data_samples: SampleList,
             **kwargs) -> Dict[str, Tensor]:
        """Losses of a batch: ``loss_cls``, softmax cross-entropy over the
        scores of all class names, and ``loss_lm``, the mean negative
        log-likelihood of the answer's tokens. One forward gives both: the
        explanation stands in the tree below the true name.

        Args:
            feats (SemanticTokens): From :class:`VSTNeck`.
            data_samples (list[:obj:`ActionDataSample`]): With ``gt_label``;
                an ``explanation`` in the meta information is the target,
                else the description of the class.

        Returns:
            dict: The losses and the accuracies of ``BaseHead``. Empty while
            the head is not ``active``.

        Raises:
            ValueError: A label outside the class list.
        """
        if not self.active:
            return dict()
        labels = self._labels(data_samples, feats.ids.device)
        reasons = self._reasons(labels, data_samples)
        # Behind a name's end mark, each token predicts the next.
        read, _ = pad_right([[self.prompt.name_end[-1], *r[:-1]]
                             for r in reasons], labels.device)
        target, counts = pad_right(reasons, labels.device)

        trie, own = self.trie, labels
        if self.negatives:
            chosen = self.negatives.draw(labels)
            trie = trie.subset(chosen.tolist())
            own = torch.searchsorted(chosen, labels)
        hidden = self.read(feats, trie, own, read, self._draw_prompt())
        tree, answer = hidden.split([1 + len(trie), read.shape[1]], 1)
        scores = trie.scores(trie_logprobs(tree, self.lm_head, trie))
        logprob, length = answer_logprobs(answer, self.lm_head, target, counts)
        logprob = logprob + scores.gather(1, own[:, None]).sum()
        length = length + trie.paths[own].sum()

        if self.negatives:
            scores = self.negatives.spread(scores, chosen, labels)
        losses = self.loss_by_feat(scores, data_samples)
        losses['loss_lm'] = -self.loss_lm * logprob / length
        return losses

    def _labels(self, data_samples: SampleList,
                device: torch.device) -> Tensor:
        labels = torch.cat([s.gt_label for s in data_samples])
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.num_classes:
            raise ValueError(
                f'labels {labels.tolist()} do not fit the {self.num_classes} '
                'classes of `class_names`')
        return labels.to(device)

    def _reasons(self, labels: Tensor,
                 data_samples: SampleList) -> List[List[int]]:
        return [
            self.prompt.reason(
                s.get('explanation') or self.classes.descriptions[label])
            for s, label in zip(data_samples, labels.tolist())
        ]

    def _draw_prompt(self) -> Prompt:
        if len(self.prompts) == 1 or not self.training:
            return self.prompt
        return self.prompts[int(torch.randint(len(self.prompts), ()))]

    # ----------------------------------------------------------- prediction
    def forward(self, x: SemanticTokens, **kwargs) -> Tensor:
        """Tokens of N clips -> (N, num_classes) float32 scores: unless
        ``scoring`` says otherwise, the exact log-likelihoods of all class
        names, from one forward."""
        return self.scoring(self, x)

    def predict(self, feats: SemanticTokens, data_samples: SampleList,
                **kwargs) -> SampleList:
        """``pred_score`` and ``pred_label`` as in any head of MMAction2;
        also ``pred_tokens``, the codes of the first view of each clip, and
        ``pred_narrative``, the same written out."""
        # With `max_testing_views` Recognizer3D joins the views to a plain one.
        feats = SemanticTokens(*feats)
        data_samples = super().predict(feats, data_samples, **kwargs)
        views = len(feats.ids) // len(data_samples)
        for sample, ids, mask in zip(data_samples, feats.ids[::views],
                                     feats.mask[::views]):
            sample.set_field(ids[mask], 'pred_tokens')
            sample.set_field(narrate(ids[mask]), 'pred_narrative')
        return data_samples

    @torch.no_grad()
    def generate(self,
                 feats: SemanticTokens,
                 labels: Optional[Sequence[int]] = None,
                 max_new_tokens: int = 48) -> List[Tuple[str, str]]:
        """The class of each clip, then the reason. The class comes first and
        by its exact score; the reason is written behind its name, greedily,
        so it explains a decision already taken.

        Args:
            feats (SemanticTokens): Of N clips.
            labels (Sequence[int], optional): Classes to give reasons for.
                Defaults to the most likely ones.
            max_new_tokens (int): Limit of a reason.

        Returns:
            list[tuple[str, str]]: Class name and reason.
        """
        was_training = self.training
        self.eval()
        try:
            if labels is None:
                labels = self(feats).argmax(1).tolist()
            names = [self.classes.names[label] for label in labels]
            ids, known = pad_right([self.prompt.name(n) for n in names],
                                   feats.ids.device)
            prompt, mask = self.embed_prompt(feats, self.prompt)
            embeds, mask = pad_left(
                torch.cat([prompt, self._embedding(ids)], 1),
                torch.cat([mask, known], 1))
            written = self.lvlm.generate(
                inputs_embeds=embeds,
                attention_mask=mask.long(),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                pad_token_id=self.prompt.answer_end[-1])
        finally:
            self.train(was_training)
        return [(name, self.prompt.decode(w))
                for name, w in zip(names, written)]

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
    def _embedding(self) -> nn.Module:
        return self._causal_lm.get_input_embeddings()

    def embed_prompt(self, feats: SemanticTokens,
                     prompt: Prompt) -> Tuple[Tensor, Tensor]:
        """Prompt with the tokens in it -> (N, S, D) embeddings and the
        (N, S) mask. What stands before the tokens lies at the same place
        for every clip; padding follows it."""
        before, after = (self.embed_ids(ids, feats.ids.device)
                         for ids in (prompt.before, prompt.after))
        tokens = self.projector(feats.embeds) * self.token_scale
        n = len(tokens)
        clip = torch.cat(
            [tokens.to(before.dtype), after.expand(n, -1, -1)], 1)
        mask = F.pad(feats.mask, (0, len(after)), value=True)
        clip, mask = pad_left(clip, mask)
        return (torch.cat([before.expand(n, -1, -1), clip], 1),
                F.pad(mask, (len(before), 0), value=True))

    def embed_ids(self, ids: Sequence[int], device: torch.device) -> Tensor:
        return self._embedding(
            torch.tensor(ids, dtype=torch.long, device=device))

    def remember(self, key, make):
        """What ``make()`` gives; kept in evaluation for as long as the
        language model does not change."""
        if self.training or torch.is_grad_enabled():
            return make()
        return self._cache.get(self.lvlm, key, make)

    def open_cache(self, clips: int, prompt: Prompt,
                   device: torch.device) -> Tuple[Cache, int]:
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
            parts.append(self._embedding(trie.tokens).expand(n, -1, -1))
        if answer is not None:
            parts.append(self._embedding(answer))
        layout = tree_layout(mask, trie, embeds.dtype, labels,
                             0 if answer is None else answer.shape[1], past)
        hidden = self.decoder(
            inputs_embeds=torch.cat(parts, 1),
            attention_mask=layout.mask,
            position_ids=layout.position_ids,
            **cache_args(self.decoder, cache)).last_hidden_state
        return hidden[:, length - past - 1:]

    def train(self, mode: bool = True) -> 'LVLMHead':
        self._cache.clear()
        return super().train(mode)

    # ---------------------------------------------------------- checkpoints
    def init_weights(self) -> None:
        """MMEngine would descend into the language model, whose own
        ``init_weights`` makes the LoRA layers random again."""

    def _describe(self) -> Dict:
        return dict(
            format=FORMAT,
            class_names=list(self.classes.names),
            prompt=self._templates['prompt'],
            answer=self._templates['answer'],
            lvlm={
                k: getattr(self.decoder.config, k)
                for k in ('model_type', 'hidden_size', 'num_hidden_layers',
                          'vocab_size')
            })

    def get_extra_state(self) -> Tensor:
        """What describes the checkpoint, as JSON in a byte tensor: tools
        that take a state dict for a dict of tensors stay right."""
        text = json.dumps(self._describe()).encode()
        return torch.frombuffer(bytearray(text), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Compare a checkpoint's description with this head.

        Raises:
            ValueError: Another language model, or a newer format.
        """
        saved = json.loads(bytes(state.cpu().numpy()).decode())
        own = self._describe()
        if saved['format'] > FORMAT:
            raise ValueError(
                f'checkpoint format {saved["format"]} is newer than this '
                f'version of lvlm_var_mm reads ({FORMAT}): update it')
        if saved['lvlm'] != own['lvlm']:
            raise ValueError(
                'the checkpoint was trained on another language model: '
                f'{saved["lvlm"]}, but `lvlm` is {own["lvlm"]}')
        for key in ('class_names', 'prompt', 'answer'):
            if saved[key] != own[key]:
                print_log(
                    f'`{key}` differs from that of the checkpoint '
                    f'({saved[key]!r})', logger='current', level=30)
