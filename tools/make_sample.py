"""Make the small synthetic dataset in NTU RGB+D's format.

    python tools/make_sample.py [--out data/ntu_sample] [--repeats 2]
"""
import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', default='data/ntu_sample',
                        help='the folder to make (default: %(default)s)')
    parser.add_argument('--repeats', type=int, default=2,
                        help='performances of each class by each performer '
                        '(default: %(default)s, 600 clips)')
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.synthetic.make import make_sample


def main() -> None:
    args = parse_args()
    make_sample(args.out, args.repeats, args.seed)


if __name__ == '__main__':
    with user_errors():
        main()
