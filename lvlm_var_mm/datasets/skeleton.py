"""Skeletons from a pickle in MMAction2's PoseDataset format or from a
memory-mapped store, checked as they are opened."""
import os.path as osp
from collections.abc import Mapping, Sequence
from typing import List, Optional, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from lvlm_var_mm.class_lists import load_classes
from mmaction.datasets import PoseDataset
from mmaction.registry import DATASETS
from .annotations import chosen, read_pickle, tidy
from .corrupt import CorruptSampleError, SkipCorruptMixin
from .events import measure_first
from .exclude import is_excluded, read_exclude
from .labels import OneLabelMixin
from .pickles import load_pickle
from .store import SkeletonStore, is_store


@DATASETS.register_module()
class SkeletonDataset(OneLabelMixin, SkipCorruptMixin, PoseDataset):
    """``PoseDataset`` that says what is wrong with the data.

    The stock class reports a missing split as ``KeyError``, a label outside
    the classes as an index error in the loss and a wrong number of joints as
    a shape error in the backbone, and lets NaN through. Joint layouts are
    free: ``num_joints`` is all that is asked of them.

    Args:
        ann_file (str): Pickle with ``split`` and ``annotations``, or a store
            (:mod:`~lvlm_var_mm.datasets.store`).
        pipeline (list): Transforms.
        split (str, optional): A key of ``split``. Defaults to all samples.
        class_names (str | list, optional): The class list that the head
            reads; labels must lie inside it.
        num_joints (int, optional): V of the layout that the model is built
            for.
        exclude (str | list[str], optional): Samples to leave out: their
            ``frame_dir``, or a text file that lists them, one per line, such
            as the authors' list of incomplete samples of NTU RGB+D.
        only (list[int], optional): Labels whose samples alone are taken,
            such as the seen ones of a zero-shot protocol.
        kwargs: Of ``mmaction.datasets.PoseDataset``.

    Raises:
        FileNotFoundError: No such pickle, store or list.
        ValueError: Not such a pickle, an unknown split, a label outside the
            class list or another number of joints; names the sample.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: List,
                 split: Optional[str] = None,
                 class_names: Union[str, Sequence, None] = None,
                 num_joints: Optional[int] = None,
                 exclude: Union[str, Sequence[str], None] = None,
                 only: Optional[Sequence[int]] = None,
                 **kwargs) -> None:
        self.only = None if only is None else set(only)
        self.class_list = (
            None if class_names is None else load_classes(class_names))
        self.num_joints = num_joints
        self.exclude = read_exclude(exclude)
        self.store = None
        super().__init__(ann_file, pipeline=pipeline, split=split, **kwargs)

    def full_init(self) -> None:
        """List the samples, and measure the events that the pipeline needs
        and nobody kept."""
        loaded = self._fully_initialized
        super().full_init()
        if not loaded:
            measure_first(self)

    def load_data_list(self) -> List[dict]:
        """The samples of the split, each checked. Those of a store hold
        their number alone; the arrays follow in :meth:`get_data_info`."""
        samples, splits = self.read_annotations()
        if self.split is not None:
            samples = chosen(samples, splits, self.split, self.ann_file)
        return self.checked(samples)

    def read_annotations(self) -> Tuple[Sequence[dict], Mapping]:
        """All samples of ``ann_file`` and the names in each split."""
        if not is_store(self.ann_file):
            return read_pickle(self.ann_file)
        self.store = SkeletonStore(self.ann_file)
        if 'note' in self.store.meta:
            self._metainfo['note'] = self.store.meta['note']
        samples = _StoreRows(self.store)
        return samples, _StoreSplits(samples, self.store.splits)

    def checked(self, samples: List[dict]) -> List[dict]:
        """The samples that are not excluded.

        Raises:
            ValueError: None is left, or one does not fit; names it.
        """
        samples = [s for s in samples
                   if not is_excluded(s['frame_dir'], self.exclude)]
        if self.store is None:
            scored = sum(s.get('keypoint_score') is not None
                         for s in samples)
            samples = [tidy(s, self.ann_file) for s in samples]
            left = sum('keypoint_score' in s for s in samples)
            if scored > left:
                print_log(f'{self.ann_file}: {scored - left} samples are 3D '
                          'and have a `keypoint_score`, which is left out',
                          logger='current')
        if self.only is not None:
            samples = [s for s in samples if s.get('label') in self.only]
        if not samples:
            raise ValueError(
                f'{self.ann_file}: split {self.split!r} has no samples' +
                ('' if self.only is None else
                 f' of the labels `only`, {sorted(self.only)}'))
        for sample in samples:
            self._check(sample)
        if 'video' in self.data_prefix:  # as PoseDataset does it
            folder = self.data_prefix['video']
            samples = [{**sample, **{
                key: osp.join(folder, sample[key])
                for key in ('filename', 'frame_dir') if key in sample
            }} for sample in samples]
        return samples

    def _check(self, sample: dict) -> None:

        def fail(problem):
            raise ValueError(f'{self.ann_file}: sample '
                             f'{sample.get("frame_dir")!r} has {problem}')

        if 'store_row' in sample:
            joints = self.store.meta['num_joints']
        elif 'keypoint' in sample or 'skeleton' not in self.data_prefix:
            shape = np.shape(sample.get('keypoint'))
            if len(shape) != 4:
                fail(f'`keypoint` of shape {shape}, not (persons, frames, '
                     'joints, coordinates)')
            joints = shape[2]
        else:
            joints = None  # the stock class reads it, one file per sample
        if None not in (self.num_joints, joints) and (
                joints != self.num_joints):
            fail(f'{joints} joints, but the layout of the model has '
                 f'{self.num_joints}: set `num_joints` and `graph_cfg` to '
                 'the layout of the data')
        if self.class_list and 'label' not in sample:
            fail('no `label`')
        if self.class_list and not (0 <= sample['label'] < len(
                self.class_list.names)):
            fail(f'label {sample["label"]}, but `class_names` lists '
                 f'{len(self.class_list.names)} classes, 0 to '
                 f'{len(self.class_list.names) - 1}')

    def get_plain_info(self, idx: int) -> dict:
        """Annotation ``idx`` as it is listed; one of a store has no arrays."""
        return BaseDataset.get_data_info(self, idx)

    def get_data_info(self, idx: int) -> dict:
        """Annotation ``idx`` with its arrays. A joint that is NaN, as some
        estimators say that it was not seen, becomes zero.

        Raises:
            CorruptSampleError: No frames, no joint that is seen, or infinite
                coordinates or scores.
        """
        # Not PoseDataset's, which would load any pickle.
        info = super(PoseDataset, self).get_data_info(idx)
        if 'skeleton' in self.data_prefix:  # read from a file of its own
            info = tidy({**info, **self._own_file(info)}, self.ann_file)
        if 'store_row' in info:
            stored = self.store.sample(info.pop('store_row'))
            # The label of the list, which may count other classes.
            info = {**stored, **info}
        keypoint = info['keypoint']
        lost = np.isnan(keypoint).any(-1, keepdims=True)
        if lost.any() and not lost.all():
            keypoint = info['keypoint'] = np.where(
                lost, keypoint.dtype.type(0), keypoint)
        numbers = keypoint, info.get('keypoint_score', 0.)
        if not keypoint.size or not all(np.isfinite(x).all() for x in numbers):
            raise CorruptSampleError(
                f'{self.ann_file}: sample {info.get("frame_dir")!r}',
                'no persons or frames, or coordinates or scores that are not '
                'finite')
        return info

    def _own_file(self, info: dict) -> dict:
        path = osp.join(self.data_prefix['skeleton'], str(info.get(
            'filename', info['frame_dir'])) + '.pkl')
        content = load_pickle(path)
        if not isinstance(content, dict):
            raise CorruptSampleError(path, 'holds no dict of a skeleton')
        return content


class _StoreRows(Sequence):
    """Annotations of a store without their arrays, made when asked for."""

    def __init__(self, store):
        self.names, self.labels = np.array(store.names), store.labels

    def __len__(self):
        return len(self.names)

    def __getitem__(self, i):
        return dict(frame_dir=self.names[i].decode(),
                    label=int(self.labels[i]), store_row=int(i))


class _StoreSplits(Mapping):
    """Splits of a store, turned from numbers to names when asked for."""

    def __init__(self, rows, splits):
        self.rows, self.splits = rows, splits

    def __iter__(self):
        return iter(self.splits)

    def __len__(self):
        return len(self.splits)

    def __getitem__(self, split):
        return [self.rows.names[i].decode() for i in self.splits[split]]
