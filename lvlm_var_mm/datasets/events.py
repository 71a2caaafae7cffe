"""Body-part events of many clips: measured together, once, and kept.

Together is many times faster than clip by clip. They are kept beside the
keypoints of a store, as ``events.npz``, and in the annotations of the pickles
that are written from it; a key records what they were measured with.
"""
import os
from pathlib import Path
from typing import (TYPE_CHECKING, Callable, Dict, List, NamedTuple, Optional,
                    Sequence, Tuple, Union)

import numpy as np
from mmengine.logging import print_log
from tqdm import tqdm

from lvlm_var_mm.atomic import commit, named
from lvlm_var_mm.kinematics import KINDS, observe_all
from lvlm_var_mm.kinematics.rows import COLUMNS, to_decidable, to_rows
from lvlm_var_mm.layouts import Layout
from .corrupt import CorruptSampleError
from .plain import load_arrays
from .transforms.disturb import Disturbance
from .transforms.events import (BodyPartEvents, declared, events_key,
                                joints_of, name_of)

if TYPE_CHECKING:
    from .skeleton import SkeletonDataset
    from .store import SkeletonStore

FILE = 'events.npz'
CHUNK = 512  # clips in memory


class EventTable(NamedTuple):
    """Events of N clips.

    Attributes:
        key (str): Of :func:`events_key`.
        rows (array): float32 (Q, 5) of all clips, see
            :func:`~lvlm_var_mm.kinematics.rows.to_rows`.
        first (array): int64 (N + 1, ), where the rows of each begin.
        decidable (array): bool (N, E), of which kinds the joints tell.
    """
    key: str
    rows: np.ndarray
    first: np.ndarray
    decidable: np.ndarray

    def of(self, i: int) -> Tuple[np.ndarray, np.ndarray]:
        """Return copies of the events of clip ``i``, float32 (Q, 5), and of
        what can be decided, bool (E, )."""
        return (np.array(self.rows[self.first[i]:self.first[i + 1]]),
                np.array(self.decidable[i]))


def save_table(table: EventTable, folder: Union[str, Path]) -> None:
    """Write a table into a store; it appears whole or not at all."""
    part = Path(folder) / f'.{os.getpid()}.{FILE}'
    try:
        with named(Path(folder) / FILE):
            np.savez(part, **table._asdict())
            commit(part, Path(folder) / FILE)
    finally:
        part.unlink(missing_ok=True)


def load_table(folder: Union[str, Path], clips: int) -> Optional[EventTable]:
    """Read the table of a store, None where there is none.

    Raises:
        ValueError: The file is no table, or one of other clips.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return None
    try:
        arrays = load_arrays(path)
        first = arrays['first']
        # Older versions did not keep it; their keys differ.
        decidable = arrays.get(
            'decidable', np.zeros((max(len(first) - 1, 0), 0), bool))
        table = EventTable(str(arrays['key']), arrays['rows'], first,
                           decidable)
        if first.shape != (clips + 1, ) or len(decidable) != clips or (
                first[-1] != len(table.rows)):
            raise ValueError(f'it has {len(first) - 1} clips, the '
                             f'store {clips}')
    except (KeyError, ValueError) as e:
        raise ValueError(f'{path} cannot be used ({e}): delete it, and the '
                         'events are measured anew') from e
    return table


def measure_table(sample_of: Callable[[int], Optional[Dict]], clips: int,
                  layout: Union[str, dict, Layout], fps: float,
                  up: Optional[Sequence[float]] = None,
                  mirrored: bool = False,
                  title: str = 'events', progress: bool = True) -> EventTable:
    """Measure the events of many clips.

    Args:
        sample_of (callable): Number of a clip -> annotation with ``keypoint``
            (M, T, V, C) and by option ``keypoint_score`` and ``fps``, None for
            one that cannot be read.
        clips (int): How many.
        layout, fps, up, mirrored: Of ``BodyPartEvents``; ``fps`` where an
            annotation says none.
        title (str): Of the progress bar.
        progress (bool): Show it.

    Returns:
        EventTable: In the order of the clips.
    """
    nothing = np.zeros((0, len(COLUMNS)), np.float32)
    found = [nothing] * clips
    decidable = np.zeros((clips, len(KINDS)), bool)
    with tqdm(total=clips, desc=title, unit='clip',
              disable=None if progress else True) as bar:
        for start in range(0, clips, CHUNK):
            by_rate: Dict[float, List[Tuple[int, np.ndarray]]] = {}
            for i in range(start, min(start + CHUNK, clips)):
                sample = sample_of(i)
                if sample is not None:
                    by_rate.setdefault(sample.get('fps', fps), []).append(
                        (i, joints_of(sample)[0]))
            for rate, some in by_rate.items():
                joints = [k for _, k in some]
                seen = observe_all(joints, layout, rate, declared(
                    layout, joints[0].shape[-1], up, mirrored))
                for (i, _), observation in zip(some, seen):
                    found[i] = to_rows(observation)
                    decidable[i] = to_decidable(observation)
            bar.update(min(CHUNK, clips - start))
    first = np.cumsum([0, *map(len, found)], dtype=np.int64)
    rows = np.concatenate([nothing, *found])
    return EventTable(events_key(layout, fps, up, mirrored), rows, first,
                      decidable)


def add_to_store(store: 'SkeletonStore', layout: Union[str, dict, Layout],
                 fps: float, up: Optional[Sequence[float]] = None,
                 mirrored: bool = False, progress: bool = True) -> None:
    """Measure the events of a store and keep them in it. Where it cannot be
    written, they are kept in memory alone."""
    store.events = None  # else its samples would bring the old ones
    store.events = measure_table(
        store.sample, len(store), layout, fps, up, mirrored,
        f'events of {Path(store.path).name}', progress)
    try:
        save_table(store.events, store.path)
    except OSError as e:
        print_log(f'{store.path}: the events are not kept ({e}), and are '
                  'measured again by the next run', logger='current',
                  level=30)


def measure_first(dataset: 'SkeletonDataset') -> None:
    """Measure the events that a pipeline needs before it runs, in this
    process: else each worker of a data loader would, clip by clip.

    Events that were kept are taken if they are of this vocabulary, layout and
    rate; else the log says so, and they are made anew. Raw files are left to
    the workers: reading them is what takes time.
    """
    wanted = [t for t in dataset.pipeline.transforms
              if isinstance(t, BodyPartEvents)]
    if not wanted or any(isinstance(t, Disturbance) and not t.is_off
                         for t in dataset.pipeline.transforms):
        return  # disturbed clips show other events
    transform = wanted[0]
    settings = (transform.layout, transform.fps, transform.up,
                transform.mirrored)
    if dataset.store is not None:
        kept = dataset.store.events
        if kept is None or kept.key != transform.key:
            _say(dataset, kept is not None)
            add_to_store(dataset.store, *settings)
        return
    todo, stale = [], False
    for i in range(len(dataset)):
        info = dataset.get_plain_info(i)
        if 'keypoint' not in info or 'frame_dir' not in info:
            return  # read one by one, or without a name to remember it by
        if info.get('events_key') != transform.key:
            todo.append(i)
            stale |= 'events_key' in info
    if not todo:
        return
    _say(dataset, stale)
    table = measure_table(lambda j: _readable(dataset, todo[j]), len(todo),
                          *settings, title='events')
    transform.remember({name_of(dataset.get_plain_info(i)): table.of(j)
                        for j, i in enumerate(todo)})


def _readable(dataset: 'SkeletonDataset', i: int) -> Optional[Dict]:
    try:
        return dataset.get_data_info(i)
    except CorruptSampleError:  # reported when it is read
        return None


def _say(dataset: 'SkeletonDataset', stale: bool) -> None:
    print_log(f'{dataset.ann_file}: body-part events ' + (
        'that were kept are of another vocabulary, layout or frame rate; they '
        'are made anew' if stale else 'are measured once'), logger='current')
