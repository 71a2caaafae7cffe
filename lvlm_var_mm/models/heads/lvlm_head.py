"""The LVLM head: semantic action tokens -> class scores and an explanation.

A LoRA-tuned language model reads a prompt with the tokens of a clip in it
(LVLM-VAR, arXiv:2509.05695). The score of a class is the exact
log-likelihood of its name; the explanation is written behind the name.

Shapes: N clips, L tokens of C channels, S prompt positions, P inner nodes of
the label trie, R answer positions, D width of the language model.
"""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from ..lvlm.keyframes import generate_args
from ..lvlm.logprobs import answer_logprobs, per_token, trie_logprobs
from ..lvlm.prompt import Prompt, pad_left, pad_right
from ..lvlm.reader import PromptReader
from ..tokens import SemanticTokens
from .narrative import write_tokens
from .negatives import Negatives
from .scoring import Scoring


@MODELS.register_module()
class LVLMHead(PromptReader):
    """Classifies and explains a clip from its semantic action tokens.

    Args:
        num_classes, in_channels, class_names, lvlm: Of
            :class:`PromptReader`, whose other arguments ``kwargs`` may hold,
            and with them those of ``mmaction.models.BaseHead``. ``loss_cls``
            is taken over the scores of all class names.
        scoring (dict): Of :class:`Scoring`, how classes are scored in tests.
        num_negatives (int): Train each clip against so many wrong names;
            0 for all. Those of the other clips of its batch come first; of
            the rest half are those most often taken for the true ones.
        unseen (list[int]): Labels of a zero-shot protocol that training must
            not know: their names are not trained against either. In tests
            all names are scored.
        loss_lm (float): Weight of the language-model loss on the answer.

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
                 scoring: Optional[Dict] = None,
                 num_negatives: int = 0,
                 unseen: Sequence[int] = (),
                 loss_lm: float = 1.0,
                 average_clips: str = 'prob',
                 **kwargs) -> None:
        super().__init__(
            num_classes,
            in_channels,
            class_names,
            lvlm,
            average_clips=average_clips,
            **kwargs)
        some = bool(num_negatives or unseen)
        if some and self.label_smooth_eps:
            raise ValueError('`label_smooth_eps` needs the scores of all '
                             'names: set `num_negatives=0` and no `unseen`')
        self.negatives = Negatives(num_classes, num_negatives or num_classes,
                                   unseen) if some else None
        self.scoring = Scoring(**(scoring or {}))
        self.loss_lm = loss_lm
        # Set by LVLMWarmupHook while the tokens are not worth reading yet.
        self.active = True

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
        feats = self.look(feats, data_samples)
        labels = self._labels(data_samples, feats.ids.device)
        prompt, trie = self.draw_prompt()
        reasons = self._reasons(prompt, labels, data_samples)
        # From the end of a name on, each token predicts the next.
        read, _ = pad_right([[trie.sequences[label][-1], *r[:-1]]
                             for label, r in zip(labels.tolist(), reasons)],
                            labels.device)
        target, counts = pad_right(reasons, labels.device)

        own = labels
        if self.negatives:
            chosen = self.negatives.draw(labels)
            trie = trie.subset(chosen.tolist())
            own = torch.searchsorted(chosen, labels)
        hidden = self.read(feats, trie, own, read, prompt)
        tree, answer = hidden.split([1 + len(trie), read.shape[1]], 1)
        scores = trie.scores(trie_logprobs(tree, self.lm_head, trie))
        logprob, length = answer_logprobs(answer, self.lm_head, target, counts)
        logprob = logprob + scores.gather(1, own[:, None]).sum()
        length = length + trie.paths[own].sum()

        if self.negatives:
            scores = self.negatives.spread(scores, chosen, labels)
        losses = self.loss_by_feat(scores, data_samples)
        losses['loss_lm'] = -self.loss_lm * per_token(logprob, length)
        return losses

    def _labels(self, data_samples: SampleList,
                device: torch.device) -> Tensor:
        labels = torch.cat([s.gt_label for s in data_samples])
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.num_classes:
            raise ValueError(
                f'labels {labels.tolist()} do not fit the {self.num_classes} '
                'classes of `class_names`')
        return labels.to(device)

    def _reasons(self, prompt: Prompt, labels: Tensor,
                 data_samples: SampleList) -> List[List[int]]:
        names, descriptions = self.classes
        return [
            prompt.reason(names[label],
                          s.get('explanation') or descriptions[label])
            for s, label in zip(data_samples, labels.tolist())
        ]

    # ----------------------------------------------------------- prediction
    def forward(self, x: SemanticTokens, **kwargs) -> Tensor:
        """Tokens of N clips -> (N, num_classes) float32 scores: unless
        ``scoring`` says otherwise, the exact log-likelihoods of all class
        names, from one forward."""
        return self.scoring(self, x)

    def predict(self, feats: SemanticTokens, data_samples: SampleList,
                **kwargs) -> SampleList:
        """``pred_score`` and ``pred_label`` as in any head of MMAction2;
        the tokens, see :func:`~.narrative.write_tokens`; and where the scores
        are log-likelihoods ``pred_validity``, that of all names together.
        While the head is not ``active``, the scores are those of the neck's
        light classifier on the tokens, if it has one."""
        # With `max_testing_views` Recognizer3D joins the views to a plain one.
        feats = SemanticTokens(*feats)
        if not self.active:
            light = feats.light_scores
            if light is not None and light.numel():
                self.predict_by_feat(light[:, 1], data_samples)
            return write_tokens(feats, data_samples)
        feats = self.look(feats, data_samples)
        scores = self(feats, **kwargs)
        data_samples = self.predict_by_feat(scores, data_samples)
        if self.scoring.is_likelihood:
            views = len(feats.ids) // len(data_samples)
            valid = scores.exp().sum(1).view(-1, views).mean(1)
            for sample, value in zip(data_samples, valid):
                sample.set_field(value, 'pred_validity')
        return write_tokens(feats, data_samples)

    @torch.no_grad()
    def generate(self,
                 feats: SemanticTokens,
                 labels: Optional[Sequence[int]] = None,
                 max_new_tokens: int = 48) -> List[Tuple[str, str]]:
        """The class of each clip, then the reason. The class comes first and
        by its exact score; the reason is written behind its name, greedily,
        so it explains a decision already taken.

        Args:
            feats (SemanticTokens): Of N clips; with keyframes, from
                :meth:`look`.
            labels (Sequence[int], optional): Classes to give reasons for.
                Defaults to the most likely ones.
            max_new_tokens (int): Limit of a reason.

        Returns:
            list[tuple[str, str]]: Class name and reason.

        Raises:
            RuntimeError: See :func:`~.keyframes.generate_args`.
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
                torch.cat([prompt, self.embedding(ids)], 1),
                torch.cat([mask, known], 1))
            positions = mask.long().cumsum(1).sub(1).clamp(min=0)
            written = self.lvlm.generate(
                inputs_embeds=embeds,
                attention_mask=mask.long(),
                **generate_args(self.place(positions, feats)),
                max_new_tokens=max_new_tokens,
                do_sample=False,
                # As it was trained to end, whatever the model's own settings.
                eos_token_id=self.prompt.end,
                pad_token_id=self.prompt.end)
        finally:
            self.train(was_training)
        return [(name, self.prompt.decode(w))
                for name, w in zip(names, written)]
