"""Tell what a model reads, by the test pipeline of its config."""
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from mmengine.config import Config

from lvlm_var_mm.datasets.transforms.events import declared, events_key
from lvlm_var_mm.kinematics import Axes
from lvlm_var_mm.layouts import Layout, layout_of, load_layout

FLAT = 'NormalizePicture2D', 'PreNormalize2D', 'GeneratePoseTarget'
SPACE = ('AlignSkeleton3D', 'CenterSkeleton3D', 'PreNormalize3D',
         'SkeletonPicture')
FPS = 30.  # of what does not say its own
PERSONS = 2  # that the data sets keep of a raw file


class Wanted(NamedTuple):
    """The input of a model.

    Attributes:
        video (bool): Frames, else joints.
        layout (Layout, optional): Of the joints; None where it is not known.
        dims (int, optional): Coordinates of a joint, None for any.
        persons (int): M that the model takes.
        fps (float): Frames a second of clips that do not say theirs.
        up (sequence, optional): Where up is, as the config declares it.
        mirrored (bool): Whether coordinates are those of a mirror.
        measured (bool): Whether the config declares the axes.
        boxes (bool): Whether frames are cropped to where persons are.
        events_key (str, optional): Under which the pipeline takes events that
            were measured before, see
            :class:`~lvlm_var_mm.datasets.transforms.events.BodyPartEvents`.
    """
    video: bool
    layout: Optional[Layout]
    dims: Optional[int]
    persons: int
    fps: float = FPS
    up: Optional[Sequence[float]] = None
    mirrored: bool = False
    measured: bool = False
    boxes: bool = False
    events_key: Optional[str] = None

    def axes(self, dims: int) -> Optional[Axes]:
        """Return the axes in which events are measured, None to find them
        in each clip."""
        if not self.measured:
            return None
        return declared(self.layout, dims, self.up, self.mirrored)


def pipeline_of(cfg: Config) -> List[Dict[str, Any]]:
    """Return the transforms of the test set, whatever wraps it.

    Raises:
        ValueError: The config has none.
    """
    node = (cfg.get('test_dataloader') or {}).get('dataset')
    while node is not None and not node.get('pipeline'):
        inner = node.get('dataset') or node.get('datasets')
        node = inner[0] if isinstance(inner, (list, tuple)) else inner
    pipeline = node['pipeline'] if node else cfg.get('test_pipeline')
    if not pipeline:
        raise ValueError('the config has no pipeline for tests: set '
                         '`test_dataloader.dataset.pipeline`')
    return [dict(step) for step in pipeline]


def wanted_by(cfg: Config) -> Wanted:
    """Read off what the model of a config takes.

    Raises:
        ValueError: The config has no test pipeline.
    """
    steps = {str(step['type']).rpartition('.')[2]: step
             for step in pipeline_of(cfg)}
    events = steps.get('BodyPartEvents', {})
    # What makes a picture of joints in space takes those in space.
    dims = (3 if set(SPACE) & set(steps) else 2 if set(FLAT) & set(steps)
            else None)
    layout = load_layout(events['layout']) if events else layout_of(cfg)
    named = steps.get('SkeletonPicture', {}).get('layout')
    if layout is None and named is not None:
        layout = load_layout(named)
    persons = steps.get('FormatGCNInput', {}).get('num_person', PERSONS)
    return Wanted(
        video=any(map(decodes_frames, steps)), layout=layout,
        dims=dims, persons=persons, fps=events.get('fps', FPS),
        up=events.get('up'), mirrored=events.get('mirrored', False),
        measured=bool(events), boxes='PersonCrop' in steps,
        events_key=events_key(
            layout, events.get('fps', FPS), events.get('up'),
            events.get('mirrored', False)) if events else None)


def decodes_frames(step: str) -> bool:
    """Return whether the transform of this name opens frames: one of
    MMAction2's decoders, but for ``PoseDecode``, which takes joints."""
    return 'Decode' in step and not step.endswith('PoseDecode')


def take_window(results: Dict[str, Any]) -> Dict[str, Any]:
    """Let what follows see a part of a video alone: the step behind its
    opening in a pipeline.

    Optional Keys: window, numbers of the first frame and of the one behind
    the last. Modified Keys: total_frames, start_index.
    """
    if results.get('window') is not None:
        start, end = results['window']
        results.update(start_index=start, total_frames=end - start)
    return results
