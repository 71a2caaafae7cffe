"""Start a server as the command line of ``tools/serve.py`` says."""
import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import Optional, Tuple

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.inputs import JOINTS
from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.apis.zero_shot import scorer_of
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.layouts import Layout
from lvlm_var_mm.pose import blazepose
from lvlm_var_mm.preparation.file_layout import given_layout
from .answering import Answering, Ask
from .limits import Limits
from .trial import Trial


def start(args: argparse.Namespace) -> None:
    """Serve until stopped; then nothing is left of what was uploaded.

    Raises:
        OSError: The port is in use, or there is no such file.
        ValueError: Arguments that do not go together, or the extra ``demo``
            is not installed.
    """
    try:
        from . import app as server
    except ImportError as e:
        raise ValueError(f'the page needs the extra `demo` ({e}): pip '
                         "install -e '.[demo]'") from e
    if bool(args.config) != bool(args.checkpoint):
        raise ValueError('--config and --checkpoint go together')
    if args.verify and (not args.config or args.no_reason):
        raise ValueError('--verify is for reasons, which are written with '
                         '--config and without --no-reason')
    limits = Limits(args.max_mb, args.max_frames, waiting=args.max_waiting,
                    kept=args.keep).check()
    how = Reading(args.fps, given_layout(args.layout),
                  tuple(args.img_shape) if args.img_shape else None,
                  args.persons, args.pose)
    listening = server.listen(args.host, args.port)
    # As Ctrl-C does, so that what is to be closed and deleted is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix='lvlm_var_serve_',
                                     ignore_cleanup_errors=True) as folder:
        server.prepare_gradio(Path(folder))
        trial = Trial(limits, how)
        ask, videos, joints, trial.own = asker(args, how)
        answering = Answering(ask, Path(folder), limits, trial, videos,
                              args.video, joints)
        trial.wait()
        model = Path(args.config).stem if args.config else 'joints alone'
        app = server.make_app(answering, limits, Path(folder),
                              intro_of(answering, limits, model), model)
        host, port = listening.getsockname()[:2]
        if not host.startswith('127.') and host != '::1':
            print(f'warning: whoever reaches {host} can use this server; it '
                  'has no password (SECURITY.md)', file=sys.stderr)
        print(f'serving {model} at http://{host}:{port}; Ctrl-C ends it',
              flush=True)
        try:
            server.serve(app, listening)
        except KeyboardInterrupt:
            pass
    print('ended; uploads and answers are deleted', flush=True)


def asker(args: argparse.Namespace, how: Reading
          ) -> Tuple[Ask, bool, bool, Optional[Layout]]:
    """Return what answers a path, whether it reads videos, and joints, and the
    layout of these.

    Raises:
        FileNotFoundError, ValueError: Of what the arguments name.
    """
    reading = dict(fps=how.fps, layout=how.layout, img_shape=how.img_shape,
                   persons=how.persons, pose=how.pose)
    if how.pose and not blazepose.available():
        raise ValueError(blazepose.INSTALL)
    if not args.config:
        classes = None
        if args.classes:
            classes = load_classes(args.classes)
            scorer_of(classes)  # now, not at the first upload
        return (lambda path: measured_answers(path, classes, **reading),
                bool(how.pose), True, None)
    inferencer = ActionInferencer(args.config, args.checkpoint, args.device,
                                  args.classes, show_progress=False)
    pictures = inferencer.wanted.video
    return (lambda path: inferencer.answers(
        path, reasons=not args.no_reason, explain_spans=True,
        verify=args.verify, **reading), pictures or bool(how.pose),
            not pictures, inferencer.wanted.layout)


def intro_of(answering: Answering, limits: Limits, model: str) -> str:
    """Return Markdown that says what can be dropped."""
    joints = ', '.join(f'`{e}`' for e in answering.endings if e in JOINTS)
    taken = ['video'] * ('.mp4' in answering.endings) + (
        [f'file of joints ({joints})'] if joints else [])
    return (f'A {" or a ".join(taken)}, up to {limits.megabytes:g} '
            f'MB and {limits.frames} frames. Answered by **{model}**; files '
            f'are deleted after {limits.kept} s.')
