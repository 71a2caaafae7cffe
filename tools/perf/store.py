"""Opening a full-size NTU RGB+D 120, and what a dataloader worker costs.

    python tools/perf/store.py [--samples 114480] [--frames 4] [--dir DIR]

Writes made raw files under all 114,480 names of NTU RGB+D 120, a few frames
each, prepares them with lvlm_var_mm.preparation.ntu as tools/prepare_ntu.py
does, and then, each in a process of its own:

    open        time to build the dataset of the cross-subject training split
                (the least of three, the pages warm)
    worker      memory of a dataloader worker's own, without the page cache,
                when it has read every sample of its share, above that of a
                worker with nothing to read; started by fork and by spawn

once for the memory-mapped store and once for the pickle of the same samples.
Both go through MMEngine, which keeps the samples of a pickle as one array
that forked workers share; a spawned worker receives a copy. Sequences are
short, so the pickle's copy is far smaller here than that of the real data.
The last line is JSON; megabytes are 10**6 bytes.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, Sequence


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--samples', type=int, default=114480,
                        help='of the 114,480 names (default: all)')
    parser.add_argument('--frames', type=int, default=4,
                        help='of each (default: %(default)s)')
    parser.add_argument('--dir', help='where to work (default: a temporary '
                        'folder); needs about 2 GB')
    parser.add_argument('--measure', nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
from terminaltables import AsciiTable
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets import NTURGBDSkeletonDataset
from lvlm_var_mm.datasets.ntu.census import complete_set
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.datasets.ntu.splits import in_split, parse_names
from lvlm_var_mm.preparation.ntu import STORE, prepare_ntu

SPLIT = 'xsub_train'


def write_raw(folder: Path, names: Sequence[str], frames: int) -> None:
    """The same few made frames under every name."""
    rng = np.random.default_rng(0)
    keypoint = [0, 0, 3] + [.3, .9, .2] * rng.uniform(
        -1, 1, (1, frames, 25, 3))
    template = folder / 'template'
    write_skeleton(template, keypoint)
    text = template.read_bytes()
    template.unlink()
    for name in tqdm(names, desc='making', unit='file'):
        (folder / f'{name}.skeleton').write_bytes(text)


def private_mb() -> float:
    """Memory that is this process's alone. Pages of mapped files are not:
    they are the page cache's, and one mapping them is called private too."""
    with open('/proc/self/smaps_rollup') as f:
        return sum(int(line.split()[1]) for line in f
                   if line.startswith('Private_Dirty')) * 1024 / 1e6


class Share(Dataset):
    """The i-th item reads every second sample from the i-th on, and is the
    memory then."""

    def __init__(self, data: Any):
        self.data = data

    def __len__(self):
        return 2

    def __getitem__(self, i):
        for j in range(i, len(self.data), 2):
            self.data.get_data_info(j)
        return private_mb()


def first(items: Sequence) -> Any:
    return items[0]


def measure_here(source: Path, method: str) -> None:
    """Run the part of one process; its last line is JSON."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        data = NTURGBDSkeletonDataset(source, split=SPLIT, benchmark='ntu120')
        times.append(time.perf_counter() - start)
    empty, full = (
        max(DataLoader(Share(some), num_workers=2, collate_fn=first,
                       multiprocessing_context=method))
        for some in ([], data))
    print(json.dumps(dict(open_s=min(times), samples=len(data),
                          mb=full - empty)))


def measure(source: Path, method: str) -> Dict:
    done = subprocess.run(
        [sys.executable, __file__, '--measure', str(source), method],
        check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    args = parse_args()
    if args.measure:
        measure_here(*args.measure)
        return
    names = complete_set('ntu120')
    names = names[::max(1, len(names) // max(1, args.samples))]
    work = Path(tempfile.mkdtemp(dir=args.dir))
    try:
        (work / 'raw').mkdir()
        write_raw(work / 'raw', names, args.frames)
        start = time.perf_counter()
        done = prepare_ntu(work / 'raw', work / 'out')
        seconds = time.perf_counter() - start
        sources = dict(store=work / 'out' / STORE,
                       pickle=work / 'out/ntu120_3d.pkl')
        results = {
            name: {method: measure(path, method)
                   for method in ('fork', 'spawn')}
            for name, path in sources.items()
        }
    finally:
        shutil.rmtree(work)
    expected = int(in_split(parse_names(names), 'ntu120', SPLIT).sum())
    opened = {r['samples'] for by in results.values() for r in by.values()}
    if opened != {expected}:
        raise RuntimeError(f'{opened} samples in {SPLIT}, not {expected}')
    rows = [('source', 'open, s', 'MB a forked worker',
             'MB a spawned worker')]
    rows += [(name, f'{by["fork"]["open_s"]:.2f}', f'{by["fork"]["mb"]:.0f}',
              f'{by["spawn"]["mb"]:.0f}') for name, by in results.items()]
    print(AsciiTable(rows, title=f'{done.samples} samples of {args.frames} '
                     f'frames, prepared in {seconds:.0f} s').table)
    store, pickled = results['store'], results['pickle']
    print(json.dumps(dict(
        open_s=store['fork']['open_s'],
        pickle_open_s=pickled['fork']['open_s'],
        mb_per_worker=store['fork']['mb'],
        pickle_mb_per_worker=pickled['fork']['mb'],
        mb_per_spawned_worker=store['spawn']['mb'],
        pickle_mb_per_spawned_worker=pickled['spawn']['mb'],
        samples=done.samples, split_samples=expected,
        prepare_s=seconds, files_per_s=done.samples / seconds)))


if __name__ == '__main__':
    with user_errors():
        main()
