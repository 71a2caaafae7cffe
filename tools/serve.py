"""Answer clips that are dropped on a web page, or sent by programs.

    pip install -e '.[demo]'
    python tools/serve.py --config lvlmvar_quickstart --checkpoint CHECKPOINT

serves a page on this machine alone: drop a video or a file of joints, see
skeleton, timeline, class, reason and the truth of its claims, and download
them. Its HTTP API gives the JSON of tools/infer.py (docs/inference.md).
Without --config it tells what the joints alone say; with --classes also the
class whose description they bear out best.
"""
import argparse


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--config', help='config, by file or name')
    parser.add_argument('--checkpoint', help='checkpoint of that model')
    parser.add_argument('--device', help='such as cpu (default: an '
                        'accelerator if there is one)')
    parser.add_argument('--classes', metavar='LIST', help='choose from these '
                        'names: ntu60, ntu120, nucla\nor a file of `name | '
                        'description` lines')
    parser.add_argument('--no-reason', action='store_true',
                        help='write no reasons, which takes longest')
    parser.add_argument('--verify', action='store_true', help='leave out of '
                        'reasons what the joints\ncontradict, or change its '
                        'side')
    parser.add_argument('--pose', choices=['mediapipe'],
                        help='estimate joints in videos')
    parser.add_argument('--persons', choices=['together', 'each'],
                        default='together', help='one answer for all, or for '
                        'each (default: %(default)s)')
    parser.add_argument('--layout', help='of joints (default: by their '
                        'number)')
    parser.add_argument('--fps', type=float, help='frames a second of files '
                        'that do not say theirs')
    parser.add_argument('--img-shape', type=int, nargs=2,
                        metavar=('HEIGHT', 'WIDTH'),
                        help='of the picture that 2D joints lie in')
    parser.add_argument('--video', action='store_true', help='offer a video '
                        'with skeleton, class and narrative')
    parser.add_argument('--host', default='127.0.0.1', help='address to '
                        'listen at; there is no password\n(default: '
                        '%(default)s, this machine alone)')
    parser.add_argument('--port', type=int, default=7860,
                        help='(default: %(default)s)')
    parser.add_argument('--max-mb', type=float, default=64,
                        help='of an upload (default: %(default)g)')
    parser.add_argument('--max-frames', type=int, default=3000,
                        help='of a clip (default: %(default)s)')
    parser.add_argument('--max-waiting', type=int, default=16,
                        help='requests in the queue (default: %(default)s)')
    parser.add_argument('--keep', type=int, default=600, metavar='SECONDS',
                        help='that files stay on disk (default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    """Run the command until it is stopped."""
    args = parse_args()  # --help ends here, before the slow imports
    from lvlm_var_mm.cli import user_errors
    with user_errors():
        from lvlm_var_mm.demo.start import start
        start(args)


if __name__ == '__main__':
    main()
