"""Northwestern-UCLA from its public JSON files to a pickle.

A file is called ``a05_s04_e03_v02.json``, action, subject, repetition and
camera, and holds ``skeletons``: frames of 20 joints of Kinect v1 with three
coordinates in metres, in the frame of the camera.
"""
import json
import pickle
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Union

import numpy as np
from tqdm import tqdm

from lvlm_var_mm.atomic import replaced

# Of the twelve actions the data set has these, in the order of its labels.
ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
NAME = re.compile(r'a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)')
JOINTS = 20
# Sizes of the splits in the copy that the literature uses.
PUBLISHED = dict(xview_train=1020, xview_val=464, xsub_train=724, xsub_val=760)


class Prepared(NamedTuple):
    """Count what was written and name what was left out.

    Attributes:
        sizes (dict[str, int]): Clips of each split.
        left_out (dict[str, str]): File -> why it was left out.
    """
    sizes: Dict[str, int]
    left_out: Dict[str, str]


def prepare_nucla(root: Union[str, Path], out: Union[str, Path]) -> Prepared:
    """Write a pickle in MMAction2's PoseDataset format.

    Splits are those of the literature: ``xview`` trains on cameras 1 and 2
    and tests on 3, ``xsub`` trains on subjects of odd numbers.

    Args:
        root (str | Path): The folder of the files, or one above it.
        out (str | Path): The pickle.

    Raises:
        FileNotFoundError: No such folder, or no such files in it.
        ValueError: Two files of one name, or none that can be read.
    """
    files = _files(Path(root))
    annotations: List[dict] = []
    left_out: Dict[str, str] = {}
    for file in tqdm(files, 'reading', unit='file', disable=None):
        try:
            annotations.append(read_clip(file))
        except ValueError as e:
            left_out[str(file)] = str(e)
    if not annotations:
        first, why = next(iter(left_out.items()))
        raise ValueError(f'{root}: none of {len(files)} files can be read; '
                         f'the first, {first}: {why}')
    names: Dict[str, List[str]] = {split: [] for split in PUBLISHED}
    for clip in annotations:
        view = 'train' if clip['camera'] < 3 else 'val'
        subject = 'train' if clip['subject'] % 2 else 'val'
        names[f'xview_{view}'].append(clip['frame_dir'])
        names[f'xsub_{subject}'].append(clip['frame_dir'])
    Path(out).absolute().parent.mkdir(parents=True, exist_ok=True)
    with replaced(out) as f:
        pickle.dump(dict(split=names, annotations=annotations), f)
    return Prepared({k: len(v) for k, v in names.items()}, left_out)


def _files(root: Path) -> List[Path]:
    if not root.is_dir():
        raise FileNotFoundError(f'no folder {root}')
    found = sorted((f for f in root.rglob('*.json')
                    if NAME.fullmatch(f.stem)), key=lambda f: f.stem)
    if not found:
        raise FileNotFoundError(
            f'{root}: no files such as a05_s04_e03_v02.json; name the folder '
            'into which the data set was unpacked')
    for one, other in zip(found, found[1:]):
        if one.stem == other.stem:
            raise ValueError(f'{one} and {other} are the same clip: name a '
                             'folder with one copy of the data set')
    return found


def read_clip(file: Path) -> dict:
    """Read one file as an annotation.

    Returns:
        dict: ``frame_dir``, ``label``, ``total_frames``, ``keypoint`` float32
        (1, T, 20, 3), ``subject`` and ``camera``.

    Raises:
        ValueError: Not such a file; says why.
    """
    action, subject, _, camera = map(
        int, NAME.fullmatch(file.stem).groups())
    if action not in ACTIONS:
        raise ValueError(f'action {action} is none of {ACTIONS}')
    try:
        joints = np.array(json.loads(file.read_text())['skeletons'],
                          np.float32)
    except (KeyError, TypeError, ValueError, OverflowError,
            RecursionError) as e:
        raise ValueError(f'no `skeletons` of numbers ({e!r})') from e
    if joints.ndim != 3 or joints.shape[1:] != (JOINTS, 3) or not len(joints):
        raise ValueError(f'`skeletons` has shape {joints.shape}, not '
                         f'(frames, {JOINTS}, 3)')
    if not np.isfinite(joints).all():
        raise ValueError('coordinates that are not finite')
    return dict(
        frame_dir=file.stem,
        label=ACTIONS.index(action),
        total_frames=len(joints),
        keypoint=joints[None],
        subject=subject,
        camera=camera)
