"""From a folder of raw ``.skeleton`` files to a store and pickles.

The work is done in parts of some dozen files. A finished part is a file of
its own, named after the files that went into it, their sizes and times and
the settings, and appears in one step; so whatever interrupts the work, the
next run takes up what is finished, does the rest and puts together the same
bytes as a run that was never interrupted.
"""
import hashlib
import json
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from tqdm import tqdm

from lvlm_var_mm.atomic import replaced
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.events import add_to_store
from lvlm_var_mm.datasets.exclude import read_exclude, without_copies
from lvlm_var_mm.datasets.ntu.census import SplitCount, count_splits
from lvlm_var_mm.datasets.ntu.dataset import NTURGBDSkeletonDataset, folders_of
from lvlm_var_mm.datasets.ntu.origin import MADE, is_made, picture_shape
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton
from lvlm_var_mm.datasets.ntu.splits import (NUM_ACTIONS, all_splits,
                                             in_benchmark, parse_names)
from lvlm_var_mm.datasets.plain import load_plain, save_plain
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from .workers import START, alone_in, cores, live_with_parent

# Changes when the same files would give other arrays.
VERSION = 1
FILES_A_PART = 64
FPS = 30
STORE = NTURGBDSkeletonDataset.prepared
LEFT_OUT = 'left_out.json'


class Prepared(NamedTuple):
    """The result of a preparation."""
    samples: int
    left_out: Dict[str, Dict[str, str]]  # kind -> name -> what is wrong
    counts: Dict[str, List[SplitCount]]  # benchmark -> its official splits
    files: List[Path]
    reused: int  # samples that an interrupted run had finished


def prepare_ntu(raw_dir: Union[str, Path],
                out: Union[str, Path],
                exclude: Union[str, Sequence[str], None] = None,
                processes: Optional[int] = None,
                max_persons: int = 2,
                dtype: str = 'float32',
                progress: bool = True) -> Prepared:
    """Prepare NTU RGB+D or NTU RGB+D 120.

    Writes into ``out``: ``store/``, all samples, memory-mapped;
    ``ntu60_3d.pkl`` and ``ntu120_3d.pkl``, as far as there are samples of
    these, in the format of MMAction2 and PYSKL with all splits; and
    ``left_out.json``, the samples left out and why, and of a nearly complete
    copy also those that it lacks. Keypoints stay metres in
    the camera's frame, of the persons that
    :func:`~lvlm_var_mm.datasets.ntu.persons.real_persons` keeps. Their
    body-part events are measured and kept beside them.

    Args:
        raw_dir (str | Path): Folder of ``.skeleton`` files, or the one that
            holds ``nturgb+d_skeletons``.
        out (str | Path): The folder to write.
        exclude (str | list[str], optional): The authors' list of incomplete
            samples, a text file or the names.
        processes (int, optional): Default: one per core.
        max_persons (int): Persons of a sample at most.
        dtype (str): Of the keypoints, ``'float32'`` or ``'float16'``, which
            is half as large and to 2 mm.
        progress (bool): Show a progress bar.

    Returns:
        Prepared: What was written and what was left out.

    Raises:
        FileNotFoundError: No such folder, or no file named as NTU's in it.
        FileExistsError: Another preparation writes there right now.
        ValueError: Every file is corrupt or excluded.
    """
    raw, made = _raw_files(raw_dir)
    excluded = sorted(read_exclude(exclude) & set(raw))
    names = sorted(set(raw) - set(excluded))
    if not names:
        raise ValueError(f'{raw_dir}: all {len(raw)} samples are excluded')
    out = Path(out)
    with alone_in(out):
        settings = f'{VERSION} {max_persons} {dtype}'
        parts = _parts(raw, names, settings, out / '.parts')
        reused = _work(parts, max_persons, dtype, processes, progress)
        return _assemble(out, parts, excluded, made, reused, progress)


def _raw_files(raw_dir) -> Tuple[Dict[str, Path], bool]:
    """Name -> file of every sample, and whether they are made ones."""
    folders = folders_of(raw_dir, NTURGBDSkeletonDataset.folder)
    if not folders:
        raise FileNotFoundError(f'no folder {raw_dir}: give the folder of '
                                'the raw *.skeleton files')
    # Of a name in both folders the first file counts.
    files = {f.stem: f for folder in reversed(folders)
             for f in Path(folder).iterdir() if f.suffix == '.skeleton'}
    names = without_copies(files, folders[0])
    inside = in_benchmark(parse_names(names), 'ntu120')
    files = {n: files[n] for n, good in zip(names, inside) if good}
    if not files:
        raise FileNotFoundError(f'{folders[0]} holds no file that is named '
                                'SsssCcccPpppRrrrAaaa.skeleton')
    return files, is_made(Path(folders[0]).resolve().parent)


# ---------------------------------------------------------------- the parts
class _Part(NamedTuple):
    files: List[Path]
    path: Path


def _parts(raw, names, settings, folder) -> List[_Part]:
    parts = []
    for start in range(0, len(names), FILES_A_PART):
        files = [raw[n] for n in names[start:start + FILES_A_PART]]
        key = hashlib.sha256(settings.encode())
        for file in files:
            stat = file.stat()
            key.update(f'{file.name} {stat.st_size} '
                       f'{stat.st_mtime_ns}\n'.encode())
        parts.append(_Part(files, folder / f'{key.hexdigest()[:32]}.npz'))
    return parts


def _work(parts, max_persons, dtype, processes, progress) -> int:
    """Make the parts that are not there; return the samples that were."""
    todo = [p for p in parts if not p.path.is_file()]
    total = sum(len(p.files) for p in parts)
    reused = total - sum(len(p.files) for p in todo)
    parts[0].path.parent.mkdir(exist_ok=True)
    pool = ProcessPoolExecutor(
        min(processes or cores(), max(1, len(todo))),
        mp_context=get_context(START), initializer=live_with_parent)
    bar = tqdm(total=total, initial=reused, unit='file', smoothing=.05,
               desc='reading', disable=not progress)
    with bar:
        try:
            jobs = {pool.submit(_make_part, p, max_persons, dtype): p
                    for p in todo}
            for job in as_completed(jobs):
                job.result()
                bar.update(len(jobs[job].files))
        finally:
            # On Ctrl-C what runs is finished, what waits is dropped.
            pool.shutdown(cancel_futures=True)
    return reused


def _make_part(part: _Part, max_persons: int, dtype: str) -> None:
    samples, corrupt = [], {}
    for file in part.files:
        action = int(parse_names([file.stem])[0, 4])
        try:
            sample = real_persons(read_skeleton(file), max_persons)
        except CorruptSampleError as e:
            corrupt[file.stem] = e.problem
            continue
        sample['keypoint'] = sample['keypoint'].astype(dtype)
        samples.append(dict(frame_dir=file.stem, label=action - 1, **sample))
    with replaced(part.path) as f:
        save_plain(f, [samples, corrupt])


# --------------------------------------------------------------- the result
def _assemble(out, parts, excluded, made, reused, progress) -> Prepared:
    meta = dict(dataset='NTU RGB+D', layout='ntu25', fps=FPS,
                common=dict(box_shape=picture_shape(made)))
    if made:
        meta['note'] = MADE
    corrupt: Dict[str, str] = {}
    with StoreWriter(out / STORE, meta) as store:
        names: List[str] = []
        for part in tqdm(parts, desc='writing', unit='part',
                         disable=not progress):
            samples, bad = load_plain(part.path)
            corrupt.update(bad)
            for sample in samples:
                store.add(sample)
                names.append(sample['frame_dir'])
        if not names:
            raise ValueError(
                f'{parts[0].files[0].parent}: all {len(corrupt)} samples are '
                f'corrupt; the first, {next(iter(corrupt))}: '
                f'{next(iter(corrupt.values()))}')
        table, number = parse_names(names), {n: i for i, n in enumerate(names)}
        inside = {b: in_benchmark(table, b) for b in NUM_ACTIONS}
        benchmarks = [b for b in NUM_ACTIONS if inside[b].any()]
        if 'ntu60' in benchmarks and inside['ntu60'].all():
            benchmarks = ['ntu60']
        splits = {b: all_splits(names, b) for b in benchmarks}
        # Both benchmarks have an xsub_train.
        store.splits = {
            f'{b}_{split}': [number[n] for n in members]
            for b in benchmarks for split, members in splits[b].items()
        }
    add_to_store(SkeletonStore(out / STORE), 'ntu25', FPS, progress=progress)
    files = [out / STORE]
    for b in benchmarks:
        files.append(_write_pickle(
            out / f'{b}_3d.pkl', SkeletonStore(out / STORE),
            np.flatnonzero(inside[b]), splits[b]))
    left_out = dict(
        excluded={n: 'in the list of samples to exclude' for n in excluded},
        corrupt=corrupt)
    counts = {b: count_splits(names, b, left_out) for b in benchmarks}
    # A complete copy would have these; of a part of the data they say nothing.
    lacking = {n for some in counts.values() if is_full(some)
               for count in some for n in count.lacking}
    left_out['absent'] = {n: 'not in the folder' for n in sorted(
        lacking - set(excluded) - set(corrupt))}
    with replaced(out / LEFT_OUT) as f:
        f.write(json.dumps(left_out, indent=1).encode())
    shutil.rmtree(out / '.parts')
    return Prepared(len(names), left_out, counts, files, reused)


def _write_pickle(path, store, rows, splits) -> Path:
    annotations = [store.sample(int(i)) for i in rows]
    with replaced(path) as f:
        pickle.dump(dict(split=splits, annotations=annotations), f,
                    protocol=4)
    return path


def is_full(counts: Sequence[SplitCount]) -> bool:
    """Return whether so many samples are meant to be the whole of a
    benchmark."""
    return (sum(c.size for c in counts) >
            .5 * sum(c.published for c in counts))
