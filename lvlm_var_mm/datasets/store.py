"""A memory-mapped store of skeleton samples.

A folder that opens at once whatever its size, and that dataloader workers
share through the page cache instead of each holding a copy::

    index.npy         one record per sample: name, label, persons, frames and
                      where its rows begin
    keypoint.bin      float32 rows (V, C), one per person and frame
    NAME.bin          further arrays, one row per person and frame or one
                      per frame
    events.npz        body-part events of each sample, if they were measured;
                      :mod:`.events` writes and replaces it
    splits.npz        of each split, the numbers of its samples
    extras.json       what a sample has beside arrays, if any has something
    meta.json         shapes, types and where the data comes from; written
                      last, so that its presence means that the rest is there
"""
import io
import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Dict, Optional, Sequence, Union

import numpy as np

from lvlm_var_mm.atomic import begin_folder, commit_folder, named
from .plain import load_arrays
from .store_files import (FORMAT, META, PER_FRAME, PER_JOINT, SUMMED, digest,
                          mapped, opened, sha256)

if TYPE_CHECKING:
    from .events import EventTable

# Text; height and width of the picture; frames per second.
EXTRAS = 'explanation', 'img_shape', 'fps'


def is_store(path: Union[str, Path]) -> bool:
    """Return whether ``path`` is a store that was written to its end."""
    return (Path(path) / META).is_file()


class SkeletonStore:
    """Reads a store.

    Args:
        path (str | Path): The folder.

    Attributes:
        names (np.ndarray): (N, ) bytes, ``frame_dir`` of each sample.
        labels (np.ndarray): (N, ) int.
        meta (dict): ``num_joints`` and what the writer added.

    Raises:
        FileNotFoundError: No complete store there.
        ValueError: A newer format, or a damaged file; names it.
    """

    def __init__(self, path: Union[str, Path]) -> None:
        self.path = str(path)
        if not is_store(path):
            raise FileNotFoundError(
                f'{path} is no complete store: it has no {META}; run the '
                'preparation again')
        self.meta, self._index, self._extras = opened(Path(path))
        self._arrays = mapped(Path(path), self.meta, self._index)

    def __reduce__(self):
        # A memory map pickles as a copy of the data; a path does not. This
        # is what worker processes that do not fork receive.
        return type(self), (self.path, )

    def __len__(self) -> int:
        return len(self._index)

    @cached_property
    def splits(self) -> Dict[str, np.ndarray]:
        """Numbers of the samples of each split. Read when asked for: NTU's
        follow from the names."""
        path = Path(self.path) / 'splits.npz'
        splits = load_arrays(path)
        for name, members in splits.items():
            if members.ndim != 1 or members.dtype.kind not in 'iu' or (
                    len(members) and not (
                        0 <= members.min() and members.max() < len(self))):
                raise ValueError(f'{path}: split {name!r} lists samples that '
                                 'are not there')
        return splits

    @cached_property
    def events(self) -> Optional['EventTable']:
        """Body-part events, None where none were kept.

        Raises:
            ValueError: Their file is damaged.
        """
        from .events import load_table  # which needs the transforms
        return load_table(self.path, len(self))

    @property
    def names(self) -> np.ndarray:
        return self._index['name']

    @property
    def labels(self) -> np.ndarray:
        return self._index['label']

    def sample(self, i: int) -> Dict:
        """Sample ``i`` as an annotation of MMAction2's PoseDataset:
        ``frame_dir``, ``label``, ``total_frames``, ``keypoint`` (M, T, V, C),
        the further arrays and, if they were kept, ``events`` (Q, 5),
        ``decidable`` (E, ) and their ``events_key``. The arrays are copies,
        free to be changed."""
        entry = self._index[i]
        persons, frames = int(entry['persons']), int(entry['frames'])
        sample = dict(
            frame_dir=entry['name'].decode(),
            label=int(entry['label']),
            total_frames=frames,
            **self.meta.get('common', {}))
        if self._extras:
            sample.update(self._extras[i])
        for name, array in self._arrays.items():
            start = int(entry['joint_row' if name in PER_JOINT else
                              'frame_row'])
            shape = (persons, frames) if name in PER_JOINT else (frames, )
            rows = array[start:start + int(np.prod(shape))]
            sample[name] = np.array(rows).reshape(*shape, *array.shape[1:])
        if self.events is not None:
            sample['events'], sample['decidable'] = self.events.of(i)
            sample['events_key'] = self.events.key
        return sample


class StoreWriter:
    """Writes a store; the folder appears whole or not at all.

    ``with StoreWriter(path, ...) as store: store.add(sample)``

    Args:
        path (str | Path): The folder; an older store there is replaced when
            the new one is complete.
        meta (dict, optional): Facts to keep with it, such as ``note``; what
            stands under ``common`` becomes a field of every sample.
    """

    def __init__(self,
                 path: Union[str, Path],
                 meta: Optional[Dict] = None) -> None:
        self.path = Path(path)
        self.meta = dict(meta or {})
        self.splits: Dict[str, Sequence[int]] = {}
        self._files, self._shapes, self._index = {}, {}, []
        self._extras = []
        self._rows = [0, 0]

    def __enter__(self) -> 'StoreWriter':
        self.part = begin_folder(self.path)
        return self

    def add(self, sample: Dict) -> None:
        """Append one annotation of MMAction2's PoseDataset.

        Raises:
            ValueError: Its arrays do not go with those before; names it.
        """
        name = sample['frame_dir']
        persons, frames = sample['keypoint'].shape[:2]
        present = [n for n in PER_JOINT + PER_FRAME if n in sample]
        if self._index and set(present) != set(self._shapes):
            raise ValueError(f'{name} has {present}, the samples before it '
                             f'{sorted(self._shapes)}')
        for key in present:
            lead = (persons, frames) if key in PER_JOINT else (frames, )
            array = np.ascontiguousarray(sample[key])
            kind = str(array.dtype), *array.shape[len(lead):]
            if array.shape[:len(lead)] != lead or kind != (
                    self._shapes.setdefault(key, kind)):
                raise ValueError(
                    f'{name}: `{key}` is {array.dtype} {array.shape}, but '
                    f'{lead} rows of {self._shapes[key]} were expected')
            if key not in self._files:
                self._files[key] = open(self.part / f'{key}.bin', 'wb')
            with named(self.part / f'{key}.bin'):
                self._files[key].write(array.data)
        self._index.append((name.encode(), sample['label'], persons, frames,
                            *self._rows))
        self._extras.append({k: sample[k] for k in EXTRAS if k in sample})
        self._rows[0] += persons * frames
        self._rows[1] += frames

    def __exit__(self, error, *_) -> None:
        try:
            with named(self.path):
                for file in self._files.values():
                    file.close()  # writes what is left
                if error is None:
                    self._finish()
        finally:
            shutil.rmtree(self.part, ignore_errors=True)

    def _finish(self) -> None:
        width = max(len(entry[0]) for entry in self._index)
        # Not straight to the disk: NumPy does not notice that it is full.
        index = io.BytesIO()
        np.save(
            index,
            np.array(self._index, [
                ('name', f'S{width}'), ('label', 'i4'), ('persons', 'i2'),
                ('frames', 'i4'), ('joint_row', 'i8'), ('frame_row', 'i8')
            ]))
        (self.part / 'index.npy').write_bytes(index.getvalue())
        np.savez(self.part / 'splits.npz', **{
            split: np.asarray(members, np.int32)
            for split, members in self.splits.items()
        })
        if any(self._extras):
            (self.part / 'extras.json').write_text(
                json.dumps(self._extras), 'utf-8')
        arrays = {
            key: [dtype, self._rows[0 if key in PER_JOINT else 1], *shape]
            for key, (dtype, *shape) in self._shapes.items()
        }
        meta = dict(format=FORMAT, arrays=arrays, samples=len(self._index),
                    num_joints=self._shapes['keypoint'][1], **self.meta)
        # As it comes back from JSON.
        meta = json.loads(json.dumps(meta))
        meta['sha256'] = {META: digest(meta), **{
            name: sha256(self.part / name) for name in SUMMED
            if (self.part / name).is_file()}}
        (self.part / META).write_text(json.dumps(meta, indent=1))
        commit_folder(self.part, self.path)
