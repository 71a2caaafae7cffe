"""Any pickle in MMAction2's PoseDataset format, checked as it is opened."""
import os.path as osp
from typing import List, Optional, Sequence, Union

import mmengine
import numpy as np

from lvlm_var_mm.class_lists import load_classes
from mmaction.datasets import PoseDataset
from mmaction.registry import DATASETS
from .corrupt import SkipCorruptMixin
from .skeleton_io import CorruptSampleError


@DATASETS.register_module()
class SkeletonDataset(SkipCorruptMixin, PoseDataset):
    """``PoseDataset`` that says what is wrong with the data.

    The stock class reports a missing split as ``KeyError``, a label outside
    the classes as an index error in the loss and a wrong number of joints as
    a shape error in the backbone, and lets NaN through. Joint layouts are
    free: ``num_joints`` is all that is asked of them.

    Args:
        ann_file (str): Pickle with ``split`` and ``annotations``.
        pipeline (list): Transforms.
        split (str, optional): A key of ``split``. Defaults to all samples.
        class_names (str | list, optional): The class list that the head
            reads; labels must lie inside it.
        num_joints (int, optional): V of the layout that the model is built
            for.
        exclude (list[str], optional): ``frame_dir`` of samples to leave out.
        kwargs: Of ``mmaction.datasets.PoseDataset``.

    Raises:
        FileNotFoundError: No such pickle.
        ValueError: Not such a pickle, an unknown split, a label outside the
            class list or another number of joints; names the sample.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: List,
                 split: Optional[str] = None,
                 class_names: Union[str, Sequence, None] = None,
                 num_joints: Optional[int] = None,
                 exclude: Optional[Sequence[str]] = None,
                 **kwargs) -> None:
        self.class_list = (
            None if class_names is None else load_classes(class_names))
        self.num_joints = num_joints
        self.exclude = set(exclude or ())
        super().__init__(ann_file, pipeline=pipeline, split=split, **kwargs)

    def load_data_list(self) -> List[dict]:
        """Load the pickle, take the split, check every annotation."""
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(
                f'no file {self.ann_file}: set `ann_file` of the dataset to '
                "a pickle in MMAction2's PoseDataset format")
        try:
            content = mmengine.load(self.ann_file)
        except Exception as e:
            raise ValueError(f'{self.ann_file} cannot be read as a pickle: '
                             f'{type(e).__name__}: {e}') from e
        annotations = content if isinstance(content, list) else content.get(
            'annotations', None) if isinstance(content, dict) else None
        if not annotations:
            raise ValueError(f'{self.ann_file} holds no `annotations`')
        if self.split is not None:
            splits = (content.get('split') or {}
                      if isinstance(content, dict) else {})
            if self.split not in splits:
                raise ValueError(f'{self.ann_file} has no split '
                                 f'{self.split!r}, but {sorted(splits)}')
            chosen = set(splits[self.split])
            key = 'filename' if 'filename' in annotations[0] else 'frame_dir'
            annotations = [a for a in annotations if a[key] in chosen]
        samples = [
            a for a in annotations if a.get('frame_dir') not in self.exclude
        ]
        if not samples:
            raise ValueError(f'{self.ann_file}: split {self.split!r} has no '
                             'samples')
        for sample in samples:
            self._check(sample)
        return samples

    def _check(self, sample: dict) -> None:
        name = f'{self.ann_file}: sample {sample.get("frame_dir")!r}'
        shape = np.shape(sample.get('keypoint'))
        if len(shape) != 4:
            raise ValueError(f'{name} has `keypoint` of shape {shape}, not '
                             '(persons, frames, joints, coordinates)')
        if self.num_joints is not None and shape[2] != self.num_joints:
            raise ValueError(
                f'{name} has {shape[2]} joints, but the layout of the model '
                f'has {self.num_joints}: set `num_joints` and `graph_cfg` to '
                'the layout of the data')
        if self.class_list and not (0 <= sample['label'] < len(
                self.class_list.names)):
            raise ValueError(
                f'{name} has label {sample["label"]}, but `class_names` '
                f'lists {len(self.class_list.names)} classes, 0 to '
                f'{len(self.class_list.names) - 1}')

    def get_data_info(self, idx: int) -> dict:
        """Annotation ``idx``.

        Raises:
            CorruptSampleError: No frames, or coordinates that are not
                numbers.
        """
        info = super().get_data_info(idx)
        keypoint = info['keypoint']
        if not keypoint.shape[1] or not np.isfinite(keypoint).all():
            raise CorruptSampleError(
                f'{self.ann_file}: sample {info.get("frame_dir")!r}',
                'no frames, or coordinates that are not finite')
        return info
