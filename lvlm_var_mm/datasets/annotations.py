"""Annotations of skeletons as people write them: what is unambiguous is
converted, the rest is refused by the name of the sample."""
import json
import os.path as osp
from collections.abc import Mapping
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import yaml
from mmengine.logging import print_log

from .pickles import load_pickle

RATES = .5, 1000.  # frames per second that recordings have
FORM = ("MMAction2's PoseDataset format, dict(split={name: [frame_dir, ...]}, "
        'annotations=[dict(frame_dir=..., label=..., keypoint=...), ...])')


def read_pickle(path: str) -> Tuple[List[dict], Mapping]:
    """Read annotations and splits of a pickle in MMAction2's PoseDataset
    format, or of a list of annotations.

    Args:
        path (str): The file; JSON and YAML are read as well.

    Returns:
        tuple: Annotations, each with a ``frame_dir``, and split -> names.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Something else is in it; says what, and what should be.
    """
    if not osp.isfile(path):
        raise FileNotFoundError(
            f'no file {path}: set `ann_file` of the dataset to a pickle in '
            "MMAction2's PoseDataset format or to a store")
    content = load_content(path)
    splits = {}
    if isinstance(content, Mapping):
        splits = content.get('split') or {}
        content = content.get('annotations')
    if not isinstance(content, (list, tuple)) or not content:
        raise ValueError(f'{path} holds no `annotations`; it should be of '
                         f'{FORM}')
    if not isinstance(splits, Mapping):
        raise ValueError(f'{path}: `split` is a {type(splits).__name__}, not '
                         f'a dict; it should be of {FORM}')
    return named(content, bool(splits), path), splits


def load_content(path: str) -> Any:
    """Read a pickle of plain content, JSON or YAML, by the ending of the file.

    Raises:
        ValueError: It is none; names the file.
    """
    if not path.endswith(('.json', '.yaml', '.yml')):
        return load_pickle(path)
    try:
        with open(path, encoding='utf-8') as f:
            # MMEngine's own reader of YAML would run code that is in it.
            return json.load(f) if path.endswith('.json') else (
                yaml.safe_load(f))
    except (ValueError, RecursionError, yaml.YAMLError) as e:
        raise ValueError(f'{path} cannot be read: {e}') from e


def named(samples: Sequence, split: bool, path: str) -> List[dict]:
    """Return annotations that all have a ``frame_dir``, as in what
    :func:`read_pickle` returns.

    Args:
        samples (list): Annotations.
        split (bool): Whether names must say which split a sample is of.
        path (str): Their file, for messages.

    Raises:
        ValueError: An annotation is no dict, or has no name that a split
            could list.
    """
    for i, sample in enumerate(samples):
        if not isinstance(sample, Mapping):
            raise ValueError(f'{path}: annotation {i} is a '
                             f'{type(sample).__name__}, not a dict')
        if 'frame_dir' not in sample and 'filename' not in sample and split:
            raise ValueError(
                f'{path}: annotation {i} has no `frame_dir`, the name by '
                'which a `split` lists it; its keys are '
                f'{sorted(map(str, sample))}')
    return [
        dict(sample, frame_dir=str(sample.get(
            'frame_dir', sample.get('filename', f'sample{i}'))))
        for i, sample in enumerate(samples)
    ]


def chosen(samples: Sequence[dict], splits: Mapping, split: str,
           path: str) -> List[dict]:
    """Return the annotations of a split.

    Raises:
        ValueError: There is no such split, or it lists none of the
            annotations.
    """
    if split not in splits:
        raise ValueError(
            f'{path} has no split {split!r}, but {sorted(splits)}' +
            ('' if splits else '; take `split` out of the dataset to use all '
             'annotations'))
    names = splits[split]
    if isinstance(names, str) or not hasattr(names, '__iter__'):
        raise ValueError(f'{path}: split {split!r} is {names!r}, not a list '
                         'of `frame_dir`')
    names = list(names)
    # Numbers are taken as they are: they name no annotation.
    wanted = set(map(str, names))
    key = 'filename' if 'filename' in samples[0] else 'frame_dir'
    found = [s for s in samples if str(s[key]) in wanted]
    if names and not found:
        raise ValueError(
            f'{path}: split {split!r} lists {len(names)} names, such as '
            f'{names[0]!r}, none of which is the `{key}` of an annotation, '
            f'such as {samples[0][key]!r}')
    lost = wanted - {str(s[key]) for s in found}
    if lost:
        print_log(f'{path}: {len(lost)} names of split {split!r} have no '
                  f'annotation, such as {sorted(lost)[0]!r}',
                  logger='current', level=30)
    return found


def tidy(sample: Dict, path: str) -> Dict:
    """Return an annotation in the form that transforms expect.

    ``label`` is an int, ``fps`` a float or absent, ``keypoint`` a floating
    array (M, T, V, C), ``keypoint_score`` (M, T, V) or absent,
    ``total_frames`` T; frames beyond it are padding, and are cut off. A score
    beside 3D keypoints is left out: transforms would take it for a fourth
    coordinate.

    Args:
        sample (dict): As it was written.
        path (str): Its file, for messages.

    Raises:
        ValueError: It has no such form; names the sample.
    """
    where = f'{path}: sample {sample["frame_dir"]!r}'
    sample = dict(sample)
    if sample.get('label') is not None:
        sample['label'] = _label(sample['label'], where)
    elif 'label' in sample:
        raise ValueError(f'{where} has no `label`, but None: leave the sample '
                         'out of the split, or give it one')
    if sample.get('fps') is not None:
        try:
            sample['fps'] = checked_rate(float(sample['fps']))
        except (TypeError, ValueError) as e:
            raise ValueError(f'{where} has no usable `fps`: {e}') from e
    if 'keypoint' not in sample:
        return sample
    keypoint = _array(sample['keypoint'], '`keypoint`', where)
    sample['keypoint'] = keypoint
    score = sample.pop('keypoint_score', None)
    if keypoint.ndim != 4:
        if score is not None:
            sample['keypoint_score'] = score
        return sample  # packed by frames, or refused by its data set
    if score is not None and keypoint.shape[3] == 2:
        score = _array(score, '`keypoint_score`', where)
        if score.size != keypoint[..., 0].size:
            raise ValueError(
                f'{where} has `keypoint_score` of shape {score.shape} beside '
                f'`keypoint` of {keypoint.shape}')
        sample['keypoint_score'] = score.reshape(keypoint.shape[:3])
    frames = keypoint.shape[1]
    try:
        sample['total_frames'] = int(sample.get('total_frames', frames))
    except (TypeError, ValueError, OverflowError) as e:
        raise ValueError(f'{where} has `total_frames` '
                         f'{sample["total_frames"]!r}, not a number') from e
    total = sample['total_frames']
    if frames and not 0 < total <= frames:
        raise ValueError(f'{where} has `total_frames` {total}, but {frames} '
                         'frames in `keypoint`')
    for key in ('keypoint', 'keypoint_score'):
        if key in sample:
            sample[key] = sample[key][:, :total]
    return sample


def checked_rate(fps: float) -> float:
    """Return frames per second as they are.

    Raises:
        ValueError: No recording has so many.
    """
    if not RATES[0] <= fps <= RATES[1]:
        raise ValueError(f'{fps:g} frames a second are not {RATES[0]:g} to '
                         f'{RATES[1]:g}; timestamps are in seconds')
    return fps


def _label(label: Any, where: str) -> int:
    """``3``, ``'3'``, ``3.0``, ``[3]`` and arrays of one number -> 3."""
    try:
        number = np.asarray(label).astype(float)
    except (TypeError, ValueError):
        number = np.empty(0)
    if number.size > 1:
        raise ValueError(f'{where} has {number.size} labels, {label!r}: '
                         'several labels of one sample are not supported')
    if not (number.size and np.isfinite(number) and
            number == np.rint(number)):
        raise ValueError(f'{where} has label {label!r}, not a number that '
                         'counts the classes from 0')
    return int(number.item())


def _array(value: Any, name: str, where: str) -> np.ndarray:
    """A floating array out of an array or nested lists."""
    if isinstance(value, np.ndarray) and value.dtype.kind == 'f':
        return value
    try:
        return np.asarray(value).astype(np.float32)
    except (TypeError, ValueError) as e:
        raise ValueError(f'{where} has {name} that is no regular array of '
                         f'numbers: {e}') from e
