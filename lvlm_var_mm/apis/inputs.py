"""List inputs: files, folders, arrays and annotations, in any mixture."""
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple, Union

import numpy as np

from lvlm_var_mm.datasets.annotations import read_pickle
from lvlm_var_mm.datasets.pickles import load_pickle
from lvlm_var_mm.datasets.store import SkeletonStore, is_store

JOINTS = '.skeleton', '.npy', '.npz', '.pkl', '.pickle', '.json'
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg',
          '.wmv', '.flv', '.3gp', '.ts')
ANSWERS = 'predictions.json'  # marks a folder of answers, which is no input
Source = Union[str, Path, np.ndarray, Dict[str, Any]]


def listed(inputs: Any) -> Iterator[Tuple[str, Source]]:
    """Yield name and source of each of the inputs.

    Args:
        inputs: A path, an array, an annotation, or a list or tuple of any of
            them. A folder is what is in it, in the order of names, without
            folders of answers below it, and so are a pickle and a store of
            many annotations; a folder of OpenPose's ``*_keypoints.json`` is
            one clip.
    """
    if not isinstance(inputs, (list, tuple)):
        inputs = [inputs]
    for i, source in enumerate(inputs, 1):
        if isinstance(source, (str, Path)):
            yield from _below(Path(source).expanduser())
        elif isinstance(source, dict):
            yield str(source.get('frame_dir') or f'input {i}'), source
        else:
            yield f'input {i}', source


def _below(path: Path, above: Tuple[Path, ...] = ()
           ) -> Iterator[Tuple[str, Source]]:
    if is_store(path):
        store = SkeletonStore(path)
        for row, name in enumerate(store.names):
            yield name.decode(), dict(
                {'fps': store.meta.get('fps')}, **store.sample(row),
                frame_dir=name.decode(), source=str(path))
    elif path.is_dir() and next(path.glob('*_keypoints.json'), None) is None:
        inside = *above, path.resolve()
        files = [f for f in sorted(path.iterdir())
                 if f.suffix.lower() in JOINTS + VIDEOS or f.is_dir()
                 and f.resolve() not in inside  # a link back
                 and not (f / ANSWERS).exists()]
        empty = not above  # told of what was given, not of a folder in it
        for file in files:
            for found in _below(file, inside):
                empty = False
                yield found
        if empty:
            yield path.name, path
    elif path.suffix.lower() in ('.pkl', '.pickle') and path.is_file():
        try:
            content = load_pickle(str(path))
            if not (isinstance(content, dict) and 'keypoint' in content):
                content, _ = read_pickle(str(path))
        except ValueError:  # told when it is read
            content = None
        if not isinstance(content, list):
            yield path.name, path
            return
        for annotation in content:
            yield str(annotation['frame_dir']), dict(
                annotation, source=str(path))
    else:
        yield path.name, path
