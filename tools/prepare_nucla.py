"""Make the pickle of Northwestern-UCLA from its public JSON files.

    python tools/prepare_nucla.py DIR
    python tools/train.py configs/lvlmvar_nucla_xview.py

DIR is the folder into which the skeletons were unpacked, or one above it;
files such as a05_s04_e03_v02.json are found in any folder below. The data come
from their authors. NUCLA_PKL names the pickle where it lies elsewhere than in
data/nucla_3d.pkl. tools/doctor.py finds the test clips that are copies of
training clips.
"""
import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('root', metavar='DIR', help='folder of the files')
    parser.add_argument('out', metavar='PKL', nargs='?',
                        default='data/nucla_3d.pkl',
                        help='pickle to write (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from terminaltables import AsciiTable

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.preparation.nucla import PUBLISHED, prepare_nucla


def main() -> None:
    args = parse_args()
    done = prepare_nucla(args.root, args.out)
    rows = [('split', 'clips', 'published')] + [
        (split, number, PUBLISHED[split])
        for split, number in done.sizes.items()]
    print(AsciiTable(rows, args.out).table)
    for file, problem in list(done.left_out.items())[:10]:
        print(f'left out: {file}: {problem}')
    if done.left_out:
        print(f'{len(done.left_out)} files left out')
    if done.sizes != PUBLISHED:
        print('note: not the copy of the literature, or not all of it: '
              'figures do not compare with published ones')


if __name__ == '__main__':
    with user_errors():
        main()
