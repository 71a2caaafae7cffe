"""Read many damaged and odd files, as strangers may hand them in.

    python tools/perf/fuzz.py [--inputs 10000] [--seed 0] [--of KIND ...]

Hypothesis (`pip install 'lvlm_var_mm[test]'`) draws raw skeletons, annotation
pickles, stores, token caches, checkpoints, class lists, tables, folders of
OpenPose and videos: good ones with the faults of a disk, odd values where
others belong, and such as would run a command. Each is read as the product
reads it, in a process of its own with bounded memory. Counted are

crashes   the process ended, or took more than --memory GB
hangs     it took more than --seconds
unnamed   an error that does not name the file, or no error of input at all
wrong     read, but other labels, samples or numbers than are there; or a
          command was run

The last line is JSON: `inputs`, `crashes`, `hangs`, `unnamed`, `wrong`.
"""
import argparse
import json
import sys
import tempfile

# The share of each kind; opening a video takes far longer than the rest.
SHARES = dict(
    skeletons=.15, annotations=.2, stores=.12, tokens=.12, checkpoints=.1,
    classes=.12, tables=.1, openpose=.06, videos=.03)
CHUNK = 100  # inputs of one process


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--inputs', type=int, default=10000)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--of', nargs='+', choices=SHARES, metavar='KIND',
                        default=list(SHARES),
                        help=f'of {", ".join(SHARES)}')
    parser.add_argument('--seconds', type=float, default=60,
                        help='that an input may take (default: %(default)s)')
    parser.add_argument('--memory', type=float, default=2, help='GB beyond '
                        'those of the program (default: %(default)s)')
    parser.add_argument('--show', type=int, default=3, help='examples of '
                        'each kind of fault (default: %(default)s)')
    args = parser.parse_args()
    if args.inputs < len(args.of):
        parser.error('--inputs must be at least one of each kind')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import logging
import os
import resource
import signal
import time
import traceback
import warnings
from collections import Counter
from multiprocessing import RawArray, RawValue
from pathlib import Path
from typing import Any, Dict, List

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable
from tqdm import tqdm

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.trials.fuzzed import Kind, outcome
from lvlm_var_mm.trials.fuzzed_text import KINDS

OUTCOMES = 'right', 'named', 'unnamed', 'wrong'
FAULTS = 'unnamed', 'wrong'


def main() -> None:
    args = parse_args()
    torch.set_num_threads(1)
    init_default_scope('mmaction')
    MMLogger.get_instance('mmengine').setLevel(logging.ERROR)
    warnings.simplefilter('ignore')
    total = sum(SHARES[name] for name in args.of)
    counts: Dict[str, Counter] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in args.of:
            number = max(1, round(args.inputs * SHARES[name] / total))
            counts[name] = fuzz(name, Path(folder, name), number, args)
            print(f'{name}: ' + ', '.join(
                f'{n} {what}' for what, n in counts[name].items()), flush=True)
    columns = ('inputs', *OUTCOMES, 'crashes', 'hangs')
    print(AsciiTable([('kind', *columns), *(
        (name, *(c[k] for k in columns)) for name, c in counts.items())
        ]).table)
    whole = sum(counts.values(), Counter())
    figures = {k: whole[k] for k in ('inputs', 'crashes', 'hangs', *FAULTS)}
    print(json.dumps(figures))
    if sum(figures.values()) > figures['inputs']:
        raise SystemExit(1)


def fuzz(name: str, folder: Path, number: int,
         args: argparse.Namespace) -> Counter:
    """Read some inputs of one kind, a chunk in each process."""
    found = Counter()
    with tqdm(total=number, desc=name, unit='input', disable=None) as bar:
        while found['inputs'] < number:
            some = min(CHUNK, number - found['inputs'])
            kind = KINDS[name](folder)
            chunk = read_some(kind, some, args.seed + found['inputs'], args)
            found += chunk
            bar.update(chunk['inputs'])
    return found


def read_some(kind: Kind, number: int, first: int,
              args: argparse.Namespace) -> Counter:
    """Read inputs in a process that may end or hang, and say what happened;
    after that the rest of the chunk is not drawn."""
    counts = RawArray('l', len(OUTCOMES))
    began = RawValue('d', time.monotonic())
    child = os.fork()
    if not child:
        code = 1
        try:
            # FFmpeg says much about damaged videos.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            draw_and_read(kind, number, first, counts, began, args)
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.stdout)
        finally:
            sys.stdout.flush()
            os._exit(code)
    fault = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            fault = 'crashes' if status else None
            break
        if time.monotonic() - began.value > args.seconds:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            fault = 'hangs'
            break
        time.sleep(.01)
    found = Counter(dict(zip(OUTCOMES, counts)))
    if fault:
        found[fault] += 1
        print(f'{kind.path}: {fault}, drawn by seed {first}', flush=True)
    found['inputs'] = sum(found.values())
    if not found['inputs']:
        raise RuntimeError(f'{kind.path}: nothing was drawn')
    return found


def draw_and_read(kind: Kind, number: int, first: int, counts: Any,
                  began: Any, args: argparse.Namespace) -> None:
    """Do so in this process, with bounded memory."""
    with open('/proc/self/statm') as f:
        used = int(f.read().split()[0]) * resource.getpagesize()
    room = used + int(args.memory * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    shown: List[str] = []

    @seed(first)
    @settings(max_examples=number, deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=HealthCheck)
    @given(st.data())
    def read(data):
        kind.draw(data)
        began.value = time.monotonic()
        how, said = outcome(kind)
        counts[OUTCOMES.index(how)] += 1
        if how in FAULTS and shown.count(how) < args.show and first == (
                args.seed):
            shown.append(how)
            print(f'{how}: {said:.500}', flush=True)

    read()


if __name__ == '__main__':
    with user_errors():
        main()
