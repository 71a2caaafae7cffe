"""A batch of pairs: what travels between preprocessor, backbone and neck.

Shapes: N clips, W views of each, B = N W.
"""
from dataclasses import dataclass
from typing import Any, Iterator, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor

BRANCHES = 'rgb', 'skeleton'


@dataclass
class PairBatch:
    """The videos and the skeletons of a batch of clips.

    A stock ``Recognizer3D`` takes it for a tensor of shape (N, W): it asks
    its inputs for ``shape``, for a ``view`` with the views of all clips side
    by side, and for slices of that.

    Attributes:
        rgb (Tensor): (N, W, C, T, H, W'), or (B, ...) after :meth:`view`;
            zeros where a clip has no video. (N, W, 0) if none has one.
        skeleton (Tensor): (N, W, M, T, V, C), likewise.
        there (Tensor): bool (N, W, 2), whether each has a video and a
            skeleton. It stays on the CPU, where it costs no synchronisation.
    """
    rgb: Tensor
    skeleton: Tensor
    there: Tensor

    @property
    def shape(self) -> torch.Size:
        """Return (N, W), or (B, ) after :meth:`view`."""
        return self.there.shape[:-1]

    def view(self, shape: Sequence[int]) -> 'PairBatch':
        """Return the same with other leading axes.

        Args:
            shape (Sequence[int]): In the place of (N, W).
        """
        axes = self.there.dim() - 1
        # Known here alone, where a modality has no elements.
        shape = self.there.reshape(*shape, len(BRANCHES)).shape[:-1]
        return PairBatch(*(x.reshape(*shape, *x.shape[axes:])
                           for x in self._fields()))

    def split(self, clips: int) -> Iterator['PairBatch']:
        """Yield so many clips at a time."""
        for at in range(0, len(self), clips):
            yield self[at:at + clips]

    def __len__(self) -> int:
        return len(self.there)

    def __getitem__(self, which: slice) -> 'PairBatch':
        return PairBatch(*(x[which] for x in self._fields()))

    def _fields(self) -> Tuple[Tensor, Tensor, Tensor]:
        return self.rgb, self.skeleton, self.there


class PairFeatures(NamedTuple):
    """Features of B clips: of each branch those of the clips that have it, in
    their order; None if none has."""
    rgb: Any
    skeleton: Any
    there: Tensor  # bool (B, 2)
