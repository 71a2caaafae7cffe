"""NTU RGB+D straight from its folders: skeletons and videos."""
import os
import os.path as osp
import re
from typing import List, Optional, Sequence, Union

from mmengine.logging import print_log

from lvlm_var_mm.class_lists import load_classes
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from .corrupt import SkipCorruptMixin
from .ntu_splits import NUM_ACTIONS, in_split, parse_name, split_names
from .sample import ensure_sample, is_complete
from .skeleton_io import CorruptSampleError

MADE = 'a made sample of stick figures, not NTU RGB+D'


class _NTUFolderDataset(SkipCorruptMixin, BaseActionDataset):
    """One folder of files named ``SsssCcccPpppRrrrAaaa``, split by name.

    Args:
        data_root (str): Folder that holds :attr:`folder`, or that folder.
        split (str): ``xsub_train``, ``xsub_val``, ``xview_*`` (ntu60) or
            ``xset_*`` (ntu120).
        benchmark (str): ``'ntu60'`` or ``'ntu120'``.
        actions (list[int], optional): Keep these actions, numbered from 1 as
            in the file names; labels count along this list. Defaults to all
            of the benchmark.
        class_names (str | list, optional): The class list that the head
            reads; given, its length is checked against the labels.
        exclude (str | list[str], optional): Samples to leave out, such as
            the authors' list of incomplete skeletons: a text file in which
            the names stand one a line, or the names.
        make_sample (bool): Where ``data_root`` does not exist, make a small
            artificial data set there (:mod:`~lvlm_var_mm.datasets.sample`).
        kwargs: Of ``mmaction.datasets.BaseActionDataset``.

    Raises:
        FileNotFoundError: No such folder, or no sample of the split in it.
        ValueError: Unknown split, or a class list of another length.
    """
    folder = ''
    suffix = ''

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
        if benchmark not in NUM_ACTIONS or split not in split_names(
                benchmark):
            in_split(None, benchmark, split)  # names what there is
        self.split = split
        self.benchmark = benchmark
        self.actions = list(actions or range(1, NUM_ACTIONS[benchmark] + 1))
        if class_names is not None:
            load_classes(class_names, len(self.actions))
        self.exclude = exclude
        if make_sample and not osp.exists(data_root):
            ensure_sample(data_root)
        super().__init__(
            ann_file='', data_root=data_root, pipeline=pipeline, **kwargs)

    def load_data_list(self) -> List[dict]:
        """``filename``, ``frame_dir`` (its stem, as in MMAction2's pickles)
        and ``label`` of each sample of the split, in the order of names."""
        root = osp.join(self.data_root, self.folder)
        root = root if osp.isdir(root) else self.data_root
        if not osp.isdir(root):
            raise FileNotFoundError(
                f'no folder {self.data_root}: set `data_root` of the dataset '
                f'to the folder that holds {self.folder}/, or to the folder '
                f'of *{self.suffix} files itself')
        label = {a: i for i, a in enumerate(self.actions)}
        excluded, samples, named = self._excluded(), [], 0
        for file in sorted(os.listdir(root)):
            if not file.endswith(self.suffix):
                continue
            name, stem = parse_name(file), file[:-len(self.suffix)]
            named += name is not None
            if (name and name.action in label and stem not in excluded
                    and in_split(name, self.benchmark, self.split)):
                samples.append(
                    dict(
                        filename=osp.join(root, file),
                        frame_dir=stem,
                        label=label[name.action]))
        if not samples:
            raise FileNotFoundError(
                f'{root} holds {named} files named '
                f'SsssCcccPpppRrrrAaaa{self.suffix}, none of them in split '
                f'{self.split} of {self.benchmark}: check `data_root`, '
                '`split` and `actions` of the dataset')
        if is_complete(osp.dirname(osp.abspath(root))):
            self._metainfo['note'] = MADE
        print_log(
            f'{root}: {len(samples)} samples in {self.split}' +
            (f' ({MADE})' if 'note' in self._metainfo else ''),
            logger='current')
        return samples

    def _excluded(self) -> set:
        if not isinstance(self.exclude, str):
            return set(self.exclude or ())
        if not osp.isfile(self.exclude):
            raise FileNotFoundError(
                f'no file {self.exclude}: set `exclude` of the dataset to '
                'the list of samples to leave out, or to None')
        with open(self.exclude, encoding='utf-8') as f:
            return set(re.findall(r'S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}', f.read()))


@DATASETS.register_module()
class NTURGBDSkeletonDataset(_NTUFolderDataset):
    __doc__ = ('Skeletons of NTU RGB+D from its ``.skeleton`` files; the '
               'pipeline opens with ``LoadNTUSkeleton``.\n\n' +
               _NTUFolderDataset.__doc__)
    folder = 'nturgb+d_skeletons'
    suffix = '.skeleton'

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, modality='Pose', **kwargs)


@DATASETS.register_module()
class NTURGBDVideoDataset(_NTUFolderDataset):
    __doc__ = ('Videos of NTU RGB+D from its ``_rgb.avi`` files, for '
               "MMAction2's own ``DecordInit``, ``SampleFrames`` and "
               '``DecordDecode``.\n\n' + _NTUFolderDataset.__doc__)
    folder = 'nturgb+d_rgb'
    suffix = '_rgb.avi'

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx``.

        Raises:
            CorruptSampleError: Its file is no AVI, or was cut short.
        """
        info = super().get_data_info(idx)
        _check_avi(info['filename'])
        return info


def _check_avi(path: str) -> None:
    """An AVI that was cut short must not reach ``DecordInit``: decord 0.6
    crashes the process on it where it reads from memory."""
    with open(path, 'rb') as f:
        head = f.read(12)
    if head[:4] != b'RIFF' or head[8:] != b'AVI ':
        raise CorruptSampleError(path, 'is not an AVI file')
    size, there = int.from_bytes(head[4:8], 'little'), osp.getsize(path)
    # A writer that cannot go back leaves 0 or 2**32 - 1 for the size.
    if there < size < 2**32 - 1:
        raise CorruptSampleError(
            path, f'ends early, after {there} of {size} bytes')
