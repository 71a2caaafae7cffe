"""A linear classifier in the place of the scores of the class names."""
from typing import Dict, Optional, Sequence, Union

import torch
import torch.nn as nn
from torch import Tensor

from mmaction.registry import MODELS
from mmaction.utils import SampleList
from ..lvlm.logprobs import answer_logprobs, per_token
from ..lvlm.prompt import pad_right
from ..tokens import SemanticTokens
from .lvlm_head import LVLMHead


@MODELS.register_module()
class LVLMLinearHead(LVLMHead):
    """``LVLMHead`` that reads the class off the hidden state behind the
    prompt. The prompt is all that is read, so it is fast; but its classes are
    fixed, and the language model's knowledge of the names goes unused. The
    answer is trained and generated as there.

    Args:
        num_classes, in_channels, class_names, lvlm, kwargs: As there.
    """

    def __init__(self, num_classes: int, in_channels: int,
                 class_names: Union[str, Sequence], lvlm: Dict,
                 **kwargs) -> None:
        for key in ('scoring', 'num_negatives', 'unseen'):
            if kwargs.get(key):
                raise ValueError(f'`{key}` is for LVLMHead; LVLMLinearHead '
                                 'does not score names')
        super().__init__(num_classes, in_channels, class_names, lvlm, **kwargs)
        self.scoring.is_likelihood = False
        self.classifier = nn.Linear(self.decoder.config.hidden_size,
                                    num_classes)

    def set_classes(self,
                    class_names: Union[str, Sequence],
                    num_classes: Optional[int] = None) -> None:
        if hasattr(self, 'classifier'):
            raise ValueError('the classes of LVLMLinearHead are those it was '
                             'trained on; LVLMHead takes any names')
        super().set_classes(class_names, num_classes)

    def loss(self, feats: SemanticTokens, data_samples: SampleList,
             **kwargs) -> Dict[str, Tensor]:
        """As in ``LVLMHead``, with ``loss_cls`` over the classifier."""
        if not self.active:
            return dict()
        feats = self.look(feats, data_samples)
        labels = self._labels(data_samples, feats.ids.device)
        prompt, trie = self.draw_prompt()
        reasons = self._reasons(prompt, labels, data_samples)
        answers = [trie.sequences[label] + reason
                   for label, reason in zip(labels.tolist(), reasons)]
        target, counts = pad_right(answers, labels.device)
        hidden = self.read(feats, None, labels, target[:, :-1], prompt)
        losses = self.loss_by_feat(self._classify(hidden), data_samples)
        logprob, length = answer_logprobs(hidden, self.lm_head, target, counts)
        losses['loss_lm'] = -self.loss_lm * per_token(logprob, length)
        return losses

    def forward(self, x: SemanticTokens, **kwargs) -> Tensor:
        """Tokens of N clips -> (N, num_classes) float32 scores."""
        return self._classify(self.read(x, None))

    def _classify(self, hidden: Tensor) -> Tensor:
        with torch.autocast(hidden.device.type, enabled=False):
            return self.classifier(hidden[:, 0].float())
