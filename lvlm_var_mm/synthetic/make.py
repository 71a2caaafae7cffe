"""A small MADE dataset in the exact format of NTU RGB+D.

Nobody was recorded: stick bodies perform made-up motions, so that everything
that reads NTU RGB+D can run without it. Results on this sample say nothing
about results on NTU RGB+D.

Ten classes, ten performers (six of the cross-subject training split of
Shahroudy et al., CVPR 2016, four of its test split), three cameras. Every
performance exists as ``nturgb+d_skeletons/S001C..P..R..A...skeleton`` and as
``nturgb+d_rgb/S001C..P..R..A..._rgb.avi``. Frame t of the skeleton file is
frame t of the video, both at 30 frames per second; the skeleton's colorX and
colorY are pixels of that very video.
"""
import json
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import print_log
from mmengine.registry import FUNCTIONS
from numpy.random import Generator
from tqdm import tqdm

from lvlm_var_mm.atomic import flush_folder
from lvlm_var_mm.datasets.ntu.origin import MARKER, is_made
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.preparation.workers import START, cores, live_with_parent
from .motion import MOTIONS
from .performance import pair_of, perform
from .render import (ANGLES, clothes, draw, project, room, to_camera,
                     write_video)

TRAIN_PERFORMERS = 1, 2, 4, 5, 8, 9
TEST_PERFORMERS = 3, 6, 7, 10
PERFORMERS = tuple(sorted(TRAIN_PERFORMERS + TEST_PERFORMERS))
SKELETONS, VIDEOS = 'nturgb+d_skeletons', 'nturgb+d_rgb'
README = """\
This is NOT NTU RGB+D. It is a small synthetic sample in its format: stick
bodies with made-up motions, drawn and written by lvlm_var_mm
(`python -m lvlm_var_mm make_sample`). Nobody was recorded. Numbers measured
on it say nothing about NTU RGB+D.

{clips} clips, {actions} actions, {performers} performers, {repeats} repeats,
3 cameras, seed {seed}. Delete the folder to have it made again.
"""
_CLIP = 3  # tag of the random stream, beside those of sample_performance


@FUNCTIONS.register_module()
def ensure_sample(root: Union[str, os.PathLike], **kwargs) -> Path:
    """Make the sample unless it is there.

    Safe against interruption, and against a second process that does the
    same: the folder appears whole or not at all.

    Args:
        root (str | Path): The folder.
        **kwargs: For :func:`make_sample`, if it has to be made.

    Returns:
        Path: ``root``.

    Raises:
        FileExistsError: ``root`` holds something else.
    """
    if not is_made(root):
        try:
            make_sample(root, **kwargs)
        except FileExistsError:
            if not is_made(root):  # else another process was faster
                raise
    return Path(root)


def make_sample(root: Union[str, os.PathLike], repeats: int = 2, seed: int = 0,
                progress: bool = True, classes: Optional[Sequence[int]] = None,
                performers: Optional[Sequence[int]] = None) -> Path:
    """Make the sample: 300 clips a repeat.

    Args:
        root (str | Path): The folder to make; an empty one may be there.
        repeats (int): Performances of each class by each performer.
        seed (int): Of all randomness. A clip depends on it and on its own
            name alone, so a part of the sample equals that part of the whole.
        progress (bool): Show a progress bar and a log line.
        classes (sequence, optional): NTU's action numbers. Default: all ten.
        performers (sequence, optional): NTU's performer numbers. Default:
            all ten.

    Returns:
        Path: ``root``.

    Raises:
        FileExistsError: ``root`` is there and not empty.
        ValueError: A class is not among the ten, or nothing is asked for.
    """
    root = Path(root)
    classes = sorted(MOTIONS if classes is None else classes)
    performers = sorted(PERFORMERS if performers is None else performers)
    if not set(classes) <= set(MOTIONS):
        raise ValueError(f'classes {classes} are not all of '
                         f'{sorted(MOTIONS)}')
    performances = [(a, p, r) for a in classes for p in performers
                    for r in range(1, repeats + 1)]
    if not performances:
        raise ValueError('no clip to make: classes, performers or repeats '
                         'are empty')
    _refuse_taken(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    # A sibling is on the same file system, so the final move is one step.
    made = Path(tempfile.mkdtemp(prefix=f'.{root.name}.', dir=root.parent))
    try:
        _fill(made, performances, seed, progress)
        facts = dict(seed=seed, repeats=repeats, actions=classes,
                     performers=performers,
                     clips=len(performances) * len(ANGLES))
        counts = {key: len(value) if isinstance(value, list) else value
                  for key, value in facts.items()}
        (made / 'README.txt').write_text(README.format(**counts))
        (made / MARKER).write_text(json.dumps(
            dict(note='synthetic, not NTU RGB+D', **facts)))
        made.chmod(0o755)  # mkdtemp's is for its owner alone
        flush_folder(made)
        try:
            os.replace(made, root)
        except OSError:
            _refuse_taken(root)  # another process moved its own there first
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    if progress:
        print_log(f'{root}: made {facts["clips"]} synthetic clips in NTU '
                  "RGB+D's format; this is not NTU RGB+D", logger='current')
    return root


def _refuse_taken(root):
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(
            f'{root} is there and not empty; delete it or choose another '
            'place for the sample')


def _fill(root, performances, seed, progress):
    for folder in (SKELETONS, VIDEOS):
        (root / folder).mkdir()
    pool = ProcessPoolExecutor(
        min(cores(), len(performances)), mp_context=get_context(START),
        initializer=live_with_parent)
    bar = tqdm(total=len(performances), unit='performance', desc='making',
               disable=not progress)
    with bar:
        try:
            for _ in pool.map(partial(_write_performance, root, seed),
                              performances):
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)


def _write_performance(root, seed, performance):
    people = perform(*performance, seed)
    for camera in ANGLES:
        _write_clip(root, people, camera, performance, seed)


def capture(people: np.ndarray, camera: int, performance: Tuple[int, int, int],
            seed: int = 0) -> Tuple[np.ndarray, np.ndarray, Generator]:
    """One performance as one camera takes it.

    Args:
        people (array): What ``sample_performance.perform`` returns.
        camera (int): 1, 2 or 3.
        performance (tuple): Action, performer and repeat.
        seed (int): Of the whole sample.

    Returns:
        tuple: The true joints (M, T, 25, 3) in the camera's frame, metres;
        the measured ones (M', T, 25, 3), in any order, NaN where absent; and
        the random generator of the clip, for what else is drawn.
    """
    rng = np.random.default_rng([seed, _CLIP, camera, *performance])
    seen = to_camera(people, camera, jitter=rng.normal(0, 2))
    return seen, _measured(seen, rng), rng


def _write_clip(root, people, camera, performance, seed):
    action, performer, repeat = performance
    name = f'S001C{camera:03}P{performer:03}R{repeat:03}A{action:03}'
    seen, measured, rng = capture(people, camera, performance, seed)
    ids = rng.choice(10**6, len(measured), replace=False) + 72057594037000000
    write_skeleton(root / SKELETONS / f'{name}.skeleton', measured,
                   np.round(project(measured), 1), ids)
    colors = [clothes(who.hue) for who in pair_of(performer, repeat, seed)]
    background = room(camera, rng.uniform(.9, 1.1))
    write_video(root / VIDEOS / f'{name}_rgb.avi',
                (draw(background, frame, colors)
                 for frame in np.moveaxis(seen, 1, 0)))


def _measured(seen, rng):
    """Measure true joints (M, T, 25, 3) as a depth sensor does: noise of about
    a centimetre; here and there a body that is none, or no body at all."""
    frames = seen.shape[1]
    noise = rng.normal(0, rng.uniform(.007, .012), seen.shape)
    # A joint that is misjudged stays so for the clip.
    noise += rng.normal(0, .008, (len(seen), 1, *seen.shape[2:]))
    measured = rng.permutation(seen + noise)
    if rng.random() < .08:
        ghost = np.full((1, *seen.shape[1:]), np.nan)
        start, length = rng.integers(frames - 11), rng.integers(4, 10)
        where = rng.uniform([-1.2, -.2, 3.8], [1.2, .2, 4.8])
        ghost[:, start:start + length] = where + (
            seen[:1, :1] - seen[:1, :1, :1]
            + rng.normal(0, .004, (1, length, *seen.shape[2:])))
        measured = np.concatenate([measured, ghost])
    if rng.random() < .08:
        start, length = rng.integers(frames - 5), rng.integers(1, 5)
        measured[:, start:start + length] = np.nan
    return np.round(measured, 3)
