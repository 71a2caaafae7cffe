"""Single samples of a data set, read without its pipeline."""
import hashlib
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmengine.dataset import BaseDataset
from tqdm import tqdm

from lvlm_var_mm.datasets.corrupt import SkipCorruptMixin, problem_of
from lvlm_var_mm.datasets.video import check_video
from lvlm_var_mm.kinematics.questions import Seen, ask_unit, look_at
from lvlm_var_mm.layouts import Layout
from .data import Split, identities
from .findings import Finding, shorten

# The steps that make the unit of the data indifferent.
SCALING = 'AlignSkeleton3D', 'MinMaxSkeleton', 'PreNormalize2D'
# More bad samples than this part are no accident.
FEW = .1


class Sample(NamedTuple):
    """The facts about one sample that was read."""
    index: int
    name: str
    missing: str = ''  # path
    corrupt: str = ''  # why
    stops: bool = False  # whether training stops there, too
    shape: Tuple[int, ...] = ()  # (M, T, V, C) of a skeleton
    fault: str = ''  # 'NaN or infinite', 'all zero' or 'never moves'
    seen: Optional[Seen] = None  # what questions are asked of
    fps: Optional[float] = None  # where the sample says it
    img_shape: Optional[Tuple[int, int]] = None
    digest: bytes = b''

    @property
    def usable(self) -> bool:
        return not (self.missing or self.corrupt or self.fault)


def read_samples(split: Split, number: Optional[int], body: Optional[Layout],
                 progress: bool = True) -> List[Sample]:
    """Read some samples, evenly spread.

    Args:
        split (Split): Opened.
        number (int, optional): How many; all by default.
        body (Layout, optional): Of the skeletons.
        progress (bool): Show a progress bar, on a terminal.
    """
    total = len(split.dataset)
    chosen = np.unique(np.linspace(
        0, total - 1, min(number or total, total)).round().astype(int))
    return [
        read_sample(split.dataset, int(i), body) for i in tqdm(
            chosen, desc=split.parts, unit='sample',
            disable=None if progress else True)
    ]


def read_sample(dataset: BaseDataset, i: int,
                body: Optional[Layout] = None) -> Sample:
    """Look at sample ``i``; nothing is raised."""
    entry = dataset.data_list[i]
    file = entry.get('filename', '')
    known = dict(index=i, name=str(entry.get('frame_dir') or file or i))
    try:
        info = dataset.get_data_info(i)
        # One packed by frames is unpacked by the pipeline.
        if 'keypoint' in info and 'frame_inds' not in info:
            known.update(fps=info.get('fps'), img_shape=info.get('img_shape'))
            return _skeleton(known, np.asarray(info['keypoint']), body)
        if file:  # but no frames: a video
            check_video(file)
    except FileNotFoundError as e:
        return Sample(**known, missing=str(e.filename or file or e))
    except Exception as e:  # whatever it is, it is the finding
        problem = problem_of(e)
        return Sample(**known, corrupt=problem or str(e) or repr(e),
                      stops=problem is None)
    return Sample(**known)


def _skeleton(known: Dict, keypoint: np.ndarray,
              body: Optional[Layout]) -> Sample:
    if keypoint.ndim != 4 or not keypoint.size:
        return Sample(**known, stops=True, corrupt='`keypoint` has shape '
                      f'{keypoint.shape}, not (M, T, V, C)')
    fault = ''
    if not np.isfinite(keypoint).all():
        fault = 'NaN or infinite'
    elif not keypoint.any():
        fault = 'all zero'
    elif keypoint.shape[1] > 1 and (keypoint == keypoint[:, :1]).all():
        fault = 'never moves'
    return Sample(
        **known, shape=keypoint.shape, fault=fault,
        seen=None if fault else look_at(keypoint, body),
        digest=hashlib.sha256(np.ascontiguousarray(keypoint)).digest())


# ------------------------------------------------------- what they show
def check_files(split: Split, samples: Sequence[Sample]) -> Iterator[Finding]:
    """Missing and corrupt files."""
    missing = [s.missing for s in samples if s.missing]
    if missing:
        yield Finding('error', split.area, f'{len(missing)} of {len(samples)} '
                      f'files are missing: {shorten(missing, 3)}',
                      f'correct `data_prefix` or `data_root` of `{split.key}`'
                      ', or bring the files')
    corrupt = [s for s in samples if s.corrupt]
    if corrupt:
        skipped = (split.trains
                   and isinstance(split.dataset, SkipCorruptMixin)
                   and len(corrupt) < len(samples)
                   and not any(s.stops for s in corrupt))
        yield Finding(
            'warning' if skipped else 'error', split.area,
            f'{len(corrupt)} of {len(samples)} are corrupt' +
            (', skipped in training' if skipped else '') + ': ' +
            '; '.join(f'{s.name}: {s.corrupt}' for s in corrupt[:3]),
            'restore the files, or list the samples in `exclude`')
    if not missing and not corrupt:
        yield Finding('ok', split.area, f'{len(samples)} samples read')


def check_joints(split: Split, samples: Sequence[Sample],
                 body: Optional[Layout]) -> Iterator[Finding]:
    """The number of joints against the graph of the backbone."""
    shapes = {s.shape[2:] for s in samples if s.shape}
    if len({c for _, c in shapes}) > 1:
        yield Finding('error', split.area, 'some samples have '
                      f'{sorted({c for _, c in shapes})} coordinates a joint',
                      'keep samples of 2 and of 3 coordinates apart')
    wrong = sorted({v for v, _ in shapes if body and v != body.num_joints})
    if wrong:
        yield Finding(
            'error', split.area, f'skeletons of {shorten(wrong)} joints, but '
            f'the graph of the backbone has {body.num_joints}',
            'set `model.backbone.graph_cfg.layout` and `num_joints` to the '
            'layout of the data (lvlm_var_mm/layouts.py)')


def check_coordinates(split: Split, samples: Sequence[Sample]
                      ) -> Iterator[Finding]:
    """Skeletons that say nothing."""
    for fault in ('NaN or infinite', 'all zero', 'never moves'):
        bad = [s.name for s in samples if s.fault == fault]
        if bad:
            broken = fault.startswith('NaN') or len(bad) > FEW * len(samples)
            yield Finding(
                'error' if broken else 'warning', split.area,
                f'{len(bad)} of {len(samples)} skeletons: {fault}: '
                f'{shorten(bad)}', 'estimate or export these anew, or list '
                'them in `exclude`')


def check_unit(split: Split, samples: Sequence[Sample]) -> Iterator[Finding]:
    """Distinguish metres from centimetres by the length of a torso."""
    torso, doubts = ask_unit([s.seen for s in samples if s.seen])
    if np.isfinite(torso) and not doubts:
        yield Finding('ok', split.area, f'torsos of {torso:.2f} m')
    scaled = any(step.get('type') in SCALING
                 for step in split.cfg.get('pipeline', ()))
    for doubt in doubts:
        yield Finding(
            'warning' if scaled else 'error', split.area, doubt.text,
            doubt.remedy + ('; the pipeline scales them, so that training '
                            'may go on' if scaled else ''))


def check_leak(train: Split, train_read: Sequence[Sample], other: Split,
               other_read: Sequence[Sample]) -> Iterator[Finding]:
    """Samples that train and test, by name among all and by content among
    those that were read.

    Args:
        train, other (Split): A training set and one that is none.
        train_read, other_read (list[Sample]): What was read of each.
    """
    shared = set(identities(train.dataset)) & set(identities(other.dataset))
    remedy = 'make the splits disjoint; figures on these mean nothing'
    if shared:
        names = sorted(name for _, name in shared)
        yield Finding('error', other.area, f'{len(names)} samples also train: '
                      f'{shorten(names)}', remedy)
        return
    seen = {s.digest: s.name for s in train_read if s.usable}
    seen.pop(b'', None)  # a video has none
    pairs = [f'{s.name} is {seen[s.digest]}' for s in other_read
             if s.usable and s.digest in seen]
    if pairs:
        yield Finding('error', other.area, f'{len(pairs)} of the samples read '
                      'are copies of such that train: ' + shorten(pairs, 3),
                      f'list all with --all; {remedy}')
