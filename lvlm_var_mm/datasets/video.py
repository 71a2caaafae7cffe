"""Videos from a list, checked as they are opened."""
import json
import os.path as osp
import re
from typing import Iterator, List, Optional, Sequence, Union

import decord
import numpy as np

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.text_files import read_text
from mmaction.datasets import VideoDataset
from mmaction.registry import DATASETS
from .corrupt import CorruptSampleError, SkipCorruptMixin, problem_of
from .exclude import read_exclude
from .labels import OneLabelMixin

DECODED = 2**26  # bytes of frames that are decoded ahead


@DATASETS.register_module()
class VideoListDataset(OneLabelMixin, SkipCorruptMixin, VideoDataset):
    """``VideoDataset`` that says what is wrong with the list, takes paths
    with blanks in them and an explanation of each video.

    Args:
        ann_file (str): MMAction2's own format, ``path label`` per line.
        pipeline (list): Transforms.
        class_names (str | list, optional): The class list that the head
            reads; labels must lie inside it.
        explanations (str, optional): JSON file, the path as in ``ann_file``
            -> the text.
        exclude (str | list[str], optional): Videos to leave out: their paths
            as in ``ann_file``, or a text file that lists them, one per line.
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
                 exclude: Union[str, Sequence[str], None] = None,
                 **kwargs) -> None:
        self.class_list = (
            None if class_names is None else load_classes(class_names))
        self.explanations = explanations
        self.exclude = read_exclude(exclude)
        super().__init__(ann_file, pipeline=pipeline, **kwargs)

    def load_data_list(self) -> List[dict]:
        """The videos, in the order of the list."""
        if not osp.isfile(self.ann_file):
            raise FileNotFoundError(f'no file {self.ann_file}: set '
                                    '`ann_file` to a list of `path label`')
        texts = {}
        if self.explanations is not None:
            try:
                texts = json.loads(read_text(self.explanations))
                dict.items(texts)
            except (json.JSONDecodeError, TypeError) as e:
                raise ValueError(f'{self.explanations} is no JSON object of '
                                 f'texts: {e}') from e
        samples = []
        for number, line in enumerate(
                read_text(self.ann_file).split('\n'), 1):
            if line.strip():
                samples.append(self._sample(line.strip(), number, texts))
        samples = [s for s in samples if not self.exclude & {
            s['frame_dir'], s['filename']}]
        if not samples:
            raise ValueError(f'{self.ann_file} lists no video' + (
                ' that is not in `exclude`' if self.exclude else ''))
        return samples

    def _sample(self, line: str, number: int, texts: dict) -> dict:
        where = f'{self.ann_file}, line {number}'
        path, _, label = line.rpartition(' ')
        if not path or not label.isdigit():
            raise ValueError(f'{where}: {line!r} is not `path label`')
        if re.search(r'\.\w+( \d+)+$', path):
            raise ValueError(
                f'{where}: {line!r} has several labels, or a number of frames '
                'before its label: a line is `path label`, and a clip has one '
                'class')
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
            CorruptSampleError: No such file, or one that was cut short.
        """
        info = super().get_data_info(idx)
        if not osp.isfile(info['filename']):
            raise CorruptSampleError(info['filename'], 'no such file')
        check_container(info['filename'])
        return info

    def _check_sample(self, idx: int) -> None:
        check_video(self.get_data_info(idx)['filename'])


def check_video(path: str) -> None:
    """Decode the first and the last frame of a video.

    Raises:
        FileNotFoundError: No such file.
        CorruptSampleError: It cannot be decoded.
    """
    path = str(path)
    if not osp.isfile(path):
        raise FileNotFoundError(2, 'no file', path)
    try:
        check_container(path)
        video = decord.VideoReader(path, num_threads=1)
        if not len(video):
            raise CorruptSampleError(path, 'has no frames')
        video.get_batch([0, len(video) - 1])
    except CorruptSampleError:
        raise
    except Exception as e:
        problem = problem_of(e)
        if problem is None and not isinstance(e, RuntimeError):
            raise
        raise CorruptSampleError(path, problem or str(e)) from e


def frames_of_video(path: str, decoded: int = DECODED
                    ) -> Iterator[np.ndarray]:
    """Yield the frames of a video, uint8 (H, W, 3) RGB and upright, one at a
    time; at most ``decoded`` bytes of them are decoded ahead.

    Not with decord's ``width`` and ``height``, which fail where a phone was
    held upright.
    """
    video = decord.VideoReader(str(path), num_threads=1)
    ahead = max(1, decoded // max(1, video[0].asnumpy().nbytes))
    for start in range(0, len(video), ahead):
        which = range(start, min(start + ahead, len(video)))
        yield from video.get_batch(list(which)).asnumpy()


def check_container(path: str) -> None:
    """Look whether a video was cut short, by the sizes in its head.

    A damaged AVI, whatever its ending, must not reach a decord that reads
    from memory, as ``DecordInit`` does with files that are not on a disk:
    decord 0.6 then crashes the process. Of a Matroska or WebM file that was
    cut short decord reads what is left, as if nothing were missing.

    Raises:
        CorruptSampleError: It was cut short, or is called .avi and is none.
        decord.DECORDError: It is an AVI that cannot be opened.
    """
    with open(path, 'rb') as f:
        head = f.read(4096)
    there = osp.getsize(path)
    is_avi = head[:4] == b'RIFF' and head[8:12] == b'AVI '
    if is_avi:
        size = int.from_bytes(head[4:8], 'little')
        # A writer that cannot go back leaves 0 or 2**32 - 1 for the size.
        size = size if size < 2**32 - 1 else 0
    elif path.lower().endswith('.avi'):
        raise CorruptSampleError(path, 'is not an AVI file')
    else:
        size = _matroska_size(head)
    if there < size:
        raise CorruptSampleError(
            path, f'ends early, after {there} of {size} bytes')
    if is_avi:
        decord.VideoReader(path, num_threads=1)


def _matroska_size(head: bytes) -> int:
    """Bytes that a Matroska file has by its head (RFC 8794, RFC 9559); 0 of
    any other file, and where a live recording does not say."""
    at = 0
    for name in (b'\x1aE\xdf\xa3', b'\x18S\x80g'):  # the head, the segment
        if head[at:at + 4] != name or len(head) < at + 12:
            return 0
        at += 4
        length = 9 - head[at].bit_length()
        size = int.from_bytes(head[at:at + length], 'big')
        size -= 1 << 7 * length
        if size == (1 << 7 * length) - 1:  # unknown
            return 0
        at += length + size
    return at
