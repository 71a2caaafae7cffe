"""Features of a backbone, whatever their form -> steps in time.

Shapes: B entries of the batch, S segments of a clip, N = B / S clips, M
persons, C channels, T frames, V joints, H and W space, P body parts, L steps
of a part.
"""
from typing import List, Optional, Sequence, Union

import torch
import torch.nn.functional as F
from torch import Tensor

Features = Union[Tensor, Sequence]

# To (B, M, C, T, V): persons and joints, or space, are averaged away.
FORMATS = dict(
    NMCTV=lambda x: x,
    NCTHW=lambda x: x.flatten(3).unsqueeze(1),
    NTC=lambda x: x.transpose(1, 2)[:, None, :, :, None],
    # No time: one entry is one moment, so S of them make a clip.
    NCHW=lambda x: x.flatten(2)[:, None, :, None],
    NC=lambda x: x[:, None, :, None, None])
WITHOUT_TIME = 'NCHW', 'NC'


def are_codes(x: Features) -> bool:
    """Tell codes made before, (N, S) integers, from features."""
    return isinstance(x, Tensor) and not x.is_floating_point()


def tensors(x: Features) -> List[Tensor]:
    """Return the tensors in what a backbone returns, in their order: itself,
    or those of a tuple or list, nested or not."""
    if isinstance(x, (tuple, list)):
        return [tensor for inner in x for tensor in tensors(inner)]
    return [] if x is None else [x]


class StepsInTime:
    """Average features over all but channels and time, L steps a part.

    Several feature maps, as SlowFast's pathways or the scales of a Swin
    transformer, are put side by side, channel after channel, each brought to
    L steps first. What has other axes beside them, as MViT's class token, has
    no time and is left out.

    Args:
        input_format (str): The axes of the features: ``'NMCTV'`` behind a GCN,
            ``'NCTHW'`` behind a 3D CNN or video transformer, ``'NTC'`` for a
            sequence of tokens in the order of time, ``'NCHW'`` for frames in
            the batch (TSN, TSM), ``'NC'`` for what is pooled over time (C3D).
        in_channels (int): C, of all feature maps together.
        num_tokens (int): L.
        parts (list[list[int]], optional): Joints of each body part, behind a
            GCN.
        num_segments (int): S, so many entries of the batch, one after the
            other, are one clip: the ``num_clips`` of ``SampleFrames``.

    Raises:
        ValueError: Settings that do not go together.
    """

    def __init__(self,
                 input_format: str,
                 in_channels: int,
                 num_tokens: int,
                 parts: Optional[Sequence[Sequence[int]]] = None,
                 num_segments: int = 1) -> None:
        if input_format not in FORMATS:
            raise ValueError(f'VSTNeck: `input_format` is {input_format!r}, '
                             f'not one of {sorted(FORMATS)}')
        if parts is not None and input_format != 'NMCTV':
            raise ValueError('VSTNeck: `parts` needs joints, '
                             '`input_format` NMCTV')
        if input_format in WITHOUT_TIME and num_segments < 2:
            raise ValueError(
                f'VSTNeck: `input_format` {input_format} has no time: set '
                '`num_segments` to the `num_clips` of SampleFrames, of which '
                'each becomes a step')
        self.input_format = input_format
        self.in_channels = in_channels
        self.num_tokens = num_tokens
        self.parts = parts
        self.num_segments = num_segments

    def __call__(self, features: Features) -> Tensor:
        """Features of B entries -> (N P, L, C) float32, the parts of a clip
        one after the other.

        Raises:
            ValueError: They do not fit ``input_format``, ``in_channels`` or
                ``num_segments``; gives their shapes.
        """
        axes = self.input_format
        maps = [x for x in tensors(features) if x.dim() == len(axes)]
        channels = sum(x.shape[axes.index('C')] for x in maps)
        if channels != self.in_channels:
            raise ValueError(self._misfit(features, channels))
        if len(maps[0]) % self.num_segments:
            raise ValueError(
                f'VSTNeck: `num_segments` is {self.num_segments}, but the '
                f'batch has {len(maps[0])} entries: set it to the `num_clips` '
                'of SampleFrames')
        return torch.cat([
            F.adaptive_avg_pool1d(self._pool(x), self.num_tokens)
            for x in maps
        ], 1).transpose(1, 2)

    def _pool(self, x: Tensor) -> Tensor:
        """Average one map -> (N P, C, S T)."""
        x = FORMATS[self.input_format](x.float())
        if self.parts is None:
            x = x.mean((1, 4))[:, None]  # (B, 1, C, T)
        else:
            x = torch.stack([
                x[..., list(joints)].mean((1, 4)) for joints in self.parts], 1)
        # Segment after segment: (N, S, P, C, T) -> (N, P, C, S, T).
        x = x.unflatten(0, (-1, self.num_segments)).movedim(1, 3)
        return x.flatten(3).flatten(0, 1)

    def _misfit(self, features: Features, channels: int) -> str:
        shapes = [tuple(x.shape) for x in tensors(features)]
        text = (f'VSTNeck: `input_format` {self.input_format} with '
                f'`in_channels` {self.in_channels} does not fit features of '
                f'shape {", ".join(map(str, shapes))}: ')
        if channels:
            return text + f'these have {channels} channels'
        axes = ', '.join(self.input_format).replace(
            'C', str(self.in_channels), 1)
        fitting = [name for name in FORMATS
                   if len(name) in {len(shape) for shape in shapes}]
        text += f'it wants ({axes}), '
        if fitting == ['NC']:
            return text + (
                'and these are pooled over time. Let the backbone give its '
                'feature map (`return_feat_map=True` of VisionTransformer, '
                'TimeSformerMap instead of TimeSformer), or read several '
                '`num_clips` of a sample as its steps: `input_format` NC '
                'with `num_segments`')
        if not fitting:
            return text + 'and no `input_format` has so many axes'
        return (text + 'and so many axes are of `input_format` ' +
                ' or '.join(fitting))
