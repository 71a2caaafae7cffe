"""The LVLM head: semantic action tokens -> class scores and an explanation.

A LoRA-tuned language model reads a prompt with the tokens of a clip in it
(LVLM-VAR, arXiv:2509.05695). The score of a class is the exact
log-likelihood of its name; the explanation is written behind the name.

Shapes: N clips, L tokens of C channels, S prompt positions, P inner nodes of
the label trie, R answer positions, D width of the language model.
"""
import json
from contextlib import nullcontext
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
import torch.nn as nn
from mmengine.logging import print_log
from torch import Tensor

from lvlm_var_mm.class_lists import load_classes
from mmaction.models import BaseHead
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from .label_trie import (LabelTrie, answer_logprobs, tree_layout,
                         trie_logprobs)
from .lora import PATH_KEY, build, build_lvlm, keep_trained_only
from .narrative import write_tokens
from .prompt import Prompt, pad_left, pad_right
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
        prompt (str): Template with ``{tokens}``.
        answer (str): Template with ``{label}`` and ``{reason}``.
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
                 prompt: str = PROMPT,
                 answer: str = ANSWER,
                 loss_lm: float = 1.0,
                 gradient_checkpointing: bool = False,
                 average_clips: str = 'prob',
                 **kwargs) -> None:
        super().__init__(
            num_classes, in_channels, average_clips=average_clips, **kwargs)
        self.classes = load_classes(class_names, num_classes)
        key = 'tokenizer'
        if tokenizer is None:
            key, tokenizer = 'lvlm', {
                'type': 'transformers.AutoTokenizer.from_pretrained',
                PATH_KEY: lvlm[PATH_KEY]
            }
        self.prompt = Prompt(build(tokenizer, key), prompt, answer)
        self.loss_lm = loss_lm
        # Set by LVLMWarmupHook while the tokens are not worth reading yet.
        self.active = True

        self.lvlm = build_lvlm(lvlm, lora, gradient_checkpointing)
        keep_trained_only(self, 'lvlm')
        self.trie = LabelTrie([self.prompt.name(n) for n in self.classes.names])
        width = self._embedding.weight.shape[1]
        self.projector = nn.Sequential(
            nn.Linear(in_channels, width), nn.GELU(), nn.Linear(width, width),
            nn.LayerNorm(width, elementwise_affine=False))
        # A projected token starts out as long as a word of the vocabulary.
        self.token_scale = nn.Parameter(
            self._embedding.weight.detach().float().std())
        self._described = dict(
            format=FORMAT,
            class_names=list(self.classes.names),
            prompt=prompt,
            answer=answer,
            lvlm={
                k: getattr(self._decoder.config, k)
                for k in ('model_type', 'hidden_size', 'num_hidden_layers',
                          'vocab_size')
            })

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
        labels = torch.cat([s.gt_label for s in data_samples])
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.num_classes:
            raise ValueError(
                f'labels {labels.tolist()} do not fit the {self.num_classes} '
                'classes of `class_names`')
        labels = labels.to(feats.ids.device)
        reasons = [
            self.prompt.reason(
                s.get('explanation') or self.classes.descriptions[label])
            for s, label in zip(data_samples, labels.tolist())
        ]
        # Behind a name's end mark, each token predicts the next.
        read, _ = pad_right([[self.prompt.name_end[-1], *r[:-1]]
                             for r in reasons], labels.device)
        target, counts = pad_right(reasons, labels.device)

        hidden = self._read(feats, labels, read)
        tree, answer = hidden[:, :1 + len(self.trie)], hidden[:, -len(read[0]):]
        scores = self.trie.scores(
            trie_logprobs(tree, self._lm_head, self.trie))
        losses = self.loss_by_feat(scores, data_samples)
        logprob, length = answer_logprobs(answer, self._lm_head, target,
                                          counts)
        logprob = logprob + scores.gather(1, labels[:, None]).sum()
        length = length + self.trie.paths[labels].sum()
        losses['loss_lm'] = -self.loss_lm * logprob / length
        return losses

    # ----------------------------------------------------------- prediction
    def forward(self, x: SemanticTokens, **kwargs) -> Tensor:
        """Tokens of N clips -> (N, num_classes) float32 log-likelihoods of
        the class names, all exact, from one forward."""
        return self.trie.scores(
            trie_logprobs(self._read(x), self._lm_head, self.trie))

    def predict(self, feats: SemanticTokens, data_samples: SampleList,
                **kwargs) -> SampleList:
        """``pred_score`` and ``pred_label`` as in any head of MMAction2, and
        the tokens, see :func:`~.narrative.write_tokens`."""
        # With `max_testing_views` Recognizer3D joins the views to a plain one.
        feats = SemanticTokens(*feats)
        return write_tokens(
            feats, super().predict(feats, data_samples, **kwargs))

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
            prompt, mask = self._embed_prompt(feats)
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
    def _decoder(self) -> nn.Module:
        return self._causal_lm.get_decoder()

    @property
    def _lm_head(self) -> nn.Module:
        return self._causal_lm.get_output_embeddings()

    @property
    def _embedding(self) -> nn.Module:
        return self._causal_lm.get_input_embeddings()

    def _embed_prompt(self, feats: SemanticTokens) -> Tuple[Tensor, Tensor]:
        """Prompt with the tokens in it -> (N, S, D) embeddings and the
        (N, S) mask, padded on the left."""
        before, after = (
            self._embedding(
                torch.tensor(ids, dtype=torch.long, device=feats.ids.device))
            for ids in (self.prompt.before, self.prompt.after))
        tokens = self.projector(feats.embeds) * self.token_scale
        n, length = feats.ids.shape
        embeds = torch.cat([
            before.expand(n, -1, -1),
            tokens.to(before.dtype),
            after.expand(n, -1, -1)
        ], 1)
        mask = feats.mask.new_ones(embeds.shape[:2])
        mask[:, len(before):len(before) + length] = feats.mask
        return pad_left(embeds, mask)

    def _read(self,
              feats: SemanticTokens,
              labels: Optional[Tensor] = None,
              answer: Optional[Tensor] = None) -> Tensor:
        """One forward over [prompt | label trie | answer].

        Args:
            feats (SemanticTokens): Of N clips.
            labels (Tensor, optional): (N, ) the class each answer is of.
            answer (Tensor, optional): (N, R) token ids.

        Returns:
            Tensor: (N, 1+P+R, D) hidden states of the prompt's last
            position, the trie and the answer.
        """
        prompt, mask = self._embed_prompt(feats)
        parts = [prompt, self._embedding(self.trie.tokens).expand(
            len(prompt), -1, -1)]
        if answer is not None:
            parts.append(self._embedding(answer))
        layout = tree_layout(mask, self.trie, prompt.dtype, labels,
                             0 if answer is None else answer.shape[1])
        hidden = self._decoder(
            inputs_embeds=torch.cat(parts, 1),
            attention_mask=layout.mask,
            position_ids=layout.position_ids,
            use_cache=False).last_hidden_state
        return hidden[:, prompt.shape[1] - 1:]

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """(n, D) float32, each text as the language model read it before it
        was tuned: the mean of its last hidden states."""
        ids, mask = pad_right([self.prompt.name(text) for text in texts],
                              self.token_scale.device)
        with getattr(self.lvlm, 'disable_adapter', nullcontext)():
            hidden = self._decoder(
                inputs_embeds=self._embedding(ids),
                attention_mask=mask.long(),
                use_cache=False).last_hidden_state.float()
        mask = mask[..., None]
        return (hidden * mask).sum(1) / mask.sum(1)

    # ---------------------------------------------------------- checkpoints
    def init_weights(self) -> None:
        """MMEngine would descend into the language model, whose own
        ``init_weights`` makes the LoRA layers random again."""

    def get_extra_state(self) -> Tensor:
        """What describes the checkpoint, as JSON in a byte tensor: tools
        that take a state dict for a dict of tensors stay right."""
        text = json.dumps(self._described).encode()
        return torch.frombuffer(bytearray(text), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Compare a checkpoint's description with this head.

        Raises:
            ValueError: Another language model, or a newer format.
        """
        saved = json.loads(bytes(state.cpu().numpy()).decode())
        if saved['format'] > FORMAT:
            raise ValueError(
                f'checkpoint format {saved["format"]} is newer than this '
                f'version of lvlm_var_mm reads ({FORMAT}): update it')
        if saved['lvlm'] != self._described['lvlm']:
            raise ValueError(
                'the checkpoint was trained on another language model: '
                f'{saved["lvlm"]}, but `lvlm` is {self._described["lvlm"]}')
        for key in ('class_names', 'prompt', 'answer'):
            if saved[key] != self._described[key]:
                print_log(
                    f'`{key}` differs from that of the checkpoint '
                    f'({saved[key]!r})', logger='current', level=30)
