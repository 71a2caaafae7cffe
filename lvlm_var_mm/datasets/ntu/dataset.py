"""NTU RGB+D: skeletons, raw or prepared, and videos, split by their names."""
import os
import os.path as osp
from typing import List, Optional, Sequence, Union

import numpy as np
from mmengine.logging import print_log
from mmengine.registry import FUNCTIONS

from lvlm_var_mm.class_lists import load_classes
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from ..corrupt import SkipCorruptMixin
from ..exclude import is_excluded, read_exclude, without_copies
from ..labels import OneLabelMixin
from ..skeleton import SkeletonDataset
from ..store import is_store
from ..video import check_container, check_video
from .origin import MADE, is_made, picture_shape
from .persons import real_persons
from .skeleton_io import NUM_JOINTS, read_skeleton, shows_nobody
from .splits import NUM_ACTIONS, check_split, in_split, parse_names


def folders_of(data_root: str, folder: str) -> List[str]:
    """Return where the files lie: ``folder`` of ``data_root`` and, as many
    keep the second half of NTU RGB+D 120, ``folder`` with 120 behind; else the
    root itself. None if there is no such place."""
    inner = [osp.join(data_root, folder + end) for end in ('', '120')]
    return ([f for f in inner if osp.isdir(f)] or
            [data_root] * osp.isdir(data_root))


class NTUNames:
    """Samples named ``SsssCcccPpppRrrrAaaa``: the name says the split and
    the label, whatever the samples come from.

    Args:
        data_root (str): Where the samples lie.
        pipeline (list): Transforms.
        split (str): ``xsub_train``, ``xview_val`` ...; see
            :mod:`~lvlm_var_mm.datasets.ntu.splits`.
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.
        actions (list[int], optional): Keep these actions, numbered from 1 as
            in the file names; labels count along this list. Defaults to all
            of the benchmark.
        class_names (str | list, optional): The class list that the head
            reads; given, its length is checked against the labels.
        exclude (str | list[str], optional): Samples to leave out, such as
            the authors' list of incomplete skeletons: a text file in which
            the names stand one per line, or the names.
        make_sample (bool): Where ``data_root`` does not exist, make a small
            artificial data set there (:mod:`lvlm_var_mm.synthetic`).

    Raises:
        FileNotFoundError: No such folder, or no sample of the split in it.
        ValueError: Unknown split, or a class list of another length.
    """
    folder = ''
    suffix = ''

    def set_names(self, data_root: str, split: str, benchmark: str,
                  actions: Optional[Sequence[int]],
                  class_names: Union[str, Sequence, None],
                  make_sample: bool) -> None:
        """Take the settings above, before the samples are listed."""
        check_split(benchmark, split)
        self.benchmark = benchmark
        self.actions = list(actions or range(1, NUM_ACTIONS[benchmark] + 1))
        if class_names is not None:
            load_classes(class_names, len(self.actions))
        if make_sample and not osp.exists(data_root):
            # Registered by lvlm_var_mm.synthetic, which knows this module.
            FUNCTIONS.get('ensure_sample')(data_root)

    def list_folder(self) -> List[dict]:
        """``filename`` and ``frame_dir`` (its stem, as in MMAction2's
        pickles) of the files of ``data_root``, in the order of names."""
        roots = folders_of(self.data_root, self.folder)
        if not roots:
            raise FileNotFoundError(
                f'no folder {self.data_root}: set `data_root` of the dataset '
                f'to the folder that holds {self.folder}/, or to the folder '
                f'of *{self.suffix} files itself')
        if is_made(osp.dirname(osp.abspath(roots[0]))):
            self._metainfo['note'] = MADE
        # Of a name in both folders the first file counts.
        files = {file.removesuffix(self.suffix): osp.join(root, file)
                 for root in reversed(roots)
                 for file in os.listdir(root) if file.endswith(self.suffix)}
        return [dict(filename=files[name], frame_dir=name)
                for name in sorted(without_copies(files, roots[0]))]

    def choose(self, samples: List[dict]) -> List[dict]:
        """Return the samples of the split, labelled by their names.

        Raises:
            FileNotFoundError: There are none.
        """
        place, kind = self.ann_file, 'samples'
        if not place:
            kind = f'*{self.suffix} files'
            place = (osp.dirname(samples[0]['filename']) if samples else
                     osp.join(self.data_root, self.folder))
        # Those of a store are there all at once.
        names = getattr(samples, 'names', None)
        if names is None:
            names = [s['frame_dir'] for s in samples]
        table = parse_names(names)
        label = np.full(NUM_ACTIONS['ntu120'] + 1, -1)
        label[self.actions] = range(len(self.actions))
        inside = in_split(table, self.benchmark, self.split)
        inside &= label[np.where(inside, table[:, 4], 0)] >= 0
        chosen = [
            dict(samples[i], label=int(label[table[i, 4]]))
            for i in np.flatnonzero(inside)
        ]
        chosen = [s for s in chosen
                  if not is_excluded(s['frame_dir'], self.exclude)]
        if not chosen:
            raise FileNotFoundError(
                f'{place} holds {int(table.any(1).sum())} {kind} named '
                'SsssCcccPpppRrrrAaaa, none of them in split '
                f'{self.split} of {self.benchmark}: check `data_root`, '
                '`split` and `actions` of the dataset')
        note = self._metainfo.get('note')
        print_log(
            f'{place}: {len(chosen)} samples in {self.split}' +
            (f' ({note})' if note else ''), logger='current')
        return chosen


@DATASETS.register_module()
class NTURGBDSkeletonDataset(NTUNames, SkeletonDataset):
    __doc__ = f"""Skeletons of NTU RGB+D, raw or prepared.

    ``data_root`` or ``ann_file`` names any of: the folder of raw
    ``.skeleton`` files or the one that holds it, which needs no preparation
    and reads and denoises a file each time; a store of
    ``tools/prepare_ntu.py`` or the folder that holds it; a pickle in
    MMAction2's or PYSKL's format, 3D or 2D. Samples have ``keypoint``
    (M, T, V, C) and ``total_frames``, those of the first two kinds also
    ``video_frames`` and ``boxes``, see
    :func:`~lvlm_var_mm.datasets.ntu.persons.real_persons`, and ``box_shape``,
    height and width of the picture that the boxes lie in.

    {NTUNames.__doc__}

    Beyond these: ``max_persons``, persons kept of a raw file, ``pixels``,
    whether samples of raw files get ``pixels`` too, and what
    :class:`~lvlm_var_mm.datasets.SkeletonDataset` takes.
    """
    folder = 'nturgb+d_skeletons'
    suffix = '.skeleton'
    prepared = 'store'

    def __init__(self,
                 data_root: str = '',
                 pipeline: List = (),
                 split: str = 'xsub_train',
                 benchmark: str = 'ntu60',
                 actions: Optional[Sequence[int]] = None,
                 class_names: Union[str, Sequence, None] = None,
                 exclude: Union[str, Sequence[str], None] = None,
                 make_sample: bool = False,
                 max_persons: int = 2,
                 pixels: bool = False,
                 ann_file: str = '',
                 **kwargs) -> None:
        self.max_persons, self.pixels = max_persons, pixels
        source = ann_file or data_root
        self.set_names(source, split, benchmark, actions, class_names,
                       make_sample)
        if is_store(osp.join(source, self.prepared)):
            source = osp.join(source, self.prepared)
        packed = is_store(source) or source.endswith(('.pkl', '.pickle'))
        super().__init__(
            ann_file=source if packed else '',
            data_root=None if packed else source,
            pipeline=list(pipeline), split=split, exclude=exclude, **kwargs)

    def load_data_list(self) -> List[dict]:
        """The samples of the split, in the order of their source."""
        if not self.ann_file:
            return self._raw_samples()
        samples, _ = self.read_annotations()
        return self.checked(self.choose(samples))

    def _raw_samples(self) -> List[dict]:
        """Without those in which the sensor saw nobody: some of the authors'
        list are such, and a test would end at the first.

        Raises:
            ValueError: None is left, or the layout is not that of the files.
        """
        if self.num_joints not in (None, NUM_JOINTS):
            raise ValueError(f'{self.data_root}: raw files have {NUM_JOINTS} '
                             f'joints, not `num_joints`, {self.num_joints}')
        samples = [s for s in self.choose(self.list_folder())
                   if self.only is None or s['label'] in self.only]
        empty = [s['frame_dir'] for s in samples
                 if shows_nobody(s['filename'])]
        if empty:
            print_log(f'left out, for they show nobody: {len(empty)} samples, '
                      f'{", ".join(empty[:5])}' +
                      (' ...' if len(empty) > 5 else ''), logger='current')
            gone = set(empty)
            samples = [s for s in samples if s['frame_dir'] not in gone]
        if not samples:
            raise ValueError(
                f'{self.data_root}: no samples are left in split '
                f'{self.split!r}: check `only` and the files')
        return samples

    def get_data_info(self, idx: int) -> dict:
        """Annotation ``idx`` with its arrays.

        Raises:
            CorruptSampleError: The file is not a whole ``.skeleton`` file,
                or a prepared sample has coordinates that are not numbers.
        """
        if self.ann_file:
            return super().get_data_info(idx)
        info = BaseActionDataset.get_data_info(self, idx)
        info.update(
            real_persons(read_skeleton(info['filename']), self.max_persons,
                         self.pixels),
            box_shape=picture_shape('note' in self._metainfo))
        return info


@DATASETS.register_module()
class NTURGBDVideoDataset(NTUNames, OneLabelMixin, SkipCorruptMixin,
                          BaseActionDataset):
    __doc__ = f"""Videos of NTU RGB+D from its ``_rgb.avi`` files, for
    MMAction2's own ``DecordInit``, ``SampleFrames`` and ``DecordDecode``.

    {NTUNames.__doc__}
    """
    folder = 'nturgb+d_rgb'
    suffix = '_rgb.avi'

    def __init__(self,
                 data_root: str,
                 pipeline: List,
                 split: str,
                 benchmark: str = 'ntu60',
                 actions: Optional[Sequence[int]] = None,
                 class_names: Union[str, Sequence, None] = None,
                 exclude: Union[str, Sequence[str], None] = None,
                 make_sample: bool = False,
                 **kwargs) -> None:
        self.split = split
        self.exclude = read_exclude(exclude)
        self.set_names(data_root, split, benchmark, actions, class_names,
                       make_sample)
        super().__init__(
            ann_file='', data_root=data_root, pipeline=pipeline, **kwargs)

    def load_data_list(self) -> List[dict]:
        """The videos of the split, in the order of names."""
        return self.choose(self.list_folder())

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx``.

        Raises:
            CorruptSampleError: Its file is no AVI, or was cut short.
        """
        info = super().get_data_info(idx)
        check_container(info['filename'])
        return info

    def _check_sample(self, idx: int) -> None:
        check_video(self.get_data_info(idx)['filename'])
