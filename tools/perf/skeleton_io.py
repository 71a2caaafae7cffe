"""Reading raw .skeleton files, ours beside MMAction2's own script.

    python tools/perf/skeleton_io.py [--files 500] [--frames 100]

Writes made files of realistic size into a temporary folder: 100 frames, one or
two bodies, numbers with as many digits as NTU's, long body ids; every tenth
file also has a body of a few frames, as noise. Then, on one core:

    ours     read_skeleton and real_persons: joints in space and in the
             picture, bodies kept by their ids, noise taken out, persons put
             together
    stock    read_xyz of gen_ntu_rgbd_raw.py, as the mmaction2 wheel brings it
             in .mim/tools/data/skeleton: joints in space alone

in turn, 20 files at a time, all files warm; `speedup` is the median over these
turns of stock's time over ours. Last, all files with one process and with one
a core. `equal` says that the joints are the same wherever both readers define
them: in files without noise, whose bodies are there in every frame and in one
order, stock's two bodies are ours, up to their order. The last line is JSON.
"""
import argparse
import importlib.util
import json
import os
import os.path as osp
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Callable, List, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--files', type=int, default=500)
    parser.add_argument('--frames', type=int, default=100)
    args = parser.parse_args()
    if args.files < 1 or args.frames < 12:
        parser.error('--files must be at least 1, --frames 12')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
from terminaltables import AsciiTable
from tqdm import tqdm

import mmaction
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton

TURN = 20
STOCK = osp.join(osp.dirname(mmaction.__file__), '.mim', 'tools', 'data',
                 'skeleton', 'gen_ntu_rgbd_raw.py')


def stock_reader() -> Callable:
    """read_xyz of the installed mmaction2.

    Raises:
        FileNotFoundError: The installation is none of the wheel.
    """
    if not osp.isfile(STOCK):
        raise FileNotFoundError(f'no {STOCK}: install mmaction2 from its '
                                'wheel to measure beside it')
    spec = importlib.util.spec_from_file_location('stock', STOCK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.read_xyz


def skeleton_text(rng: np.random.Generator, frames: int, bodies: int,
                  noise: bool) -> str:
    """A file as NTU writes them; ``noise`` adds a body of a few frames."""
    ids = 72057594037900000 + rng.choice(10**5, bodies + noise, replace=False)
    rest = rng.uniform(-1, 1, (bodies + noise, 25, 3)) * [.3, .9, .2]
    rest += rng.uniform([-.5, -.2, 2.5], [.5, .2, 4], (bodies + noise, 1, 3))
    lines = [str(frames)]
    for frame in range(frames):
        here = [b for b in range(bodies + noise) if b < bodies or frame < 8]
        lines.append(str(len(here)))
        for body in here:
            xyz = rest[body] + .2 * np.sin(frame / 9 + body) + rng.normal(
                0, .01, (25, 3))
            depth = 256 + 180 * xyz[:, :2] / xyz[:, 2:]
            color = 960 + 1060 * xyz[:, :2] / xyz[:, 2:]
            turn = rng.uniform(-1, 1, (25, 4))
            lines += [f'{ids[body]} 0 1 1 1 1 0 0.02764709 -0.1745529 2', '25']
            lines += [
                ' '.join(['%.7g'] * 11) % tuple(row) + ' 2'
                for row in np.concatenate([xyz, depth, color, turn], 1)
            ]
    return '\n'.join(lines) + '\n'


def write_files(folder: Path, files: int,
                frames: int) -> List[Tuple[Path, bool]]:
    rng = np.random.default_rng(0)
    paths = []
    for i in tqdm(range(files), desc='making', unit='file'):
        name = (f'S{1 + i // 2400:03}C{1 + i % 3:03}P{1 + i // 60 % 40:03}'
                f'R001A{1 + i % 60:03}')
        path = folder / f'{name}.skeleton'
        noise = i % 10 == 9
        path.write_text(skeleton_text(rng, frames, 1 + i % 2, noise))
        paths.append((path, noise))
    return paths


def read_joints(path: Path) -> np.ndarray:
    return real_persons(read_skeleton(path))['total_frames']


def same(ours: np.ndarray, stock: np.ndarray) -> bool:
    """Return whether both hold the same bodies, in any order. Stock's numbers
    are float64, ours float32."""
    if ours.shape != stock.shape:
        return False
    stock = stock.astype(np.float32)
    return all(any((mine == other).all() for other in stock) for mine in ours)


def main() -> None:
    args = parse_args()
    read_xyz, cores = stock_reader(), len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / 'raw').mkdir()
        paths = write_files(folder / 'raw', args.files, args.frames)
        read_skeleton(paths[0][0])  # compiles
        times, compared, equal = [], 0, True
        for at in tqdm(range(0, args.files, TURN), desc='reading'):
            turn = paths[at:at + TURN]
            for path, _ in turn:
                path.read_bytes()
            start = time.perf_counter()
            ours = [real_persons(read_skeleton(path))['keypoint']
                    for path, _ in turn]
            middle = time.perf_counter()
            stock = [read_xyz(str(path)) for path, _ in turn]
            times.append((middle - start, time.perf_counter() - middle))
            for mine, other, (_, noise) in zip(ours, stock, turn):
                if not noise:
                    compared += 1
                    equal &= same(mine, other)
        rates = {}
        for processes in sorted({1, cores}):
            # Forked, a worker does not compile anew.
            with get_context('fork').Pool(processes) as pool:
                pool.map(read_joints, [paths[0][0]] * processes)
                start = time.perf_counter()
                for _ in pool.imap_unordered(
                        read_joints, [p for p, _ in paths], TURN):
                    pass
                rates[processes] = args.files / (time.perf_counter() - start)
        megabytes = sum(p.stat().st_size for p, _ in paths) / 1e6
    seconds = [sum(column) for column in zip(*times)]
    rows = [('reader', 'files/s', 'MB/s')]
    rows += [(name, f'{args.files / s:.0f}', f'{megabytes / s:.0f}')
             for name, s in zip(('ours', 'stock'), seconds)]
    rows += [(f'ours, {n} process{"es" * (n > 1)}', f'{rate:.0f}',
              f'{megabytes / args.files * rate:.0f}')
             for n, rate in rates.items()]
    print(AsciiTable(rows, title=f'{args.files} files of {args.frames} '
                     'frames').table)
    print(json.dumps(dict(
        speedup=median(stock / ours for ours, stock in times),
        files_per_s=args.files / seconds[0],
        equal=bool(equal), compared=compared,
        stock_files_per_s=args.files / seconds[1],
        files_per_s_by_processes={str(n): r for n, r in rates.items()},
        files=args.files, frames=args.frames, megabytes=megabytes)))


if __name__ == '__main__':
    with user_errors():
        main()
