"""The data sets that a config names, and their lists of samples."""
import os.path as osp
from collections import Counter
from typing import Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset

from lvlm_var_mm.datasets.ntu.census import PUBLISHED, count_splits
from lvlm_var_mm.datasets.ntu.dataset import NTUNames
from lvlm_var_mm.datasets.ntu.splits import NUM_ACTIONS
from mmaction.registry import DATASETS
from .findings import Finding, failure, shorten

PARTS = 'train', 'val', 'test'


class Split(NamedTuple):
    """One data set of a config."""
    parts: str  # 'train', or 'val, test' where these are the same
    cfg: ConfigDict
    dataset: Optional[BaseDataset] = None

    @property
    def area(self) -> str:
        return f'data: {self.parts}'

    @property
    def loader(self) -> str:
        return f'{self.parts.split(",")[0]}_dataloader'

    @property
    def key(self) -> str:
        return f'{self.loader}.dataset'

    @property
    def trains(self) -> bool:
        return self.parts.startswith('train')


def splits_of(cfg: Config) -> List[Split]:
    """The data sets of the loaders, those inside of wrappers one by one;
    equal ones once."""
    found: List[Split] = []
    for part in PARTS:
        loader = cfg.get(f'{part}_dataloader')
        for leaf in _leaves(loader.dataset) if loader else ():
            same = [i for i, s in enumerate(found) if s.cfg == leaf]
            if same:
                split = found[same[0]]
                found[same[0]] = split._replace(
                    parts=f'{split.parts}, {part}')
            else:
                found.append(Split(part, leaf))
    return found


def _leaves(cfg: ConfigDict) -> Iterator[ConfigDict]:
    """Settings of the data sets inside RepeatDataset, ConcatDataset ..."""
    inner = cfg.get('datasets') or [cfg.get('dataset')]
    for child in inner:
        if isinstance(child, dict):
            yield from _leaves(child)
        else:
            yield cfg


def open_split(split: Split) -> Tuple[Split, List[Finding]]:
    """Build a data set without its pipeline; what fails is a finding."""
    cfg = split.cfg
    root = cfg.get('ann_file') or cfg.get('data_root') or ''
    if cfg.get('make_sample') and not osp.exists(root):
        return split, [Finding(
            'note', split.area, f'{root} is not there yet: the made sample '
            'is made on first use', 'train once, then look again')]
    try:
        # Unpacked, so that looking at every label takes no time.
        dataset = DATASETS.build(
            {**cfg, 'pipeline': [], 'serialize_data': False})
    except Exception as e:  # whatever it is, it is the finding
        return split, [failure(split.area, e, f'correct `{split.key}`')]
    if not len(dataset):
        return split, [Finding('error', split.area, f'{root} has no samples',
                               f'correct `{split.key}`')]
    return split._replace(dataset=dataset), []


# ------------------------------------------------------------ their lists
def check_labels(split: Split, num_classes: Optional[int]
                 ) -> Iterator[Finding]:
    """Labels inside the classes, and every class present."""
    labels = Counter(
        label for entry in split.dataset.data_list
        for label in np.atleast_1d(entry.get('label', -1)).tolist())
    if num_classes is None:
        return
    outside = sorted(k for k in labels if not 0 <= k < num_classes)
    if outside:
        yield Finding(
            'error', split.area,
            f'labels {shorten(outside)} lie outside the {num_classes} '
            'classes of the head', 'set `model.cls_head.num_classes` and '
            '`class_names` to those of the data; labels count from 0')
        return
    counts = [labels[k] for k in range(num_classes)]
    text = f'{len(split.dataset)} samples, '
    empty = [k for k, n in enumerate(counts) if not n]
    if empty:
        yield Finding(
            'warning' if split.trains else 'note', split.area,
            f'{text}none of the classes {shorten(empty)}',
            'meant for a zero-shot split; else add samples, or take these '
            'classes out of the list')
    else:
        spread = ' to '.join(map(str, sorted({min(counts), max(counts)})))
        yield Finding('ok', split.area, f'{text}{spread} a class')


def check_size(split: Split, loader: ConfigDict) -> Iterator[Finding]:
    """Check that an epoch has at least one batch."""
    batch = loader.get('batch_size', 1)
    # A wrapper may repeat it.
    if loader.get('drop_last') and loader.dataset == split.cfg and (
            len(split.dataset) < batch):
        yield Finding(
            'error', split.area, f'{len(split.dataset)} samples make no batch '
            f'of {batch}, and `drop_last` is set: an epoch has no step',
            f'set `{split.loader}.batch_size` lower')


def check_repeats(split: Split) -> Iterator[Finding]:
    """Samples that a list names twice."""
    names = Counter(identities(split.dataset))
    twice = [name for (_, name), n in names.items() if n > 1]
    if twice:
        yield Finding('warning', split.area,
                      f'{len(twice)} samples stand in the list more than '
                      f'once: {shorten(twice)}', 'take the repeats out')


def identities(dataset: BaseDataset) -> List[Tuple[str, str]]:
    """Return where each sample comes from and its name there; a file's path
    alone says both."""
    source = str(getattr(dataset, 'ann_file', ''))
    found = []
    for i, entry in enumerate(dataset.data_list):
        file = entry.get('filename')
        found.append(('', osp.abspath(file)) if file else (
            source, str(entry.get('frame_dir', i))))
    return found


def check_published(split: Split) -> Iterator[Finding]:
    """The size of an official split of NTU RGB+D against the published."""
    dataset = split.dataset
    benchmark = getattr(dataset, 'benchmark', None)
    published = PUBLISHED.get(benchmark, {}).get(split.cfg.get('split'))
    if not isinstance(dataset, NTUNames) or published is None or (
            len(dataset.actions) < NUM_ACTIONS[benchmark]):
        return
    names = [entry['frame_dir'] for entry in dataset.data_list]
    count = next(c for c in count_splits(
        names, benchmark, {'excluded': dataset.exclude})
        if c.split == split.cfg.split)
    text = f'{count.size} samples, published are {published}'
    if count.size == published:
        yield Finding('ok', split.area, text)
    elif count.size < .5 * published:
        yield Finding('note', split.area, f'{text}: a part of {benchmark}',
                      'none needed, if a part is meant')
    elif count.size > published:
        yield Finding(
            'warning', split.area, f'{text}: the samples with missing '
            'skeletons are among them', "set `exclude` to the authors' list")
    else:
        lost = [n for n in count.lacking if n not in dataset.exclude]
        yield Finding('warning', split.area,
                      f'{text}; lacking: {count.reason}, such as '
                      f'{shorten(lost, 3)}', 'complete the copy')


def check_exclude(split: Split) -> Iterator[Finding]:
    """A list of samples to leave out that a file cannot be."""
    exclude = getattr(split.dataset, 'exclude', None)
    if split.cfg.get('exclude') and not exclude:
        yield Finding('warning', split.area,
                      f'`exclude` {split.cfg.exclude} lists no sample',
                      'give the list with one name per line')
