"""Prepare NTU RGB+D or NTU RGB+D 120 from its raw .skeleton files.

    python tools/prepare_ntu.py RAW_DIR OUT --exclude LIST

RAW_DIR holds the *.skeleton files, or nturgb+d_skeletons/ with them. OUT gets
store/ (memory-mapped, what the configs read best), ntu60_3d.pkl and
ntu120_3d.pkl (for MMAction2 and PYSKL, all splits) and left_out.json. LIST is
the authors' text file of samples with missing skeletons. Interrupted, it goes
on where it stopped. Then: NTU_ROOT=OUT python tools/train.py CONFIG
"""
import argparse

from _numbers import at_least_one


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('raw_dir', help='folder of the raw files')
    parser.add_argument('out', help='folder to write')
    parser.add_argument('--exclude', metavar='LIST',
                        help='text file of samples to leave out')
    parser.add_argument('--processes', type=at_least_one,
                        help='default: one per core')
    parser.add_argument('--max-persons', type=at_least_one, default=2,
                        help='persons of a sample at most (default 2)')
    parser.add_argument('--dtype', default='float32',
                        choices=['float32', 'float16'],
                        help='of the keypoints (default float32)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from terminaltables import AsciiTable

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.preparation.ntu import (LEFT_OUT, Prepared, is_full,
                                         prepare_ntu)


def show_counts(prepared: Prepared) -> None:
    """Print the sizes of the splits beside the published ones."""
    for benchmark, counts in prepared.counts.items():
        rows = [('split', 'samples', 'published', 'difference', 'of these')]
        for count in counts:
            off = count.size - count.published
            rows.append((count.split, count.size, count.published,
                         f'{off:+}' if off else '', count.reason))
        if not is_full(counts):
            # A part of the data is no damaged whole.
            rows = [row[:2] for row in rows]
        print(AsciiTable(rows, title=benchmark).table)


def main() -> None:
    args = parse_args()
    prepared = prepare_ntu(args.raw_dir, args.out, args.exclude,
                           args.processes, args.max_persons, args.dtype)
    if prepared.reused:
        print(f'{prepared.reused} files had been read before the '
              'interruption')
    show_counts(prepared)
    corrupt = prepared.left_out['corrupt']
    for name, problem in list(corrupt.items())[:10]:
        print(f'corrupt: {name}: {problem}')
    if len(corrupt) > 10:
        print(f'... and {len(corrupt) - 10} more')
    number = {why: len(names) for why, names in prepared.left_out.items()}
    print(f'{prepared.samples} samples written, {number["excluded"]} '
          f'excluded, {number["corrupt"]} corrupt, {number["absent"]} not in '
          f'the folder; their names are in {args.out}/{LEFT_OUT}')
    for file in prepared.files:
        print(file)


if __name__ == '__main__':
    with user_errors('the same command goes on where it stopped'):
        main()
