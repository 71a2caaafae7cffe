"""Make a folder that trains from your own clips and a CSV."""
import json
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from tqdm import tqdm

from lvlm_var_mm.atomic import write_text
from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.datasets.annotations import checked_rate
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.store import StoreWriter
from lvlm_var_mm.datasets.video import check_video
from lvlm_var_mm.kinematics.axes import signed_axis
from lvlm_var_mm.layouts import LAYOUTS, Layout, load_layout
from .custom_bodies import Study
from .custom_config import check_configs, skeleton_config, video_config
from .custom_skeleton import frames_a_second, read_clip, read_timestamps
from .custom_table import Row, read_table, write_classes

CONFIG, CLASSES, SKIPPED = 'config.py', 'classes.txt', 'skipped.json'


class Prepared(NamedTuple):
    """The result of a preparation."""
    sizes: Dict[str, int]  # split -> samples
    classes: ClassList
    lacking: List[str]  # classes of which no sample trains
    skipped: Dict[str, str]  # file -> what is wrong
    config: Path
    notes: List[str]  # what was found, assumed or is doubtful


def prepare_custom(table: Union[str, Path],
                   out: Union[str, Path],
                   root: Union[str, Path],
                   kind: str = 'skeleton',
                   layout: Union[str, Dict, Layout] = 'ntu25',
                   classes: Union[str, Path, None] = None,
                   max_persons: int = 2,
                   img_shape: Optional[Tuple[int, int]] = None,
                   fps: Optional[float] = None,
                   up: Optional[str] = None,
                   progress: bool = True) -> Prepared:
    """Prepare your own data.

    Writes into ``out``: ``classes.txt``, ``config.py``, ``skipped.json``;
    of skeletons ``store/``, of videos a list for each split, in MMAction2's
    format, and ``explanations.json``, if there are any.

    Args:
        table (str | Path): The CSV, see
            :func:`~lvlm_var_mm.preparation.custom_table.read_table`.
        out (str | Path): The folder to write.
        root (str | Path): What the files of the CSV are relative to.
        kind (str): ``'skeleton'``, see
            :func:`~lvlm_var_mm.preparation.custom_skeleton.read_clip`, or
            ``'video'``.
        layout (str | dict | Layout): Of skeletons: what
            :func:`~lvlm_var_mm.layouts.load_layout` takes, or a JSON file
            with it.
        classes (str | Path, optional): Class list in label order.
        max_persons (int): Persons of a clip at most.
        img_shape (tuple[int, int], optional): Height and width of the
            picture, for 2D skeletons that do not say.
        fps (float, optional): Frames per second of 3D skeletons, where neither
            the table nor a file says it. 30 is assumed by default.
        up (str, optional): The axis of 3D skeletons that points up, such as
            ``'z'`` or ``'-y'``. By default it is inferred from the bodies.
        progress (bool): Show a progress bar.

    Returns:
        Prepared: What was written and what was left out.

    Raises:
        FileNotFoundError: The table, files or our configs are not there.
        FileExistsError: ``out`` has a config already.
        ValueError: A row that does not fit, no usable file in a split, or an
            ``up`` by which people stand on their heads.
    """
    if kind not in ('skeleton', 'video'):
        raise ValueError(f'kind {kind!r} is neither skeleton nor video')
    out, root = Path(out), Path(root)
    check_configs()
    if (out / CONFIG).exists():
        raise FileExistsError(f'{out / CONFIG} is there already and may have '
                              'been changed: remove it or name another folder')
    if '"' in str(out.absolute()):
        raise ValueError(f'{out}: a config cannot name its own folder with a '
                         'quotation mark in it; take another one')
    if max_persons < 1:
        raise ValueError(f'`max_persons` is {max_persons}, must be 1 or more')
    layout = load_layout(_layout_source(layout))
    up = None if up is None else signed_axis(up, 3)
    fps = None if fps is None else checked_rate(fps)
    rows, classes = read_table(table, root, classes)
    out.mkdir(parents=True, exist_ok=True)
    notes: List[str] = []
    if kind == 'skeleton':
        good, skipped, bodies = _skeletons(rows, out, layout, max_persons,
                                           img_shape, fps, up, progress)
        notes = bodies.notes
        text = skeleton_config(out, layout, bodies, len(classes.names),
                               _sizes(good))
    else:
        good, skipped, text = _videos(rows, out, root, len(classes.names),
                                      progress)
    write_classes(out / CLASSES, classes)
    write_text(out / SKIPPED, json.dumps(skipped, indent=1))
    # Last, so that a config means that the rest is there.
    write_text(out / CONFIG, text)
    trained = {row.label for row in good if row.split == 'train'}
    return Prepared(
        _sizes(good), classes,
        [n for i, n in enumerate(classes.names) if i not in trained],
        skipped, out / CONFIG, notes)


def _layout_source(layout):
    if not isinstance(layout, str) or layout in LAYOUTS or (
            not layout.endswith('.json')):
        return layout
    if not Path(layout).is_file():
        raise FileNotFoundError(f'no file {layout}: give a layout of '
                                f'{", ".join(LAYOUTS)}, or a JSON file')
    try:
        source = json.loads(Path(layout).read_text('utf-8'))
        if not isinstance(source, dict):
            raise ValueError('it holds no object')
        return load_layout(source)
    except (ValueError, TypeError) as e:
        raise ValueError(f'{layout}: {e}') from e


def _sizes(rows: Sequence[Row]) -> Dict[str, int]:
    return dict(Counter(row.split for row in rows))


def _check_left(rows: Sequence[Row], good: Sequence[Row],
                skipped: Dict[str, str]) -> None:
    for split in _sizes(rows):
        if split not in _sizes(good):
            file = next(r.file for r in rows if r.split == split)
            raise ValueError(
                f'none of the {_sizes(rows)[split]} files of {split} can be '
                f'used; the first, {file}: {skipped[file]}')


def _skeletons(rows, out, layout, max_persons, img_shape, fps, up, progress):
    good, skipped, study = [], {}, Study(layout, fps, up)
    meta = dict(dataset=out.resolve().name, layout=layout.name)
    with StoreWriter(out / 'store', meta) as store:
        for row in tqdm(rows, desc='reading', unit='clip',
                        disable=None if progress else True):
            try:
                clip = _clip(row, layout, max_persons, img_shape)
                study.add(row, clip)
            except CorruptSampleError as e:
                skipped[row.file] = e.problem
                continue
            if row.explanation:
                clip['explanation'] = row.explanation
            store.add(dict(clip, frame_dir=row.file, label=row.label))
            good.append(row)
        _check_left(rows, good, skipped)
        store.splits = {
            split: np.flatnonzero([r.split == split for r in good])
            for split in _sizes(good)
        }
        return good, skipped, study.conclude()


def _clip(row: Row, layout: Layout, max_persons: int, img_shape) -> Dict:
    """A clip; the table's clock goes before the file's."""
    clip = read_clip(row.path, layout, max_persons, img_shape)
    if row.fps is not None:
        clip['fps'] = row.fps
    elif row.timestamps is not None:
        try:
            clip['fps'] = frames_a_second(read_timestamps(row.timestamps),
                                          clip['keypoint'].shape[1])
        except ValueError as e:
            raise CorruptSampleError(row.timestamps, str(e)) from e
    return clip


def _videos(rows, out, root, num_classes, progress):
    good, skipped = [], {}
    for row in tqdm(rows, desc='opening', unit='video',
                    disable=None if progress else True):
        try:
            check_video(str(row.path))
            good.append(row)
        except CorruptSampleError as e:
            skipped[row.file] = e.problem
    _check_left(rows, good, skipped)
    for split in _sizes(good):
        write_text(out / f'{split}.txt', ''.join(
            f'{r.file} {r.label}\n' for r in good if r.split == split))
    texts = {r.file: r.explanation for r in good if r.explanation}
    if texts:
        write_text(out / 'explanations.json',
                   json.dumps(texts, indent=1, ensure_ascii=False))
    return good, skipped, video_config(out, root, bool(texts), num_classes,
                                       _sizes(good))
