"""Test models on clips whose joints are disturbed before their pipelines see
them."""
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional,
                    Sequence, Tuple)

import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.runner import Runner, TestLoop
from torch.utils.data import DataLoader

from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.checkpoint.strict import load_strictly
from lvlm_var_mm.layouts import Layout, layout_of, load_layout
from lvlm_var_mm.shipped import find_config
from mmaction.registry import TRANSFORMS
from .data import name_of
from .scores import Scores, read_dump


class Kind(NamedTuple):
    """A disturbance at several strengths.

    Attributes:
        title (str): What its strength is, with the unit.
        strengths (tuple[float]): Those that are tested.
        none (float): The strength at which it does nothing.
        step (callable): From a strength to the settings of a transform.
    """
    title: str
    strengths: Tuple[float, ...]
    none: float
    step: Callable[[float], Dict]


def kinds(layout: Layout) -> Dict[str, Kind]:
    """Return the disturbances by name, for the joints of a layout."""
    return {
        'joints': Kind(
            'joints lost, part of all', (.1, .2, .4), 0,
            lambda x: dict(type='DropJoints', ratio=x)),
        'noise': Kind(
            'noise, torso lengths', (.02, .05, .1, .2), 0,
            lambda x: dict(type='JitterJoints', layout=layout, std=x)),
        'arm': Kind(
            'arm hidden, part of the time', (.25, .5, 1.), 0,
            lambda x: dict(type='OccludeArm', layout=layout, part=x)),
        'common': Kind(
            'joints left, those of COCO', (13, ), layout.num_joints,
            lambda x: dict(type='KeepJoints', layout=layout)),
        'frames': Kind(
            'frames lost, part of all', (.2, .5, .8), 0,
            lambda x: dict(type='LoseFrames', ratio=x)),
        'pace': Kind(
            'duration of the clip', (.5, .75, 1.5, 2.), 1,
            lambda x: dict(type='StretchTime', factor=x)),
        'rhythm': Kind(
            'duration of a half of the clip', (.25, .5, 2., 4.), 1,
            lambda x: dict(type='StretchTime', factor=x, part=.5)),
    }


class Model(NamedTuple):
    """A config to test, its test set open, its weights not yet read.

    Attributes:
        name (str): That of the config, with a number if it comes twice.
        cfg (Config): Changed by :func:`run`.
        checkpoint (str): A file.
        loader (DataLoader): Of the test set.
        names (tuple[str]): Of the clips, in order.
        layout (Layout): Of their joints.
    """
    name: str
    cfg: Config
    checkpoint: str
    loader: DataLoader
    names: Tuple[str, ...]
    layout: Layout


def open_models(pairs: Sequence[Tuple[str, str]],
                layout: Optional[str] = None, workers: int = 0
                ) -> List[Model]:
    """Open the test sets of several models, and check them all before the
    first test.

    Args:
        pairs (sequence[tuple[str, str]]): A config, a file or a name, and a
            checkpoint.
        layout (str, optional): Name of the joint layout. Defaults to
            :func:`find_layout`.
        workers (int): Processes that read clips.

    Raises:
        FileNotFoundError: No such config or checkpoint.
        ValueError: A test set holds no 3D skeletons, has other clips or
            joints than the first, or its layout is not known.
    """
    models: List[Model] = []
    for config, checkpoint in pairs:
        find_checkpoint(checkpoint)
        cfg = Config.fromfile(find_config(config))
        cfg.test_dataloader.update(num_workers=workers,
                                   persistent_workers=False)
        loader = Runner.build_dataloader(cfg.test_dataloader, seed=0)
        found = {joints_in_space(config, leaf)
                 for leaf in leaves_of(loader.dataset)}
        joints = load_layout(layout) if layout else find_layout(cfg)
        if found != {joints.num_joints} or joints.picture:
            raise ValueError(f'{config}: clips have {sorted(found)} joints in '
                             f'space, which layout {joints.name} does not '
                             'describe; give --layout')
        name, same = Path(config).stem, [m.name for m in models]
        number = 2
        while name in same:
            name, number = f'{Path(config).stem} ({number})', number + 1
        models.append(Model(name, cfg, checkpoint, loader, tuple(
            Path(name_of(leaf, i)).name for leaf in leaves_of(loader.dataset)
            for i in range(len(leaf))), joints))
        if (models[-1].names, joints.joints) != (
                models[0].names, models[0].layout.joints):
            raise ValueError(f'{config}: its test set has other clips or '
                             f'joints than that of {pairs[0][0]}; models '
                             'side by side need the same ones')
    return models


def find_layout(cfg: Config) -> Layout:
    """Return the joint layout of the pipeline or of the backbone, the first
    that names its joints, if any does.

    Raises:
        ValueError: Neither has any.
    """
    dataset = cfg.test_dataloader.dataset
    while dataset.get('dataset') or dataset.get('datasets'):
        dataset = dataset.get('dataset') or dataset.datasets[0]
    found = [load_layout(step.layout) for step in dataset.get('pipeline', ())
             if step.get('layout') is not None]
    backbone = layout_of(cfg)
    found += [backbone] if backbone is not None else []
    if not found:
        raise ValueError(f'{cfg.filename}: neither its pipeline nor its '
                         'backbone has a joint `layout`; give --layout')
    return next((layout for layout in found if any(layout.joints)), found[0])


def leaves_of(dataset: Any) -> Iterator[BaseDataset]:
    """Yield the data sets inside of wrappers such as ``ConcatDataset``."""
    inner = getattr(dataset, 'datasets', None) or [
        getattr(dataset, 'dataset', None)]
    for child in inner:
        if child is None:
            yield dataset
        else:
            yield from leaves_of(child)


def joints_in_space(config: str, dataset: BaseDataset) -> int:
    """Return V of a data set of 3D skeletons.

    Raises:
        ValueError: It is none; says what it has in their place.
    """
    joints = dataset.get_data_info(0).get('keypoint')
    shape = np.shape(joints)
    if len(shape) != 4 or shape[3] != 3:
        has = ('no `keypoint`, as data sets of videos (RGB), of tokens and of '
               'videos with skeletons' if joints is None else
               'joints in pictures' if shape[3:] == (2, )
               else f'`keypoint` of shape {shape}')
        raise ValueError(f'{config}: {type(dataset).__name__} has {has}; '
                         'disturbances are of 3D skeletons, (persons, frames, '
                         'joints, 3)')
    return shape[2]


@contextmanager
def before_all(dataset: Any, step: Optional[Dict]) -> Iterator[None]:
    """Put a transform before those of an open data set, inside of any
    wrappers, and take it out at the end.

    Args:
        dataset (Dataset): With a pipeline.
        step (dict, optional): Settings of the transform.
    """
    leaves = list(leaves_of(dataset))
    kept = [leaf.pipeline.transforms for leaf in leaves]
    try:
        for leaf, transforms in zip(leaves, kept):
            leaf.pipeline.transforms = [
                *([] if step is None else [TRANSFORMS.build(step)]),
                *transforms]
        yield
    finally:
        for leaf, transforms in zip(leaves, kept):
            leaf.pipeline.transforms = transforms


def run(model: Model, steps: Sequence[Optional[Dict]]
        ) -> Iterator[Scores]:
    """Test a model by MMEngine's own loop, once for each of some disturbances.

    Args:
        model (Model): Of :func:`open_models`.
        steps (sequence[dict | None]): Settings of a transform that stands
            before those of the config; None for none.

    Yields:
        Scores: As soon as they are known.

    Raises:
        ValueError: The checkpoint is of another model.
    """
    cfg = model.cfg
    with tempfile.TemporaryDirectory() as folder:
        cfg.update(load_from=model.checkpoint, resume=False, work_dir=folder,
                   launcher='none', log_level='WARNING',
                   # By default the name has the current second: two runners
                   # that start in the same one would share a log folder.
                   experiment_name=Path(folder).name,
                   test_evaluator=[dict(type='AccMetric')])
        cfg.pop('runner_type', None)  # one process has nothing to shard
        runner = Runner.from_cfg(cfg)
        load_strictly(runner)
        scores = f'{folder}/scores.pkl'
        # The loop that the runner would build, but on the test set that is
        # open already. The runner holds it because hooks look for it there.
        runner._test_loop = TestLoop(
            runner, model.loader, runner.build_evaluator(
                [dict(type='DumpResults', out_file_path=scores)]),
            fp16=(cfg.get('test_cfg') or {}).get('fp16', False))
        for step in steps:
            with before_all(model.loader.dataset, step):
                runner.test()
            yield read_dump(scores, model.names)
