"""Codes of all clips of a training set, for a second stage of training."""
import io
from typing import Dict, List, Optional, Sequence, Sized, Tuple

import numpy as np
import torch
from mmengine.dataset import (ClassBalancedDataset, ConcatDataset,
                              RepeatDataset, pseudo_collate)
from torch import nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from lvlm_var_mm.datasets.plain import save_plain
from lvlm_var_mm.models.paired import PairedNeck
from lvlm_var_mm.models.tokens import tokens_of
from .repeatable import seed_all

WRAPPERS = ClassBalancedDataset, ConcatDataset, RepeatDataset


class Views(Dataset):
    """Several views of each clip: ``(number of the clip, sample)``.

    The sample is None where the clip is corrupt, in whose place a training
    set would give another. A view is drawn by its own seed, so it is the same
    in whatever process and batch it is made.

    Args:
        dataset (Sized): The training set.
        views (int): Of each clip.
    """

    def __init__(self, dataset: Sized, views: int) -> None:
        self.dataset, self.views = dataset, views

    def __len__(self) -> int:
        return self.views * len(self.dataset)

    def __getitem__(self, i: int) -> Tuple[int, Optional[Dict]]:
        seed_all(i)
        clip = inner = i % len(self.dataset)
        dataset = self.dataset
        while isinstance(dataset, WRAPPERS):
            at = dataset._get_ori_dataset_idx(inner)
            if isinstance(dataset, ConcatDataset):
                which, inner = at
                dataset = dataset.datasets[which]
            else:
                dataset, inner = dataset.dataset, at
        get = getattr(dataset, 'prepare_data', dataset.__getitem__)
        return clip, get(inner)


@torch.no_grad()
def cache_tokens(model: nn.Module,
                 dataset: Sized,
                 views: int,
                 batch_size: int = 32,
                 workers: int = 0,
                 progress: bool = False) -> List[Dict]:
    """Return the codes of each clip that is not corrupt.

    Args:
        model (nn.Module): From :func:`~lvlm_var_mm.apis.load_tokenizer`, on
            the device that it shall run on.
        dataset (Sized): A training set.
        views (int): Of each clip, each through the random pipeline anew.
        batch_size (int): Clips at a time.
        workers (int): Processes that read and transform.
        progress (bool): Show the clips done and the time left.

    Returns:
        list[dict]: ``label``, ``codes`` (views, S) and a ``meta`` for each
        view, as ``TokenDataset`` reads them.

    Raises:
        ValueError: Meta information that cannot be kept; says what. Or the
            model makes no tokens, or reads pairs, of which clips may lack one.
    """
    if getattr(model, 'neck', None) is None:
        raise ValueError(f'{type(model).__name__} of this config has no neck '
                         'that makes tokens: nothing to cache')
    if isinstance(model.neck, PairedNeck):
        raise ValueError('tokens of PairedNeck cannot be cached, for clips '
                         'may lack some of them: train in one stage')
    clips = [dict(codes=[], meta=[]) for _ in range(len(dataset))]
    loader = DataLoader(Views(dataset, views), batch_size,
                        num_workers=workers, collate_fn=_collate_readable)
    bar = tqdm(total=len(loader.dataset), unit='clip', disable=not progress)
    for size, at, data in loader:
        if at:
            data = model.data_preprocessor(data, False)
            feats = tokens_of(model, data['inputs'])
            samples = data['data_samples']
            first = feats.ids[::len(feats.ids) // len(samples)].cpu().numpy()
            for codes, sample, clip in zip(
                    first, samples, (clips[i] for i in at)):
                clip['label'] = int(sample.gt_label)
                clip['codes'].append(codes.astype(np.int32))
                clip['meta'].append(dict(sample.metainfo_items()))
            if not bar.n:  # what cannot be kept is told before the work
                save_plain(io.BytesIO(), clip['meta'])
        bar.update(size)
    bar.close()
    return [dict(c, codes=np.stack(c['codes'])) for c in clips if c['codes']]


def _collate_readable(batch: Sequence[Tuple[int, Optional[Dict]]]
                      ) -> Tuple[int, List[int], Dict]:
    readable = [(i, data) for i, data in batch if data is not None]
    return len(batch), [i for i, _ in readable], readable and pseudo_collate(
        [data for _, data in readable])
