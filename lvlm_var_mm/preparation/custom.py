"""From one's own clips and a CSV to a folder that trains."""
import json
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from tqdm import tqdm

from lvlm_var_mm.atomic import write_text
from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.store import StoreWriter
from lvlm_var_mm.datasets.video import check_video
from lvlm_var_mm.layouts import LAYOUTS, Layout, load_layout
from .custom_config import check_configs, skeleton_config, video_config
from .custom_skeleton import read_clip
from .custom_table import Row, read_table, write_classes

CONFIG, CLASSES, SKIPPED = 'config.py', 'classes.txt', 'skipped.json'


class Prepared(NamedTuple):
    """The result of a preparation."""
    sizes: Dict[str, int]  # split -> samples
    classes: ClassList
    lacking: List[str]  # classes of which no sample trains
    skipped: Dict[str, str]  # file -> what is wrong
    config: Path


def prepare_custom(table: Union[str, Path],
                   out: Union[str, Path],
                   root: Union[str, Path],
                   kind: str = 'skeleton',
                   layout: Union[str, Dict, Layout] = 'ntu25',
                   classes: Union[str, Path, None] = None,
                   max_persons: int = 2,
                   img_shape: Optional[Tuple[int, int]] = None,
                   progress: bool = True) -> Prepared:
    """Prepare one's own data.

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
        progress (bool): Show a progress bar.

    Returns:
        Prepared: What was written and what was left out.

    Raises:
        FileNotFoundError: The table, files or our configs are not there.
        FileExistsError: ``out`` has a config already.
        ValueError: A row that does not fit, or no usable file in a split.
    """
    if kind not in ('skeleton', 'video'):
        raise ValueError(f'kind {kind!r} is neither skeleton nor video')
    out, root = Path(out), Path(root)
    check_configs()
    if (out / CONFIG).exists():
        raise FileExistsError(f'{out / CONFIG} is there already and may have '
                              'been changed: remove it or name another folder')
    layout = load_layout(_layout_source(layout))
    rows, classes = read_table(table, root, classes)
    out.mkdir(parents=True, exist_ok=True)
    if kind == 'skeleton':
        good, skipped, text = _skeletons(rows, out, layout, max_persons,
                                         img_shape, len(classes.names),
                                         progress)
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
        skipped, out / CONFIG)


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


def _skeletons(rows, out, layout, max_persons, img_shape, num_classes,
               progress):
    good, skipped, dims, persons = [], {}, None, 1
    meta = dict(dataset=out.resolve().name, layout=layout.name)
    with StoreWriter(out / 'store', meta) as store:
        for row in tqdm(rows, desc='reading', unit='clip',
                        disable=None if progress else True):
            try:
                clip = read_clip(row.path, layout, max_persons, img_shape)
                shape = clip['keypoint'].shape
                if shape[3] != (dims or shape[3]):
                    raise CorruptSampleError(
                        row.path, f'has {shape[3]} coordinates a joint, the '
                        f'clips before it {dims}')
            except CorruptSampleError as e:
                skipped[row.file] = e.problem
                continue
            dims, persons = shape[3], max(persons, shape[0])
            if row.explanation:
                clip['explanation'] = row.explanation
            store.add(dict(clip, frame_dir=row.file, label=row.label))
            good.append(row)
        _check_left(rows, good, skipped)
        store.splits = {
            split: np.flatnonzero([r.split == split for r in good])
            for split in _sizes(good)
        }
    return good, skipped, skeleton_config(out, layout, dims, persons,
                                          num_classes, _sizes(good))


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
