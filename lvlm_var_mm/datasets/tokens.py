"""Semantic action tokens in the place of clips, for a second stage of
training in which backbone and codebook stand still."""
import os.path as osp
from typing import Dict, List, Sequence

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from .labels import OneLabelMixin
from .pickles import load_pickle


@DATASETS.register_module()
class TokenDataset(OneLabelMixin, BaseDataset):
    """Codes of clips, as ``tools/cache_tokens.py`` writes them.

    The file is a pickle of ``fingerprint``, of what made the codes, for
    :class:`~lvlm_var_mm.engine.TokenCacheHook`, and ``clips``, of which each
    has ``label``, ``codes`` (views, S) and, per view, ``meta``, the meta
    information of its sample. Training draws a view; testing takes the first.

    Args:
        ann_file (str): The file.
        kwargs: Of MMEngine's ``BaseDataset``.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not such a file, or a damaged one.
    """

    def __init__(self, ann_file: str, pipeline: Sequence = (),
                 **kwargs) -> None:
        super().__init__(ann_file=ann_file, pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> List[Dict]:
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'no file {self.ann_file}: `python -m lvlm_var_mm '
                'cache_tokens` makes it; set `ann_file` of TokenDataset to it')
        content = load_pickle(self.ann_file)
        if not isinstance(content, dict) or not content.get('clips'):
            raise ValueError(f'{self.ann_file} was not made by '
                             'tools/cache_tokens.py: it has no `clips`')
        self._metainfo['fingerprint'] = content.get('fingerprint')
        return content['clips']

    def prepare_data(self, idx: int) -> Dict:
        clip = self.get_data_info(idx)
        view = 0 if self.test_mode else np.random.randint(len(clip['codes']))
        sample = ActionDataSample(metainfo=clip['meta'][view])
        sample.set_gt_label(clip['label'])
        codes = torch.from_numpy(clip['codes'][view].astype(np.int64))
        return dict(inputs=codes[None], data_samples=sample)
