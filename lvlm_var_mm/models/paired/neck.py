"""Tokens of video and skeleton, side by side.

Shapes: N clips, of which n have a modality, S = P L tokens of a branch (P
body parts of L), C channels of a token.
"""
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.dist import get_world_size
from mmengine.model import BaseModule
from torch import Tensor

from mmaction.registry import MODELS
from ..tokens import SemanticTokens
from ..vst.neck import VSTNeck
from .batch import BRANCHES, PairFeatures


@MODELS.register_module()
class PairedNeck(BaseModule):
    """Turn the features of a :class:`TwoBranchBackbone` into the tokens of
    both branches, those of the video first.

    Each branch has a :class:`VSTNeck`, with a codebook and losses of its own.
    To the rest of the model the pair looks like one neck: the codes of the
    skeleton are numbered on behind those of the video, and a branch counts as
    a body part. Each branch has channels of its own, zero in the tokens of the
    other, so that the first layer of the head's projector has a matrix for
    each. Tokens of what a clip lacks are masked: they are not in its prompt.

    Args:
        rgb (dict): Config of the :class:`VSTNeck` of the videos.
        skeleton (dict): Config of that of the skeletons. Both have the same
            ``num_tokens``, so that a step of one is a step of the other.
        modality_drop (float): Share of the clips of training of which the
            head reads one branch, drawn at random, so that it knows the case.
            The branches themselves learn from all clips.
        init_cfg (dict, optional): Of ``BaseModule``.

    Raises:
        ValueError: Settings that do not go together.
    """
    parts = None

    def __init__(self,
                 rgb: Dict,
                 skeleton: Dict,
                 modality_drop: float = 0.,
                 init_cfg: Optional[Dict] = None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.rgb: VSTNeck = MODELS.build(rgb)
        self.skeleton: VSTNeck = MODELS.build(skeleton)
        if not 0 <= modality_drop <= 1:
            raise ValueError(f'PairedNeck: `modality_drop` is {modality_drop},'
                             ' must lie in 0 to 1')
        if self.rgb.num_tokens != self.skeleton.num_tokens:
            raise ValueError(
                f'PairedNeck: `num_tokens` is {self.rgb.num_tokens} of `rgb` '
                f'and {self.skeleton.num_tokens} of `skeleton`, must be equal')
        for name in BRANCHES:
            if getattr(self, name).steps_in_time.num_segments > 1:
                raise ValueError(
                    f'PairedNeck: `{name}.num_segments` must be 1; take a '
                    'backbone that keeps time')
        classes = [(getattr(self, name).aux_head or {}).get('num_classes')
                   for name in BRANCHES]
        if classes[0] != classes[1]:
            raise ValueError(
                f'PairedNeck: `aux_head.num_classes` is {classes[0]} of `rgb` '
                f'and {classes[1]} of `skeleton`, must be equal')
        self.modality_drop = modality_drop

    @property
    def in_channels(self) -> int:
        """Return C, the channels of both, which the head reads."""
        return self.rgb.in_channels + self.skeleton.in_channels

    @property
    def num_tokens(self) -> int:
        """Return the number of tokens of a clip that has both."""
        return sum(map(_length, (self.rgb, self.skeleton)))

    def sides(self, x: PairFeatures
              ) -> Iterator[Tuple[str, VSTNeck, Any, Tensor]]:
        """Yield of each branch that occurs its name, neck and features, and
        the (N, ) mask of the clips that they are of."""
        for i, name in enumerate(BRANCHES):
            if x[i] is not None:
                yield name, getattr(self, name), x[i], x.there[:, i]

    def forward(self,
                x: PairFeatures,
                data_samples: Optional[List] = None
                ) -> Tuple[SemanticTokens, Dict[str, Tensor]]:
        """Tokens of a batch of clips and, in training, their losses.

        Args:
            x (PairFeatures): Of N clips.
            data_samples (list[:obj:`ActionDataSample`], optional): The
                annotations; given in training only.

        Returns:
            tuple: :class:`SemanticTokens` and a dict of losses, those of a
            branch with its name before them.

        Raises:
            ValueError: Several views of a clip in training, or several
                processes of which one has no clip with some modality; and see
                :class:`VSTNeck`.
        """
        if not isinstance(x, PairFeatures):
            raise ValueError('PairedNeck reads features of a '
                             'TwoBranchBackbone: pairs train in one stage')
        lacks = [name for name, feats in zip(BRANCHES, x) if feats is None]
        if lacks and self.training and get_world_size() > 1:
            raise ValueError(
                f'PairedNeck: no clip of a batch of training has {lacks[0]}, '
                'and each of several processes needs one for the codebook '
                'that they share. Train on pairs, and set `modality_drop`')
        clips = len(x.there)
        if data_samples is not None and len(data_samples) != clips:
            raise ValueError(
                f'PairedNeck: {clips // len(data_samples)} clips of each '
                'sample in training, where 1 fits: set `num_clips` of the '
                'sampling of videos and of skeletons to 1')
        found, losses = {}, {}
        for name, neck, feats, rows in self.sides(x):
            some = data_samples and [
                sample for sample, row in zip(data_samples, rows) if row]
            tokens, its = neck(feats, data_samples=some)
            found[name] = tokens, rows
            losses.update({f'{name}_{key}': loss
                           for key, loss in its.items()})
        tokens = self._side_by_side(found, clips)
        if data_samples is not None and self.modality_drop:
            tokens = tokens._replace(mask=tokens.mask & self._read(
                x.there, tokens.mask.device))
        return tokens, losses

    def _side_by_side(self, found: Dict[str, Tuple[SemanticTokens, Tensor]],
                      clips: int) -> SemanticTokens:
        """Tokens of the branches, each of some of the clips -> of all."""
        some, _ = next(iter(found.values()))
        columns, channel, code, part = [], 0, 0, 0
        for name in BRANCHES:
            neck = getattr(self, name)
            ids = some.ids.new_zeros(clips, _length(neck))
            at = torch.arange(ids.shape[1], device=ids.device)
            side = SemanticTokens(
                embeds=some.embeds.new_zeros(*ids.shape, self.in_channels),
                ids=ids,
                mask=torch.zeros_like(ids, dtype=torch.bool),
                names=torch.full_like(ids, -1),
                parts=(part + at // neck.num_tokens).repeat(clips, 1))
            own = slice(channel, channel + neck.in_channels)
            if name in found:
                tokens, rows = found[name]
                rows = rows.to(ids.device)
                side.embeds[rows, :, own] = tokens.embeds
                side.ids[rows] = code + tokens.ids
                side.mask[rows] = tokens.mask
                side.names[rows] = tokens.names
            columns.append(side)
            channel = own.stop
            code += len(neck.code_names)
            part += neck.num_parts
        fields = zip(*(side[:5] for side in columns))
        return SemanticTokens(
            *(torch.cat(field, 1) for field in fields),
            light_scores=_fused([tokens.light_scores for tokens, _ in
                                 found.values()],
                                [rows.to(ids.device) for _, rows in
                                 found.values()]),
            num_codes=ids.new_full((clips, ), code))

    def _read(self, there: Tensor, device: torch.device) -> Tensor:
        """Draw which tokens the head reads in training: (N, S of both)."""
        clips = len(there)
        both = there.all(1) & (torch.rand(clips) < self.modality_drop)
        left = torch.randint(2, (clips, ))  # of which branch
        read = torch.stack([~both | (left == i) for i in range(2)], 1)
        lengths = torch.tensor([_length(self.rgb), _length(self.skeleton)])
        return read.repeat_interleave(lengths, 1).to(device)

    # ----------------------------------------------------- names of the codes
    @property
    def code_names(self) -> List[str]:
        """Name each code, those of the video first."""
        return self.rgb.code_names + self.skeleton.code_names

    @code_names.setter
    def code_names(self, names: Sequence[str]) -> None:
        at = len(self.rgb.code_names)
        self.rgb.code_names = names[:at]
        self.skeleton.code_names = names[at:]


def _length(neck: VSTNeck) -> int:
    return neck.num_tokens * neck.num_parts


def _fused(scores: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """Average the log-probabilities of the light classifiers over the
    branches that a clip has: (n, 2, classes) and (N, ) of each -> (N, 2,
    classes)."""
    total = scores[0].new_zeros(len(rows[0]), *scores[0].shape[1:],
                                dtype=torch.float32)
    for score, row in zip(scores, rows):
        total[row] += score.float().log_softmax(2)
    return total / torch.stack(list(rows)).sum(0)[:, None, None]
