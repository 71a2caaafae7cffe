"""The test clips of a config, and which of them are training clips."""
import hashlib
from typing import List, NamedTuple, Tuple

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.doctor.data import Split, identities, open_split, splits_of
from mmaction.registry import DATASETS
from .streams import leaves


class Clips(NamedTuple):
    """Clips of a test set, in its order.

    Attributes:
        names (tuple[str]): (N, )
        labels (np.ndarray): (N, )
        clean (np.ndarray): (N, ) bool, whether a clip is no training clip.
        classes (tuple[str]): Names, as many as there are labels.
    """
    names: Tuple[str, ...]
    labels: np.ndarray
    clean: np.ndarray
    classes: Tuple[str, ...]


def clips_of(cfg: Config) -> Clips:
    """Read the test set of a config, and compare it with the training set:
    joints byte by byte, videos by their files.

    Raises:
        ValueError: A data set cannot be opened; says why.
    """
    splits = {p: s for s in splits_of(cfg) for p in s.parts.split(', ')}
    train, test = _open(splits['train']), _open(splits['test'])
    names = tuple(name_of(test, i) for i in range(len(test)))
    labels = np.array([_entry(test, i).get('label', -1)
                       for i in range(len(test))])
    trained = {_digest(train, i) for i in range(len(train))}
    # Of frames in folders the list does not matter, the folder does.
    known = {name for _, name in identities(train)}
    digests = (_digest(test, i) for i in range(len(test)))
    clean = np.array([digest not in trained if digest else name not in known
                      for digest, (_, name) in zip(digests,
                                                   identities(test))])
    kind = splits['test'].cfg.get('class_names')
    classes = load_classes(kind).names if kind is not None else ()
    number = max(int(labels.max()) + 1, len(classes))
    return Clips(names, labels, clean, tuple(
        classes[i] if i < len(classes) else f'class {i}'
        for i in range(number)))


def _open(split: Split) -> BaseDataset:
    opened, found = open_split(split)
    if opened.dataset is None:
        raise ValueError(f'{found[0].area}: {found[0].text}')
    return opened.dataset


def _entry(dataset: BaseDataset, i: int) -> dict:
    return BaseDataset.get_data_info(dataset, i)


def name_of(dataset: BaseDataset, i: int) -> str:
    """Return the name of a clip, its number where it has none."""
    entry = _entry(dataset, i)
    return str(entry.get('frame_dir') or entry.get('filename') or i)


def _digest(dataset: BaseDataset, i: int) -> bytes:
    """Return a digest of the joints, nothing for a video."""
    info = dataset.get_data_info(i)
    if info.get('keypoint') is None:
        return b''
    joints = np.ascontiguousarray(info['keypoint'])
    return hashlib.sha256(
        str(joints.shape).encode() + joints.tobytes()).digest()


def part_of_training(cfg: Config, part: float, seed: int = 0) -> Config:
    """Let the test be of a part of the training set, always the same, as in
    testing: where the weights of a fusion are set.

    Args:
        cfg (Config): Changed in place.
        part (float): Of the training clips.
        seed (int): Of the choice.
    """
    found = dict(leaves(cfg))
    train, test = found['train_dataloader'], found['test_dataloader']
    number = len(DATASETS.build({**train, 'pipeline': []}))
    chosen = np.random.default_rng(seed).permutation(number)[
        :max(round(part * number), 1)]
    indices: List[int] = sorted(map(int, chosen))
    cfg.test_dataloader.dataset = {
        **train, 'pipeline': test.pipeline, 'test_mode': True,
        'indices': indices}
    return cfg
