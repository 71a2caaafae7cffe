"""The base of the heads: from labels to targets, from scores to predictions.

Shapes: N clips, S prompt positions, D width of the language model.
"""
from abc import abstractmethod
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmaction.utils import SampleList
from ..lvlm.language_model import PromptInputs
from ..lvlm.prompt import Prompt
from ..lvlm.reader import PromptReader
from ..tokens import SemanticTokens
from .narrative import write_tokens


class LVLMBaseHead(PromptReader):
    """Base class of the heads, which differ in how they score the classes
    (:meth:`score`) and in their :meth:`loss`. Any of them explains its
    answers. Its arguments are those of :class:`PromptReader`.

    Attributes:
        with_reasons (bool): Whether :meth:`predict` writes the reasons too.
            They cost more than the scores, so a test leaves them out.
    """
    with_reasons = False

    @abstractmethod
    def loss(self, feats: SemanticTokens, data_samples: SampleList,
             **kwargs) -> Dict[str, Tensor]:
        """Compute the losses of a batch; none while not ``active``."""

    @abstractmethod
    def score(self, inputs: PromptInputs) -> Tensor:
        """Score the classes of N prompts -> (N, num_classes) float32."""

    def forward(self, x: SemanticTokens,
                data_samples: Optional[SampleList] = None,
                **kwargs) -> Tensor:
        """Score the classes: tokens of N clips -> (N, num_classes) float32,
        see :meth:`score`. Keyframes come with ``data_samples``."""
        return self.score(self.prompt_inputs(x, data_samples))

    def predict(self, feats: SemanticTokens, data_samples: SampleList,
                **kwargs) -> SampleList:
        """Set ``pred_score`` and ``pred_label`` as any head of MMAction2
        does, and the tokens (:func:`~.narrative.write_tokens`). While the
        head is not ``active``, the scores are those of the neck's light
        classifier on the tokens, if it has one."""
        # With `max_testing_views` Recognizer3D joins the views to a plain one.
        tokens = SemanticTokens(*feats)
        if not self.active:
            return write_tokens(tokens,
                                self.predict_light(tokens, data_samples))
        inputs = self.prompt_inputs(tokens, data_samples)
        samples = self.predict_inputs(tokens, inputs, data_samples)
        if self.with_reasons:
            self.write_reasons(tokens, inputs, samples)
        return samples

    def predict_inputs(self, tokens: SemanticTokens, inputs: PromptInputs,
                       data_samples: SampleList) -> SampleList:
        """Predict from prompts that are made already."""
        return write_tokens(
            tokens, self.predict_by_feat(self.score(inputs), data_samples))

    def write_reasons(self, tokens: SemanticTokens, inputs: PromptInputs,
                      data_samples: SampleList) -> SampleList:
        """Set ``pred_reason``, why each clip is of its ``pred_label``. Views
        of a clip stand side by side: the first one is explained, the class is
        that of all."""
        views = len(tokens.ids) // len(data_samples)
        answers = self.generate(inputs.clips(slice(None, None, views)),
                                [int(s.pred_label) for s in data_samples])
        for sample, (_, reason) in zip(data_samples, answers):
            sample.set_field(reason, 'pred_reason')
        return data_samples

    def predict_light(self, tokens: SemanticTokens,
                      data_samples: SampleList) -> SampleList:
        """Predict by the neck's light classifier, if it has one: while the
        language model waits."""
        light = tokens.light_scores
        if light is not None and light.numel():
            self.predict_by_feat(light[:, 1], data_samples)
        return data_samples

    def labels_of(self, data_samples: SampleList,
                  device: torch.device) -> Tensor:
        """Return the (N, ) labels.

        Raises:
            ValueError: A label outside the class list.
        """
        labels = torch.cat([s.gt_label for s in data_samples])
        if not 0 <= int(labels.min()) <= int(labels.max()) < self.num_classes:
            raise ValueError(
                f'labels {labels.tolist()} do not fit the {self.num_classes} '
                'classes of `class_names`')
        return labels.to(device)

    def reasons_of(self, prompt: Prompt, labels: Tensor,
                   data_samples: SampleList) -> List[List[int]]:
        """Return the token ids of the reason of each clip: its
        ``explanation``, else the description of its class."""
        names, descriptions = self.classes
        return [
            prompt.reason(names[label],
                          s.get('explanation') or descriptions[label])
            for s, label in zip(data_samples, labels.tolist())
        ]

    @torch.no_grad()
    def generate(self,
                 inputs: PromptInputs,
                 labels: Optional[Sequence[int]] = None,
                 max_new_tokens: int = 48) -> List[Tuple[str, str]]:
        """Write the reason behind the name of each clip's class, greedily: it
        explains a decision already made.

        Args:
            inputs (PromptInputs): Of N clips, from :meth:`prompt_inputs`.
            labels (Sequence[int], optional): (N, ) classes to give reasons
                for. Defaults to the most likely ones.
            max_new_tokens (int): Limit of a reason.

        Returns:
            list[tuple[str, str]]: Class name and reason.

        Raises:
            RuntimeError: See :func:`~lvlm_var_mm.models.lvlm.keyframes.
                generate_args`.
        """
        was_training = self.training
        self.eval()
        try:
            if labels is None:
                labels = self.score(inputs).argmax(1).tolist()
            names = [self.classes.names[label] for label in labels]
            written = self.lm.write(
                inputs, [self.prompt.name(n) for n in names],
                self.prompt.end, max_new_tokens)
        finally:
            self.train(was_training)
        return [(name, self.prompt.decode(ids))
                for name, ids in zip(names, written)]
