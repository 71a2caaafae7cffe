"""Pairs from the data loader -> one batch on the device."""
from typing import Dict, List

import torch
from torch import Tensor

from mmaction.models.data_preprocessors import MultiModalDataPreprocessor
from mmaction.registry import MODELS
from .batch import BRANCHES, PairBatch


@MODELS.register_module()
class PairedDataPreprocessor(MultiModalDataPreprocessor):
    """Preprocess videos and skeletons, each by a stock preprocessor, where
    some clips lack one of them.

    Args:
        preprocessors (dict): Of ``rgb`` and of ``skeleton``, each a config
            such as ``dict(type='ActionDataPreprocessor', ...)``. Skeletons
            have a plain one by default.

    Raises:
        ValueError: Another modality, or ``blending``, which would mix a clip
            that has a modality with one that lacks it.
    """

    def __init__(self, preprocessors: Dict) -> None:
        super().__init__(
            dict(dict(skeleton=dict(type='ActionDataPreprocessor')),
                 **preprocessors))
        if set(self.preprocessors) != set(BRANCHES):
            raise ValueError(
                f'PairedDataPreprocessor: `preprocessors` are of '
                f'{sorted(self.preprocessors)}, must be of {list(BRANCHES)}')
        for name, side in self.preprocessors.items():
            if getattr(side, 'blending', None) is not None:
                raise ValueError(f'PairedDataPreprocessor: take `blending` '
                                 f'out of `preprocessors.{name}`; clips that '
                                 'lack a modality cannot be mixed')

    def forward(self, data: Dict, training: bool = False) -> Dict:
        """Return ``data`` with a :class:`PairBatch` as its ``inputs``.

        Args:
            data (dict): Of N clips, ``inputs`` with a list of N tensors for
                each modality, (views, ...) each, without elements where the
                clip lacks it; and ``data_samples``.
            training (bool): Of the stock preprocessors.

        Raises:
            ValueError: A clip has neither, or video and skeleton have
                different numbers of views.
        """
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data['data_samples']
        there = torch.tensor([[x.numel() > 0 for x in inputs[name]]
                              for name in BRANCHES]).T  # (N, 2)
        if not there.any(1).all():
            clip = int(there.any(1).long().argmin())
            name = samples[clip].get('frame_dir', f'number {clip}')
            raise ValueError(f'clip {name} has neither a video nor a '
                             'skeleton; list it in `exclude` of the dataset')
        sides = [self._stacked(name, inputs[name], samples, training)
                 for name in BRANCHES]
        views = {x.shape[1] for x, some in zip(sides, there.T) if some.any()}
        if len(views) > 1:
            raise ValueError(
                f'videos have {sides[0].shape[1]} views of a clip, skeletons '
                f'{sides[1].shape[1]}: give both the same `num_clips`')
        number = views.pop()
        sides = [x if x.numel() else x.new_zeros(len(samples), number, 0)
                 for x in sides]
        data['inputs'] = PairBatch(*sides, there[:, None].expand(
            -1, number, -1))
        return data

    def _stacked(self, name: str, inputs: List[Tensor], samples: List,
                 training: bool) -> Tensor:
        """(N, views, ...) preprocessed, zeros where a clip lacks it."""
        rows = [i for i, x in enumerate(inputs) if x.numel()]
        if not rows:
            return inputs[0].new_zeros(len(inputs), 0, dtype=torch.float32)
        some, _ = self.preprocessors[name].preprocess(
            [inputs[i] for i in rows], [samples[i] for i in rows], training)
        if len(rows) == len(inputs):
            return some
        whole = some.new_zeros(len(inputs), *some.shape[1:])
        whole[rows] = some
        return whole
