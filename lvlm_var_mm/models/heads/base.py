"""The base of the heads: from labels to targets, from scores to predictions.

Shapes: N clips, S prompt positions, D width of the language model.
"""
import time
from abc import abstractmethod
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from lvlm_var_mm.kinematics.verification import judge, verified
from mmaction.utils import SampleList
from ..lvlm.language_model import PromptInputs
from ..lvlm.prompt import Prompt
from ..lvlm.reader import PromptReader
from ..lvlm.words import sample_events
from ..lvlm.writing import write_distinct
from ..tokens import SemanticTokens
from .narrative import write_tokens
from .reasons import DRAWS, ClipReasons

REASONS = 'clip', 'class'
MAX_NEW = 96


class LVLMBaseHead(PromptReader):
    """Base class of the heads, which differ in how they score the classes
    (:meth:`score`) and in their :meth:`loss`. Any of them explains its
    answers.

    Args:
        args, kwargs: Of :class:`PromptReader`.
        reasons (str): What training gives as the reason of a clip without an
            ``explanation``: ``'clip'``, its own events that speak for its
            class, where ``ClipReasonsHook`` found some; else, and with
            ``'class'``, the description of its class.
        explain (dict, optional): Write the reason of every clip that is
            tested, with these arguments of :meth:`write_reasons`.

    Raises:
        ValueError: An unknown kind of reasons, and see :class:`PromptReader`.
    """

    def __init__(self, *args, reasons: str = 'clip',
                 explain: Optional[Dict[str, Any]] = None, **kwargs) -> None:
        if reasons not in REASONS:
            raise ValueError(f'`reasons` is {reasons!r}; there are '
                             f'{", ".join(REASONS)}')
        super().__init__(*args, **kwargs)
        self.explain = explain
        self.reasons = ClipReasons(self.num_classes, used=reasons == 'clip')

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
        data_samples = self.predict_inputs(tokens, inputs, data_samples)
        if self.explain is not None:
            self.write_reasons(inputs, data_samples, **self.explain)
        return data_samples

    def predict_inputs(self, tokens: SemanticTokens, inputs: PromptInputs,
                       data_samples: SampleList) -> SampleList:
        """Predict from prompts that are made already."""
        return write_tokens(
            tokens, self.predict_by_feat(self.score(inputs), data_samples))

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
        ``explanation``, else its events that speak for its class, in one of
        several wordings, else the description of its class."""
        names, descriptions = self.classes
        draws = [0] * len(labels)
        if self.training and self.reasons.used and self.reasons.fitted:
            draws = torch.randint(DRAWS, (len(labels), )).tolist()
        rows = []
        for s, label, draw in zip(data_samples, labels.tolist(), draws):
            text = s.get('explanation')
            if not text:
                text = self.reasons.write(label, s, draw)
            rows.append(prompt.reason(names[label],
                                      text or descriptions[label]))
        return rows

    def write_reasons(self, inputs: PromptInputs, data_samples: SampleList,
                      verify: bool = False,
                      max_new_tokens: int = MAX_NEW) -> SampleList:
        """Write the reason of each clip for the class that it was given, and
        check it on the joints, where the clip has ``events``.

        Sets ``pred_reason``; ``pred_claims``, a list of
        ``(text, True, False or None)``, one for each claim in it, None where
        the joints do not tell; ``pred_raw_reason``, as the model wrote it;
        and ``pred_reason_seconds``, what a clip of the batch took.

        Args:
            inputs (PromptInputs): Of the views of N clips, side by side; the
                first of each is explained.
            data_samples (list[:obj:`ActionDataSample`]): N, with
                ``pred_label``.
            verify (bool): Rewrite or leave out what the joints contradict,
                see :func:`~lvlm_var_mm.kinematics.verification.verified`.
            max_new_tokens (int): Limit of a reason.
        """
        views = len(inputs.mask) // len(data_samples)
        start = time.perf_counter()
        answers = self.generate(inputs.clips(slice(None, None, views)),
                                [int(s.pred_label) for s in data_samples],
                                max_new_tokens)
        seconds = (time.perf_counter() - start) / len(data_samples)
        for sample, (_, raw) in zip(data_samples, answers):
            seen = sample_events(sample, whole=True)
            text = verified(raw, seen) if verify and seen else raw
            sample.set_field(text, 'pred_reason')
            sample.set_field(raw, 'pred_raw_reason')
            sample.set_field([tuple(j) for j in judge(text, seen)],
                             'pred_claims')
            sample.set_field(seconds, 'pred_reason_seconds')
        return data_samples

    @torch.no_grad()
    def generate(self,
                 inputs: PromptInputs,
                 labels: Optional[Sequence[int]] = None,
                 max_new_tokens: int = MAX_NEW) -> List[Tuple[str, str]]:
        """Write the reason behind the name of each clip's class, greedily and
        without repeats: it explains a decision already made.

        Args:
            inputs (PromptInputs): Of N clips, from :meth:`prompt_inputs`.
            labels (Sequence[int], optional): (N, ) classes to give reasons
                for. Defaults to the most likely ones.
            max_new_tokens (int): Limit of a reason.

        Returns:
            list[tuple[str, str]]: Class name and reason.
        """
        was_training = self.training
        self.eval()
        try:
            if labels is None:
                labels = self.score(inputs).argmax(1).tolist()
            names = [self.classes.names[label] for label in labels]
            written = write_distinct(
                self.lm, self.prompt, inputs,
                [self.prompt.name(n) for n in names], max_new_tokens)
        finally:
            self.train(was_training)
        return [(name, self.prompt.decode(ids))
                for name, ids in zip(names, written)]
