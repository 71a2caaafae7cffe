"""Make a folder of videos small, once: training then reads them faster.

    python tools/reencode.py SRC_DIR OUT_DIR [--short-side 256]

Every video below SRC_DIR is written below OUT_DIR under the same name, with
the same frames, without its sound. Interrupted, the same command goes on
where it stopped. Videos that are corrupt, or cannot be written to a container
such as theirs, are named at the end, and the exit code is then 1; files that
are no videos are named, too. For NTU RGB+D:

    python tools/reencode.py $NTU_ROOT/nturgb+d_rgb SMALL/nturgb+d_rgb
"""
import argparse
import sys

from _numbers import at_least_one


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('src_dir', help='folder of the videos')
    parser.add_argument('out_dir', help='folder to write')
    parser.add_argument('--short-side', type=int, default=256,
                        help='pixels (default 256)')
    parser.add_argument('--processes', type=at_least_one,
                        help='default: one per core')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.preparation.reencode import reencode_folder

SHOWN = 10


def main() -> int:
    args = parse_args()
    done = reencode_folder(args.src_dir, args.out_dir, args.short_side,
                           args.processes)
    for name, problem in done.corrupt.items():
        print(f'corrupt: {name}: {problem}')
    if done.others:
        more = len(done.others) - SHOWN
        print(f'no videos by their ending: {", ".join(done.others[:SHOWN])}'
              + (f' and {more} more' if more > 0 else ''))
    print(f'{done.written} written, {done.kept} there before, {done.copied} '
          f'copied as they are, {len(done.corrupt)} corrupt')
    if done.bytes_before:
        print(f'{done.bytes_before / 1e6:.1f} MB -> '
              f'{done.bytes_after / 1e6:.1f} MB, '
              f'{done.bytes_after / done.bytes_before:.1%}')
    return bool(done.corrupt)


if __name__ == '__main__':
    with user_errors('the same command goes on where it stopped'):
        sys.exit(main())
