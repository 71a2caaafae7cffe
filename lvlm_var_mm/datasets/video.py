"""Videos from a list, checked as they are opened."""
import json
import os.path as osp
from typing import List, Optional, Sequence, Union

import decord
from mmengine.fileio import list_from_file

from lvlm_var_mm.class_lists import load_classes
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from .corrupt import CorruptSampleError, SkipCorruptMixin


@DATASETS.register_module()
class VideoListDataset(SkipCorruptMixin, VideoDataset):
    """``VideoDataset`` that says what is wrong with the list, takes paths
    with blanks in them and an explanation of each video.

    Args:
        ann_file (str): MMAction2's own format, ``path label`` a line.
        pipeline (list): Transforms.
        class_names (str | list, optional): The class list that the head
            reads; labels must lie inside it.
        explanations (str, optional): JSON file, the path as in ``ann_file``
            -> the text.
        kwargs: Of ``mmaction.datasets.VideoDataset``.

    Raises:
        FileNotFoundError: No such list.
        ValueError: A line of another form, a label outside the class list,
            or an empty list; names the line.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: List,
                 class_names: Union[str, Sequence, None] = None,
                 explanations: Optional[str] = None,
                 **kwargs) -> None:
        self.class_list = (
            None if class_names is None else load_classes(class_names))
        self.explanations = explanations
        super().__init__(ann_file, pipeline=pipeline, **kwargs)

    def load_data_list(self) -> List[dict]:
        """The videos, in the order of the list."""
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(f'no file {self.ann_file}: set '
                                    '`ann_file` to a list of `path label`')
        texts = {}
        if self.explanations is not None:
            with open(self.explanations, encoding='utf-8') as f:
                texts = json.load(f)
        samples = []
        for number, line in enumerate(list_from_file(self.ann_file), 1):
            if line.strip():
                samples.append(self._sample(line.strip(), number, texts))
        if not samples:
            raise ValueError(f'{self.ann_file} lists no video')
        return samples

    def _sample(self, line: str, number: int, texts: dict) -> dict:
        where = f'{self.ann_file}, line {number}'
        path, _, label = line.rpartition(' ')
        if not path or not label.isdigit():
            raise ValueError(f'{where}: {line!r} is not `path label`')
        classes = self.class_list and len(self.class_list.names)
        if classes and int(label) >= classes:
            raise ValueError(f'{where}: label {label}, but `class_names` '
                             f'lists {classes} classes, 0 to {classes - 1}')
        sample = dict(
            filename=osp.join(self.data_prefix.get('video') or '', path),
            frame_dir=path, label=int(label))
        if path in texts:
            sample['explanation'] = texts[path]
        return sample

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx``.

        Raises:
            CorruptSampleError: No such file, or an AVI that was cut short.
        """
        info = super().get_data_info(idx)
        if not osp.isfile(info['filename']):
            raise CorruptSampleError(info['filename'], 'no such file')
        if info['filename'].lower().endswith('.avi'):
            check_avi(info['filename'])
        return info


def check_video(path: str) -> None:
    """Decode the first and the last frame of a video.

    Raises:
        FileNotFoundError: No such file.
        CorruptSampleError: It cannot be decoded.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(2, 'no file', str(path))
    if str(path).lower().endswith('.avi'):
        check_avi(path)
    try:
        video = decord.VideoReader(str(path), num_threads=1)
        if not len(video):
            raise CorruptSampleError(path, 'has no frames')
        video.get_batch([0, len(video) - 1])
    except (decord.DECORDError, decord.DECORDLimitReachedError,
            RuntimeError) as e:
        # decord puts its call stack first and the reason last.
        lines = str(e).strip().splitlines() or [repr(e)]
        raise CorruptSampleError(path, lines[-1]) from e


def check_avi(path: str) -> None:
    """A damaged AVI must not reach ``DecordInit``: decord 0.6 crashes the
    process on many where it reads from memory, as that does, but on none
    where it reads from a path.

    Raises:
        CorruptSampleError: It was cut short, or is no AVI at all.
        decord.DECORDError: It cannot be opened.
    """
    with open(path, 'rb') as f:
        head = f.read(12)
    if head[:4] != b'RIFF' or head[8:] != b'AVI ':
        raise CorruptSampleError(path, 'is not an AVI file')
    size, there = int.from_bytes(head[4:8], 'little'), osp.getsize(path)
    # A writer that cannot go back leaves 0 or 2**32 - 1 for the size.
    if there < size < 2**32 - 1:
        raise CorruptSampleError(
            path, f'ends early, after {there} of {size} bytes')
    decord.VideoReader(str(path), num_threads=1)
