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

from _clip_options import add_model_options, add_reading_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_model_options(parser)
    parser.add_argument('--no-reason', action='store_true',
                        help='write no reasons, which takes longest')
    add_reading_options(parser)
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
