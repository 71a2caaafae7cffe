"""Kill trainings and preparations at random points and compare the results.

    python tools/perf/kill.py [--kills 20] [--seed 0]
        [--of training tokens export preparation]

Each runs once without a break, which also lists its points: after an
iteration, in a validation, while codes are named or tokens are cached, in the
middle of writing a file, before and after a rename and a deletion. Then it is
killed (SIGKILL, with its workers) at points drawn from that list, as many of
each kind as there are, and run again as a user would: a training resumes.

The training is that of `lvlmvar_quickstart.py` on 30 made clips, with a
language model of two random layers, dropout, sampled negatives and gradients
that wait across the end of an epoch. Equal means: weights and state of the
optimiser after the last epoch, to the last bit; of the others every byte that
is written. Lost means: after the kill something older that had been complete
cannot be read.

The last line is JSON: `kills`, `equal`, `lost`.
"""
import argparse
import json
import tempfile
from pathlib import Path

WORKS = 'training', 'tokens', 'export', 'preparation'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--kills', type=int, default=20,
                        help='of each work (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--of', nargs='+', choices=WORKS, default=WORKS,
                        metavar='WORK', help=f'of {", ".join(WORKS)}')
    args = parser.parse_args()
    if args.kills < 1:
        parser.error('--kills must be at least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from terminaltables import AsciiTable
from tqdm import tqdm

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.trials.kill_points import Points, in_a_process
from lvlm_var_mm.trials.kill_works import Works


def main() -> None:
    args = parse_args()
    rows, total = [('work', 'kills', 'equal', 'lost', 'points')], [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        works = Works(Path(folder))
        for name in args.of:
            figures, points = try_out(works, name, args.kills, args.seed)
            rows.append((name, *figures, points))
            print('{}: {} kills, {} equal, {} lost'.format(name, *figures),
                  flush=True)
            total = [a + b for a, b in zip(total, figures)]
    print(AsciiTable(rows).table)
    print(json.dumps(dict(zip(('kills', 'equal', 'lost'), total))))
    if total[0] != total[1] or total[2]:
        raise SystemExit(1)


def try_out(works: Works, name: str, kills: int, seed: int) -> tuple:
    """Kill one work as often as asked for.

    Returns:
        tuple: (kills, equal, lost), and the points in words.
    """
    points = Points()
    whole = works.prepare(name, 'whole')
    in_a_process(lambda: works.run(name, whole), points)
    expected = works.result(name, whole)
    drawn = points.draw(kills, seed)
    equal = lost = 0
    for number, (kind, at) in enumerate(tqdm(drawn, name, unit='kill',
                                             disable=None)):
        folder = works.prepare(name, f'{number}')
        points.kill_at(kind, at)
        in_a_process(lambda: works.run(name, folder), points)
        kept = works.has_lost(name, folder, points.saved.value)
        points.kill_at(None)
        in_a_process(lambda: works.run(name, folder), points)
        same = works.result(name, folder) == expected
        equal, lost = equal + same, lost + bool(kept)
        if kept or not same:
            print(f'{name}, killed at {kind} {at}: '
                  f'{kept or "another result"}', flush=True)
    return (len(drawn), equal, lost), ', '.join(
        f'{kind} {n}' for kind, n in points.seen().items())


if __name__ == '__main__':
    with user_errors():
        main()
