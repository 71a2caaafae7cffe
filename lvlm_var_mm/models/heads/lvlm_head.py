"""The LVLM head: semantic action tokens -> class scores and an explanation.

A LoRA-tuned language model reads a prompt with the tokens of a clip in it
(LVLM-VAR, arXiv:2509.05695). The score of a class is the exact
log-likelihood of its name; the explanation is written behind the name.

Shapes: N clips, L tokens of C channels, S prompt positions, K class names in
the label trie, which has P inner nodes and E edges, R answer positions, D
width of the language model.
"""
from typing import Dict, Optional, Sequence, Union

import torch
from torch import Tensor

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from ..lvlm.language_model import PromptInputs
from ..lvlm.logprobs import answer_logprobs, per_token, trie_logprobs
from ..lvlm.prompt import pad_right
from ..tokens import SemanticTokens
from .base import LVLMBaseHead
from .narrative import write_tokens
from .negatives import Negatives
from .scoring import Scoring


@MODELS.register_module()
class LVLMHead(LVLMBaseHead):
    """Classify and explain a clip from its semantic action tokens.

    Args:
        num_classes, in_channels, class_names, lvlm: See
            :class:`PromptReader`; ``kwargs`` are its other arguments and
            those of ``mmaction.models.BaseHead``.
        scoring (dict): Arguments of :class:`Scoring`: how classes are scored
            in tests.
        num_negatives (int): Number of wrong names that each clip is trained
            against; 0 takes all. Those of the other clips of its batch come
            first; half of the rest are those most often taken for true ones.
        unseen (list[int]): Labels of a zero-shot protocol that training must
            not know: their names are not trained against either. In tests
            all names are scored.

    Raises:
        ValueError: Label smoothing beside sampled names, and see
            :class:`PromptReader`.
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
                 **kwargs) -> None:
        super().__init__(num_classes, in_channels, class_names, lvlm, **kwargs)
        sampled = bool(num_negatives or unseen)
        if sampled and self.label_smooth_eps:
            raise ValueError('`label_smooth_eps` needs the scores of all '
                             'names: set `num_negatives=0` and no `unseen`')
        self.negatives = Negatives(num_classes, num_negatives or num_classes,
                                   unseen) if sampled else None
        self.scoring = Scoring(**(scoring or {}))

    def loss(self, feats: SemanticTokens, data_samples: SampleList,
             **kwargs) -> Dict[str, Tensor]:
        """Compute the losses of a batch: ``loss_cls``, softmax cross-entropy
        over the scores of the class names (all, or ``num_negatives`` and the
        true ones), and ``loss_lm``, the mean negative log-likelihood of the
        answer's tokens. One forward gives both: the explanation is in the
        tree below the true name.

        Args:
            feats (SemanticTokens): From :class:`VSTNeck`.
            data_samples (list[:obj:`ActionDataSample`]): With ``gt_label``
                and what :meth:`reasons_of` makes targets of.

        Returns:
            dict: The losses and the accuracies of ``BaseHead``. Empty while
            the head is not ``active``.

        Raises:
            ValueError: A label outside the class list.
        """
        if not self.active:
            return dict()
        labels = self.labels_of(data_samples, feats.ids.device)  # (N, )
        prompt, trie = self.draw_prompt()
        inputs = self.prompt_inputs(feats, data_samples, prompt)  # S positions
        reasons = self.reasons_of(prompt, labels, data_samples)
        # From the end of a name on, each token predicts the next: (N, R).
        answer_in, _ = pad_right([[trie.sequences[label][-1], *reason[:-1]]
                                  for label, reason in zip(labels.tolist(),
                                                           reasons)],
                                 labels.device)
        answer_out, counted = pad_right(reasons, labels.device)

        true_name = labels  # its number among the K names
        if self.negatives:
            chosen = self.negatives.draw(labels)  # (K, )
            trie = trie.subset(chosen.tolist())
            true_name = torch.searchsorted(chosen, labels)
        hidden = self.lm.forward_lm(inputs, trie, true_name, answer_in)
        # (N, 1+P, D) and (N, R, D)
        tree, answer = hidden.split([1 + len(trie), answer_in.shape[1]], 1)
        edges = trie_logprobs(tree, self.lm.lm_head, trie)  # (N, E)
        scores = trie.scores(edges)  # (N, K)
        logprob, length = answer_logprobs(
            answer, self.lm.lm_head, answer_out, counted)
        # The name is a part of the answer.
        logprob = logprob + scores.gather(1, true_name[:, None]).sum()
        length = length + trie.paths[true_name].sum()

        if self.negatives:
            scores = self.negatives.spread(scores, chosen, labels)
        losses = self.loss_by_feat(scores, data_samples)
        losses['loss_lm'] = -self.loss_lm * per_token(logprob, length)
        return losses

    def score(self, inputs: PromptInputs) -> Tensor:
        """Score the classes of N prompts -> (N, num_classes) float32; unless
        ``scoring`` says otherwise, the exact log-likelihoods of all class
        names, from one forward."""
        return self.scoring(self.lm, inputs, self.trie)

    def predict_inputs(self, tokens: SemanticTokens, inputs: PromptInputs,
                       data_samples: SampleList) -> SampleList:
        """Predict from prompts that are made already. Where the scores are
        log-likelihoods, ``pred_validity`` is the probability that the answer
        is one of the class names at all."""
        scores = self.score(inputs)  # (N x views, num_classes)
        data_samples = self.predict_by_feat(scores, data_samples)
        if self.scoring.is_likelihood:
            views = len(scores) // len(data_samples)
            valid = scores.exp().sum(1).view(-1, views).mean(1)  # (N, )
            for sample, value in zip(data_samples, valid):
                sample.set_field(value, 'pred_validity')
        return write_tokens(tokens, data_samples)
