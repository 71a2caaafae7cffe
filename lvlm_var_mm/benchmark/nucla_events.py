"""Northwestern-UCLA as body-part events, for measurements on its clips."""
from pathlib import Path
from typing import NamedTuple, Optional

import numpy as np

from lvlm_var_mm.datasets.annotations import read_pickle
from lvlm_var_mm.datasets.transforms.events import declared
from lvlm_var_mm.kinematics import observe_all, strengths

# The pickle says no frame rate; by the pace at which people walk it is this.
LAYOUT, FPS = 'kinect20', 12


class EventClips(NamedTuple):
    """N clips with E kinds of events.

    Attributes:
        names (array): (N, ), ``frame_dir``.
        labels (array): int (N, ).
        seen (array): (N, ) of :obj:`Observation`.
        found (array): (N, E), the strengths of the events.
        train, test, clean (array): bool (N, ), which are training clips, test
            clips, and test clips that are no copies of any training clip.
    """
    names: np.ndarray
    labels: np.ndarray
    seen: np.ndarray
    found: np.ndarray
    train: np.ndarray
    test: np.ndarray
    clean: np.ndarray

    def of(self, keep: np.ndarray) -> 'EventClips':
        """Return some of the clips: bool (N, ) or their rows."""
        return EventClips(*(x[keep] for x in self))


def read_event_clips(path: Optional[str], protocol: str) -> EventClips:
    """Measure the events of all clips.

    Args:
        path (str, optional): The pickle, of MMAction2's PoseDataset.
        protocol (str): ``'xview'`` or ``'xsub'``.

    Raises:
        FileNotFoundError: No such file.
    """
    if not path or not Path(path).is_file():
        raise FileNotFoundError(
            f'no file {path}: give --data the pickle of '
            'Northwestern-UCLA, or set NUCLA_PKL')
    annotations, splits = read_pickle(path)
    joints = [a['keypoint'] for a in annotations]
    names = np.array([a['frame_dir'] for a in annotations])
    train, test = (np.isin(names, splits[f'{protocol}_{part}'])
                   for part in ('train', 'val'))
    known = {joints[i].tobytes() for i in np.flatnonzero(train)}
    clean = test & np.array([j.tobytes() not in known for j in joints])
    seen = observe_all(joints, LAYOUT, FPS, declared(LAYOUT, 3))
    # Row by row: an observation is a tuple, not an axis.
    rows = np.empty(len(seen), object)
    rows[:] = seen
    return EventClips(names, np.array([a['label'] for a in annotations]),
                      rows, strengths(seen), train, test, clean)
