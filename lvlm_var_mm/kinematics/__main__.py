"""Tell what the persons of a clip do, by their joints alone; no model.

    python -m lvlm_var_mm.kinematics CLIP.skeleton --picture clip.png
    python -m lvlm_var_mm.kinematics nucla_3d.pkl --sample a05_s07_e04_v03 \\
        --fps 12 --picture clip.png

prints a sentence and a table of the body-part events, and draws the poses with
the events below them. FILE is a .skeleton of NTU RGB+D; a .npy or .npz of
joints, (persons, frames, joints, coordinates) or without the persons; a folder
of OpenPose's *_keypoints.json; a pickle of one annotation; or a pickle or
store of many, of which --sample names one.
`python tools/show_events.py` is the same.
"""
import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m lvlm_var_mm.kinematics', description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('file', help='skeletons')
    parser.add_argument('--sample', metavar='NAME',
                        help='`frame_dir` of one of many annotations')
    parser.add_argument('--layout', help='ntu25, kinect20, coco17, openpose18,'
                        ' blazepose33\nor a JSON file (default: by the '
                        'number of joints)')
    parser.add_argument('--fps', type=float, help='frames per second '
                        '(default: as the file says, else 30)')
    parser.add_argument('--up', type=float, nargs='+', metavar='X',
                        help='direction that points up (default: y in '
                        'space, -y in a picture)')
    parser.add_argument('--persons', type=int, default=2,
                        help='the most to look at (default: %(default)s)')
    parser.add_argument('--picture', metavar='PNG',
                        help='draw the poses and the events')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from pathlib import Path
from typing import Dict, List, Optional

import numpy as np
from terminaltables import AsciiTable

from lvlm_var_mm.atomic import replaced
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.pickles import load_pickle
from lvlm_var_mm.datasets.skeleton import read_pickle
from lvlm_var_mm.datasets.store import SkeletonStore, is_store
from lvlm_var_mm.kinematics import Observation, describe, observe
from lvlm_var_mm.layouts import Layout
from lvlm_var_mm.preparation.custom_skeleton import read_clip, without_feet
from lvlm_var_mm.preparation.file_layout import (given_layout, layout_by_shape,
                                                 layout_of_file)


def read(path: Path, sample: Optional[str], layout: Optional[Layout],
         persons: int) -> Dict:
    """Read one clip.

    Returns:
        dict: ``keypoint`` (M, T, V, C), ``layout`` and, if the file says it,
        ``fps``.

    Raises:
        FileNotFoundError: No such file.
        ValueError: Not to be used as it is; names the file and the remedy.
    """
    if not path.exists():
        raise FileNotFoundError(f'no file {path}')
    found = _annotation(path, sample)
    if found is None:
        if sample:
            raise ValueError(f'{path} holds one clip: leave --sample out')
        if layout is None:
            layout = layout_of_file(path)
        try:
            # How large the picture was does not matter here: larger than any.
            found = read_clip(path, layout, persons, (100_000, 100_000))
        except CorruptSampleError as e:
            raise ValueError(f'{path} {e.problem}') from e
    elif layout is None:
        layout = layout_by_shape(np.shape(found.get('keypoint')), path)
    keypoint = np.asarray(found.get('keypoint'), np.float32)[:persons]
    if keypoint.ndim == 4:
        keypoint, _ = without_feet(keypoint, None, layout)
    if keypoint.ndim != 4 or keypoint.shape[2] != layout.num_joints:
        raise ValueError(
            f'{path} has keypoints of shape {np.shape(found.get("keypoint"))},'
            f' not (persons, frames, {layout.num_joints} joints of '
            f'{layout.name}, coordinates): give another --layout')
    return dict(found, keypoint=keypoint, layout=layout)


def _annotation(path: Path, sample: Optional[str]) -> Optional[Dict]:
    """One of many annotations, None of a file that holds one clip."""
    if is_store(path):
        store = SkeletonStore(path)
        names = [name.decode() for name in store.names]
        found = store.sample(names.index(_chosen(path, names, sample)))
        return {'fps': store.meta.get('fps'), **found}
    if path.suffix not in ('.pkl', '.pickle'):
        return None
    content = load_pickle(str(path))
    if isinstance(content, dict) and 'keypoint' in content:
        return None
    annotations, _ = read_pickle(str(path))
    by_name = {str(a.get('frame_dir')): a for a in annotations}
    return by_name[_chosen(path, list(by_name), sample)]


def _chosen(path: Path, names: List[str], sample: Optional[str]) -> str:
    if sample is None and len(names) == 1:
        return names[0]
    if sample not in names:
        raise ValueError(
            f'{path} holds {len(names)} samples, '
            f'{f"none named {sample!r}" if sample else "name one"}: '
            f'--sample {names[0]}, {", ".join(names[1:4])}, ...')
    return sample


def table(seen: Observation) -> str:
    """Write the events down, one per line."""
    rows = [('person', 'event', 'from', 'to', 'size')]
    rows += [(str(event.person + 1), event.name, f'{event.start:.2f} s',
              f'{event.end:.2f} s', f'{event.magnitude:.2f}')
             for event in seen.events]
    return AsciiTable(rows).table


def main() -> None:
    args = parse_args()
    path = Path(args.file)
    clip = read(path, args.sample, given_layout(args.layout), args.persons)
    fps = args.fps or clip.get('fps') or 30.
    keypoint, layout = clip['keypoint'], clip['layout']
    seen = observe(keypoint, layout, fps, args.up)
    name = args.sample or path.name
    persons, frames = keypoint.shape[:2]
    print(f'{name}: {persons} person{"s" * (persons > 1)}, {frames} frames at '
          f'{fps:g} a second, joints of {layout.name}')
    print(describe(seen.events))
    print(table(seen))
    if args.picture:
        from lvlm_var_mm.visualization.events import draw_events
        figure = draw_events(keypoint, layout, seen,
                             f'{name}: {describe(seen.events)}')
        with replaced(args.picture) as f:
            figure.savefig(f, format=Path(args.picture).suffix[1:] or 'png')
        print(f'drawn: {args.picture}')


if __name__ == '__main__':
    with user_errors():
        main()
