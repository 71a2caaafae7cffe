"""Say what is done while it happens: from a camera, a network stream, or a
recording that is played.

    python tools/stream.py 0 --pose mediapipe --config CONFIG \\
        --checkpoint CHECKPOINT
    python tools/stream.py rtsp://camera.local/stream ...
    python tools/stream.py clip.skeleton ...

SOURCE is the number of a camera, a URL, a video, or a file of joints as
tools/infer.py takes them. Every half second it answers about the last two:
a line of JSON each, with start and end, class, score and narrative, the
milliseconds from the last frame to the answer, and how many frames and windows
were skipped since the answer before. A window shows the same, where there is a
display; q, the escape key or Ctrl-C ends it. Without --config it tells what
the joints alone say.

A camera that is lost is opened again, after half a second, a second, two, up
to 15.
"""
import argparse

from _clip_options import add_model_options, add_reading_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('source', metavar='SOURCE')
    add_model_options(parser)
    parser.add_argument('--window', type=float, default=2., metavar='SECONDS',
                        help='that an answer is about (default: %(default)s)')
    parser.add_argument('--every', type=float, default=.5, metavar='SECONDS',
                        help='from answer to answer (default: %(default)s)')
    parser.add_argument('--json', action='store_true',
                        help='lines alone, no window')
    parser.add_argument('--reason', action='store_true',
                        help='write reasons, which takes longest')
    add_reading_options(parser)
    parser.add_argument('--video', action='store_true',
                        help=argparse.SUPPRESS)  # of tools/infer.py
    parser.add_argument('--fast', action='store_true', help='take every frame '
                        'of a file, as fast as that goes')
    parser.add_argument('--loop', action='store_true',
                        help='play a file again and again')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import sys
from typing import Any, Callable, Dict, Optional

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.answers import Ask
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.saving import as_json
from lvlm_var_mm.cli import log_beside_answers, user_errors
from lvlm_var_mm.live import ByJoints, ByModel, Live, open_source
from lvlm_var_mm.live.display import Display, Scene, no_window
from lvlm_var_mm.preparation.file_layout import given_layout

# Of an answer, what is printed; tokens and events would be pages.
TOLD = ('start', 'end', 'class', 'score', 'narrative', 'reason', 'claims',
        'measured', 'error', 'frames', 'latency_ms', 'skipped',
        'skipped_windows')
REFRESH = .03  # seconds between two pictures of the window


def tell(line: str) -> None:
    """Print a line for people."""
    print(line, file=sys.stderr, flush=True)


def answering_of(args: argparse.Namespace) -> Callable:
    """What answers: a model, or the joints alone."""
    if not args.config:
        return ByJoints(args.classes)
    return ByModel(
        ActionInferencer(args.config, args.checkpoint, args.device,
                         args.classes, show_progress=False),
        Ask(reasons=args.reason, verify=args.verify))


def watch(live: Live, display: Optional[Display]) -> int:
    """Print answers, and show them where there is a window.

    Returns:
        int: How many windows failed.
    """
    failed, answer, shown = 0, None, None
    while not live.done:
        found = live.next(.1 if display is None else 0)
        if found is not None:
            answer = found
            failed += 'error' in found
            print(as_json(line_of(found), indent=None), flush=True)
        if display is None:
            continue
        if live.latest is not None and live.latest is not shown:
            shown = live.latest
            display.show(*shown, answer)
        if display.closed(REFRESH):
            break
    return failed


def line_of(answer: Dict[str, Any]) -> Dict[str, Any]:
    """Return what is printed of an answer."""
    line = {key: answer[key] for key in TOLD if key in answer}
    if 'persons' in answer:
        line['persons'] = [dict(person=one['person'], **line_of(one))
                           for one in answer['persons']]
    return line


def in_words(summary: Dict[str, Any]) -> str:
    """Return the summary as a line."""
    return (f'{summary["frames"]} frames, {summary["skipped"]} skipped; '
            f'{summary["answers"]} answers, {summary["skipped_windows"]} '
            f'windows skipped; {summary["reconnects"]} reconnects; '
            f'{summary["seconds"]:.1f} s')


def main() -> int:
    """Run the command.

    Returns:
        int: The exit code; 1 if a window could not be answered, 130 after
        Ctrl-C.
    """
    args = parse_args()
    if bool(args.config) != bool(args.checkpoint):
        raise ValueError('--config and --checkpoint go together')
    if args.verify and not args.reason:
        raise ValueError('--verify is for reasons: give --reason as well')
    if args.reason and not args.config:
        raise ValueError('--reason needs a model: give --config and '
                         '--checkpoint')
    if args.video:
        raise ValueError('--video is of tools/infer.py, which has a whole '
                         'recording: record the stream, as by `ffmpeg -i URL '
                         '-c copy clip.mp4`, and give it clip.mp4')
    how = Reading(
        fps=args.fps, layout=given_layout(args.layout), pose=args.pose,
        img_shape=tuple(args.img_shape) if args.img_shape else None,
        persons=args.persons)
    answering = answering_of(args)
    try:
        source = open_source(args.source, answering.wanted, how)
    except ImportError as e:
        raise ValueError(str(e)) from e
    if args.fps and source.returns:
        raise ValueError('--fps is for recordings: a camera goes by the clock')
    display = None
    if not args.json:
        problem = no_window()
        if problem:
            tell(f'no window: {problem}; lines of JSON follow')
        else:
            display = Display(Scene(source.layout))
    live = Live(answering, source, args.window, args.every, args.fast,
                args.loop, how, tell)
    code = 0
    try:
        with live:
            code = int(bool(watch(live, display)))
    except KeyboardInterrupt:
        code = 130
    finally:
        if display is not None:
            display.close()
    tell(in_words(live.summary()))
    return code


if __name__ == '__main__':
    with user_errors(), log_beside_answers():
        sys.exit(main())
