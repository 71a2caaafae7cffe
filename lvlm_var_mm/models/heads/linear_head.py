"""A linear classifier in the place of the scores of the class names.

Shapes: N clips, S prompt positions, R answer positions, D width of the
language model.
"""
from typing import Dict, Optional, Sequence, Union

import torch
import torch.nn as nn
from torch import Tensor

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from ..lvlm.language_model import PromptInputs
from ..lvlm.logprobs import answer_logprobs, per_token
from ..lvlm.prompt import pad_right
from ..tokens import SemanticTokens
from .base import LVLMBaseHead


@MODELS.register_module()
class LVLMLinearHead(LVLMBaseHead):
    """Read the class off the hidden state behind the prompt.

    The prompt is all that is read, so it is fast; but the classes are fixed,
    and what the language model knows of their names goes unused. The answer
    is trained and generated as by :class:`LVLMHead`.

    Args:
        num_classes, in_channels, class_names, lvlm, kwargs: Of
            :class:`PromptReader`.

    Raises:
        ValueError: A setting of :class:`LVLMHead` alone, and see
            :class:`PromptReader`.
    """

    def __init__(self, num_classes: int, in_channels: int,
                 class_names: Union[str, Sequence], lvlm: Dict,
                 **kwargs) -> None:
        for key in ('scoring', 'num_negatives', 'unseen'):
            if kwargs.pop(key, None):
                raise ValueError(f'`{key}` is for LVLMHead; LVLMLinearHead '
                                 'does not score names')
        super().__init__(num_classes, in_channels, class_names, lvlm, **kwargs)
        self.classifier = nn.Linear(self.lm.decoder.config.hidden_size,
                                    num_classes)

    def set_classes(self,
                    class_names: Union[str, Sequence],
                    num_classes: Optional[int] = None) -> None:
        """Take the class names when the head is built.

        Raises:
            ValueError: It is built already.
        """
        if hasattr(self, 'classifier'):
            raise ValueError('the classes of LVLMLinearHead are those it was '
                             'trained on; LVLMHead takes any names')
        super().set_classes(class_names, num_classes)

    def loss(self, feats: SemanticTokens, data_samples: SampleList,
             **kwargs) -> Dict[str, Tensor]:
        """Compute ``loss_cls`` over the classifier, and ``loss_lm`` of the
        answer as :meth:`LVLMHead.loss` does; none while not ``active``."""
        if not self.active:
            return dict()
        labels = self.labels_of(data_samples, feats.ids.device)  # (N, )
        prompt, trie = self.draw_prompt()
        inputs = self.prompt_inputs(feats, data_samples, prompt)  # S positions
        reasons = self.reasons_of(prompt, labels, data_samples)
        answers = [trie.sequences[label] + reason
                   for label, reason in zip(labels.tolist(), reasons)]
        target, counted = pad_right(answers, labels.device)  # (N, R)
        # (N, R, D): the prompt's last position, and all but the last token.
        hidden = self.lm.forward_lm(inputs, answer=target[:, :-1])
        losses = self.loss_by_feat(self._classify(hidden), data_samples)
        logprob, length = answer_logprobs(
            hidden, self.lm.lm_head, target, counted)
        losses['loss_lm'] = -self.loss_lm * per_token(logprob, length)
        return losses

    def score(self, inputs: PromptInputs) -> Tensor:
        """Score the classes of N prompts -> (N, num_classes) float32."""
        return self._classify(self.lm.forward_lm(inputs))

    def _classify(self, hidden: Tensor) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            return self.classifier(hidden[:, 0].float())
