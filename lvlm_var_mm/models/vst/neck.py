"""VST, Video to Semantic Tokens: the features of a clip -> action tokens.

The neck keeps time, pools everything else, and replaces each of L steps by
the nearest entry of a learned codebook (LVLM-VAR, arXiv:2509.05695; vector
quantisation by van den Oord et al., arXiv:1711.00937).

Shapes: N clips, M persons, C channels, T frames, V joints, P body parts (1:
the whole body), L tokens of a part, S = P L tokens of a clip, K codes.
"""
from typing import Dict, List, Optional, Sequence, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from lvlm_var_mm.checkpoint.description import (check_tokens, from_bytes,
                                                to_bytes)
from lvlm_var_mm.moved import renamed
from mmaction.registry import MODELS
from ..tokens import SemanticTokens
from .code_names import UNNAMED, VOCABULARY, old_codes_are_unnamed
from .features import Features, StepsInTime, are_codes
from .losses import (Alignment, LanguageBias, Reconstruction,
                     temporal_consistency)
from .quantizers import build_quantizer, describe_codebook, vectors


@MODELS.register_module()
class VSTNeck(BaseModule):
    """Turns backbone features into discrete semantic action tokens.

    Works as the neck of a stock ``Recognizer3D``: in training it is called
    with the data samples and adds its losses to those of the head, at test
    time it is called with the features alone.

    Args:
        in_channels (int): C, channels of the backbone's output.
        input_format (str): The axes of that output, see
            :class:`~.features.StepsInTime`: ``'NMCTV'`` behind a GCN,
            ``'NCTHW'`` behind a 3D CNN.
        num_tokens (int): L, tokens per clip, or a part of it.
        codebook_size (int): K, codes.
        quantizer (dict): See :func:`~.quantizers.build_quantizer`; by
            default an EMA codebook with cosine similarity. Its
            ``switch_cost`` keeps the codes from flickering.
        parts (list[list[int]], optional): Joints of each body part; each
            has its own L tokens, of the one codebook. Behind a GCN. Defaults
            to the whole body.
        loss_commit (float): Weight of the commitment loss, which draws the
            features to their codes.
        loss_temporal (float): Weight of
            :func:`~.losses.temporal_consistency`.
        align (dict, optional): Settings of :class:`~.losses.Alignment`
            of the tokens with the texts of classes and events.
        reconstruct (dict, optional): Settings of
            :class:`~.losses.Reconstruction` of the steps.
        language_bias (dict, optional): Settings of
            :class:`~.losses.LanguageBias`.
        aux_head (dict, optional): ``num_classes``, ``loss_weight`` and
            ``label_smooth_eps`` of a linear classifier over the mean token.
            A codebook trained to reconstruct alone is a poor one for
            recognition; this gives it, and the backbone, a short path from
            the labels. It takes no part in prediction.
        num_segments (int): So many entries of the batch are one clip, see
            :class:`~.features.StepsInTime`.
        same_tokens (bool): Whether a checkpoint with other ``num_tokens``,
            ``parts`` or ``switch_cost`` is refused, or read all the same.
        layout (str, optional): The old name of ``input_format``.

    Raises:
        ValueError: An unknown ``input_format``, features that do not fit it,
            or use before training.
    """

    def __init__(self,
                 in_channels: int,
                 input_format: str = 'NMCTV',
                 num_tokens: int = 16,
                 codebook_size: int = 256,
                 quantizer: Dict = dict(),
                 parts: Optional[Sequence[Sequence[int]]] = None,
                 loss_commit: float = 0.5,
                 loss_temporal: float = 0.1,
                 align: Optional[Dict] = None,
                 reconstruct: Optional[Dict] = None,
                 language_bias: Optional[Dict] = None,
                 aux_head: Optional[Dict] = None,
                 num_segments: int = 1,
                 same_tokens: bool = True,
                 layout: Optional[str] = None,
                 init_cfg: Optional[Dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        if layout is not None:
            input_format = renamed('VSTNeck', 'layout', 'input_format', layout)
        self.steps_in_time = StepsInTime(input_format, in_channels,
                                         num_tokens, parts, num_segments)
        self.in_channels = in_channels
        self.parts, self.num_parts = parts, len(parts or [()])
        self.input_format = input_format
        self.num_tokens = num_tokens
        self.same_tokens = same_tokens
        self.description = dict(
            codebook=describe_codebook(codebook_size, quantizer),
            num_tokens=num_tokens,
            parts=parts,
            switch_cost=quantizer.get('switch_cost', 0))
        self.loss_commit = loss_commit
        self.loss_temporal = loss_temporal
        self.norm = nn.LayerNorm(in_channels)
        self.quantizer = build_quantizer(in_channels, codebook_size,
                                         quantizer)
        self.aux_head = aux_head
        if aux_head is not None:
            self.classifier = nn.Linear(in_channels, aux_head['num_classes'])
        self.align = align and Alignment(in_channels, **align)
        self.reconstruct = reconstruct and Reconstruction(
            in_channels, **reconstruct)
        if language_bias and not hasattr(self.quantizer, 'codebook'):
            raise ValueError('VSTNeck: `language_bias` needs a codebook; '
                             'FSQ has none')
        self.language_bias = language_bias and LanguageBias(
            self.quantizer.codebook.shape[1], codebook_size, **language_bias)
        self.register_buffer(
            '_name_of', torch.empty(codebook_size, dtype=torch.long),
            persistent=False)
        self.code_names = [UNNAMED] * codebook_size
        self.register_load_state_dict_pre_hook(old_codes_are_unnamed)

    def forward(self,
                x: Features,
                data_samples: Optional[List] = None
                ) -> Tuple[SemanticTokens, Dict[str, Tensor]]:
        """Tokens of a batch of clips and, in training, their losses.

        Args:
            x (Tensor | Sequence): Feature maps, their axes named by
                ``input_format``; or codes made before, (N, S) integers of a
                ``TokenDataset``, which have no losses.
            data_samples (list[:obj:`ActionDataSample`], optional): The
                annotations; given in training only.

        Returns:
            tuple: :class:`SemanticTokens` and a dict of losses, empty
            without ``data_samples``; ``loss_vst`` is that of ``aux_head``.
        """
        if are_codes(x):
            return self.read_codes(x.long()), dict()
        steps = self.temporal_steps(x)  # (N P, L, C)
        clips = len(steps) // self.num_parts  # N
        if data_samples is not None:
            self.check_views(steps, len(data_samples))
        if not self.training:
            self._require_codebook()
        # A codebook that is a running mean needs float32 to move at all.
        with torch.autocast(steps.device.type, enabled=False):
            # (N P, L, C), (N P, L), and the loss of each quantiser
            quantized, ids, commit = self.quantizer(steps)
        tokens = self._join_parts(steps, quantized, ids, clips)
        if data_samples is None:
            return tokens, dict()

        z = self.quantizer.project_in(steps)
        losses = dict(
            loss_commit=self.loss_commit * commit.sum(),
            loss_temporal=self.loss_temporal * temporal_consistency(z, steps))
        if self.aux_head is not None:
            losses['loss_vst'] = self.auxiliary_loss(tokens.light_scores,
                                                     data_samples)
        if self.align:
            losses.update(
                self.align(quantized.unflatten(0, (clips, -1)), data_samples))
        if self.reconstruct:
            losses.update(self.reconstruct(quantized, steps))
        if self.language_bias:
            losses.update(
                self.language_bias(z, ids, self.quantizer.codebook))
        return tokens, losses

    def _join_parts(self, steps: Tensor, quantized: Tensor, ids: Tensor,
                    clips: int) -> SemanticTokens:
        """Put the parts of a clip side by side: (N P, L) -> (N, S)."""
        steps, quantized = (x.reshape(clips, -1, x.shape[-1])
                            for x in (steps, quantized))
        length = ids.shape[1]
        ids = ids.reshape(clips, -1)
        part = torch.arange(ids.shape[1], device=ids.device) // length
        return SemanticTokens(
            embeds=quantized,
            ids=ids,
            mask=torch.ones_like(ids, dtype=torch.bool),
            names=self._name_of[ids],
            parts=part.expand_as(ids),
            light_scores=self.light_scores(steps, quantized),
            num_codes=ids.new_full((clips, ), len(self._name_of)))

    @torch.no_grad()
    def read_codes(self, ids: Tensor) -> SemanticTokens:
        """Make tokens of codes (N, S) that were kept."""
        self._require_codebook()
        quantized = vectors(self.quantizer, ids)
        tokens = self._join_parts(quantized, quantized, ids.view(
            -1, self.num_tokens), len(ids))
        # Those of the steps before quantisation are not known.
        return tokens._replace(light_scores=tokens.light_scores[..., :0])

    def _require_codebook(self) -> None:
        # Or the library would build it from the first clip of a test.
        if not all(b for name, b in self.quantizer.named_buffers()
                   if name.endswith('initted')):
            raise ValueError(
                f'VSTNeck has no codebook yet: {len(self._name_of)} codes '
                'begin with as many steps of training clips, and there were '
                f'{sum(map(len, self.quantizer.gathered))}. Train (longer, or '
                'with a smaller `codebook_size`), or `load_from` a checkpoint')

    def check_views(self, steps: Tensor, samples: int) -> None:
        """Refuse steps of several clips of a sample, for training.

        Args:
            steps (Tensor): From :meth:`temporal_steps`.
            samples (int): Samples of the batch.

        Raises:
            ValueError: Names the keys that make the clips.
        """
        clips = len(steps) // self.num_parts
        if clips == samples:
            return
        segments = self.steps_in_time.num_segments
        views = clips * segments // samples
        raise ValueError(
            f'VSTNeck: {views} clips of each sample in training, where '
            f'{segments} fit: set `num_clips` of SampleFrames or '
            f'UniformSampleFrames to {segments}; or, if they follow one '
            f'another in time, `model.neck.num_segments` to {views}')

    def temporal_steps(self, x: Features) -> Tensor:
        """Backbone features -> (N P, L, C) normalised steps in time, the
        parts of a clip one after the other."""
        return self.norm(self.steps_in_time(x))

    def light_scores(self, steps: Tensor, quantized: Tensor) -> Tensor:
        """Steps and tokens (N, S, C) -> (N, 2, classes) scores of the
        auxiliary classifier for the mean of either; no classes without it."""
        means = torch.stack([steps.mean(1), quantized.mean(1)], 1)
        if self.aux_head is None:
            return means[..., :0]
        return self.classifier(means)

    def auxiliary_loss(self, scores: Tensor, data_samples: List) -> Tensor:
        """Cross-entropy of the mean token, before and after quantisation,
        so that both are discriminative and stay close."""
        labels = torch.cat([s.gt_label for s in data_samples])
        loss = sum(
            F.cross_entropy(
                part, labels.to(part.device),
                label_smoothing=self.aux_head.get('label_smooth_eps', 0.))
            for part in scores.unbind(1))
        return self.aux_head.get('loss_weight', 1.) * loss

    # ----------------------------------------------------- names of the codes
    @property
    def code_names(self) -> List[str]:
        """(K, ) what each code is called, see :mod:`.code_names`;
        ``CodeNamesHook`` sets it, and checkpoints keep it."""
        return self._code_names

    @code_names.setter
    def code_names(self, names: Sequence[str]) -> None:
        if len(names) != len(self._name_of):
            raise ValueError(f'{len(names)} names for the '
                             f'{len(self._name_of)} codes of VSTNeck')
        self._code_names = list(names)
        # A name that the vocabulary no longer has is kept, but not used.
        numbers = {name: i for i, name in enumerate(VOCABULARY)}
        self._name_of.copy_(
            torch.tensor([numbers.get(name, -1) for name in names]))

    def get_extra_state(self) -> Tensor:
        # EMAHook copies it from one model to another, tensor by tensor: its
        # size must not depend on the names.
        names = self.code_names
        room = len(names) * max(map(len, VOCABULARY)) - sum(map(len, names))
        return to_bytes(dict(self.description, code_names=names,
                             padding=' ' * room))

    def set_extra_state(self, state: Tensor) -> None:
        """Take the names of the codes over; compare the tokens.

        Raises:
            ValueError: See
                :func:`lvlm_var_mm.checkpoint.description.check_tokens`.
        """
        saved = from_bytes(state)
        if isinstance(saved, list):  # names were all there was
            saved = dict(code_names=saved)
        check_tokens(saved, self.description, self.same_tokens)
        self.code_names = saved['code_names']
