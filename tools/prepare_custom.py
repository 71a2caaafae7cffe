"""Make a training set of your own clips.

    python tools/prepare_custom.py CSV OUT --root DIR --layout coco17
    python tools/prepare_custom.py CSV OUT --root DIR --kind video

CSV has a header and one clip per line: file,label,split and, if you like,
explanation, the reason that the model is to learn for this very clip, and fps,
or timestamps, a file with the seconds of the clip's frames, one per line.

    file,label,split,explanation
    anna/01.npy,wave,train,the left hand swings beside the head
    ben/07.npy,sit down,test,

file is relative to DIR: .npy (persons, frames, joints, 2 or 3), .npz, .pkl of
MMAction2, .skeleton of NTU, .json of MMPose or rtmlib, a folder of OpenPose's
JSON, or a video. label is a class name, or a number if --classes names the
classes; without, they stand in alphabetical order. split is train, val or
test. All rows are checked first; damaged files are left out and listed in
OUT/skipped.json. Then:

    python tools/doctor.py OUT/config.py
    python tools/train.py OUT/config.py
"""
import argparse
import shlex

from _numbers import at_least_one


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('table', metavar='CSV', help='table of the clips')
    parser.add_argument('out', metavar='OUT', help='folder to write')
    parser.add_argument('--root', metavar='DIR', default='.',
                        help='what its files are relative to (default: here)')
    parser.add_argument('--kind', default='skeleton',
                        choices=['skeleton', 'video'])
    parser.add_argument('--layout', default='ntu25',
                        help='joints of skeletons, in their order: ntu25 '
                        '(default), kinect20,\ncoco17, openpose18 or '
                        'blazepose33, see docs/layouts.md, or a JSON\nfile '
                        'with num_node, inward (bones [outer, inner]), center '
                        'and, if\nyou like, joints (names)')
    parser.add_argument('--classes', metavar='FILE',
                        help='one class per line, in label order')
    parser.add_argument('--max-persons', type=at_least_one, default=2,
                        help='most persons per clip (default: 2)')
    parser.add_argument('--img-shape', type=int, nargs=2,
                        metavar=('HEIGHT', 'WIDTH'),
                        help='picture that 2D skeletons lie in, where a file '
                        'does not say;\n1 1 where coordinates are parts of it')
    parser.add_argument('--fps', type=float,
                        help='frames per second of 3D skeletons, where '
                        'neither CSV nor a\nfile gives it (default: 30, '
                        'with a note)')
    parser.add_argument('--up', metavar='AXIS',
                        help='axis of 3D skeletons that points up: y, z, '
                        '--up=-y ... (default:\ninferred from the bodies)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from terminaltables import AsciiTable

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.preparation.custom import SKIPPED, prepare_custom


def main() -> None:
    args = parse_args()
    done = prepare_custom(args.table, args.out, args.root, args.kind,
                          args.layout, args.classes, args.max_persons,
                          args.img_shape, args.fps, args.up)
    rows = [('split', 'clips'), *done.sizes.items()]
    print(AsciiTable(rows, f'{len(done.classes.names)} classes').table)
    for file, problem in list(done.skipped.items())[:10]:
        print(f'left out: {file}: {problem}')
    print(f'{len(done.skipped)} files left out, see {args.out}/{SKIPPED}')
    for note in done.notes:
        print(f'note: {note}')
    if done.lacking:
        print('no clip trains: ' + ', '.join(done.lacking))
    print(f'python -m lvlm_var_mm train {shlex.quote(str(done.config))}')


if __name__ == '__main__':
    with user_errors():
        main()
