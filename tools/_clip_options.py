"""Options that infer.py, stream.py and serve.py share. Imports nothing slow:
their --help passes through here."""
import argparse

from _numbers import above_zero


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add which model answers, and how."""
    parser.add_argument('--config', help='config, by file or name')
    parser.add_argument('--checkpoint', help='checkpoint of that model')
    parser.add_argument('--device', help='such as cpu (default: an '
                        'accelerator if there is one)')
    parser.add_argument('--classes', metavar='LIST', help='choose from these '
                        'names: ntu60, ntu120, nucla\nor a file of `name | '
                        'description` lines')
    parser.add_argument('--verify', action='store_true', help='leave out of '
                        'reasons what the joints\ncontradict, or change its '
                        'side')


def add_reading_options(parser: argparse.ArgumentParser) -> None:
    """Add how videos and joints are read."""
    parser.add_argument('--pose', choices=['mediapipe'],
                        help='estimate joints in videos')
    parser.add_argument('--layout', help="of joints (default: the model's, or "
                        'by their number)')
    parser.add_argument('--fps', type=above_zero, help='frames a second of '
                        'files that do not say theirs')
    parser.add_argument('--img-shape', type=int, nargs=2,
                        metavar=('HEIGHT', 'WIDTH'),
                        help='of the picture that 2D joints lie in')
    parser.add_argument('--persons', choices=['together', 'each'],
                        default='together', help='one answer for all, or for '
                        'each (default: %(default)s)')
