"""Semantic action tokens in the place of clips, for a second stage of
training in which backbone and codebook stand still."""
import os.path as osp
from typing import Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from lvlm_var_mm.atomic import replaced
from mmaction.registry import DATASETS
from mmaction.structures import ActionDataSample
from .labels import OneLabelMixin
from .plain import load_plain, save_plain


@DATASETS.register_module()
class TokenDataset(OneLabelMixin, BaseDataset):
    """Codes of clips, as ``tools/cache_tokens.py`` writes them.

    The file (:mod:`.plain`) has ``fingerprint``, of what made the codes, for
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
        try:
            content = load_plain(self.ann_file)
            clips = content['clips']
            for clip in clips:
                _check(**clip)
            if not clips:
                raise ValueError('it has no `clips`')
            self._metainfo['fingerprint'] = content.get('fingerprint')
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise ValueError(
                f'{self.ann_file} holds no tokens of clips ({e}): make it '
                'anew with `python -m lvlm_var_mm cache_tokens`') from e
        return clips

    def prepare_data(self, idx: int) -> Dict:
        clip = self.get_data_info(idx)
        view = 0 if self.test_mode else np.random.randint(len(clip['codes']))
        sample = ActionDataSample(metainfo=clip['meta'][view])
        sample.set_gt_label(clip['label'])
        codes = torch.from_numpy(clip['codes'][view].astype(np.int64))
        return dict(inputs=codes[None], data_samples=sample)


def save_tokens(path: str, fingerprint: Optional[str],
                clips: List[Dict]) -> None:
    """Write the file of a :class:`TokenDataset`, whole or not at all.

    Args:
        path (str): The file.
        fingerprint (str, optional): Of what made the codes.
        clips (list[dict]): See :class:`TokenDataset`.
    """
    with replaced(path) as f:
        save_plain(f, dict(fingerprint=fingerprint, clips=clips))


def _check(label: int, codes: np.ndarray, meta: List[Dict]) -> None:
    """Raises:
        ValueError: It is no clip.
    """
    if (not isinstance(label, int) or codes.ndim != 2
            or codes.dtype.kind not in 'iu' or len(codes) != len(meta)
            or not len(codes)):
        raise ValueError('a clip has no `label`, `codes` (views, S) or '
                         '`meta` of each view')
