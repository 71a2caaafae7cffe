"""Say what is done in videos and recordings of joints.

    python tools/infer.py CLIP... --config lvlmvar_quickstart \\
        --checkpoint CHECKPOINT --out answers --html

prints class, scores, narrative, reason and the truth of its claims for each
clip. CLIP is a video, a .skeleton of NTU RGB+D, a .npy or .npz of joints, a
pickle or store of annotations, a .json of MMPose or rtmlib, a folder of
OpenPose's *_keypoints.json, or a folder of any of these. Without --config it
tells what the joints alone say; with --classes also the class whose
description they bear out best.

--window makes it a recording of many actions: windows slide over it, and what
happens when is written as CSV, JSON and subtitles (.vtt).
"""
import argparse

from _clip_options import add_model_options, add_reading_options
from _numbers import above_zero, at_least_one, share


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('inputs', nargs='+', metavar='CLIP')
    add_model_options(parser)
    parser.add_argument('--out', metavar='DIR', help='write '
                        'predictions.json and a picture of each answer')
    parser.add_argument('--html', action='store_true',
                        help='write DIR/index.html as well (DIR: answers)')
    parser.add_argument('--video', action='store_true', help='write videos '
                        'with skeleton, class and narrative as well')
    parser.add_argument('--json', action='store_true',
                        help='print JSON, a line for each input')
    parser.add_argument('--no-reason', action='store_true',
                        help='write no reasons, which takes longest')
    add_reading_options(parser)
    parser.add_argument('--batch-size', type=at_least_one, default=8)
    parser.add_argument('--window', type=above_zero, metavar='SECONDS',
                        help='slide windows of this length')
    parser.add_argument('--stride', type=above_zero, metavar='SECONDS',
                        help='between windows (default: a quarter of one)')
    parser.add_argument('--threshold', type=share, default=0.,
                        help='a best score below it, of 0 to 1, is none')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import os
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, Iterator, Optional

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.answers import Outcome, answers_of
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.inputs import listed
from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.apis.problems import file_of, told
from lvlm_var_mm.apis.saving import AnswerFolder, as_json, file_stem
from lvlm_var_mm.apis.timeline import write_timeline
from lvlm_var_mm.apis.windows import Scan
from lvlm_var_mm.cli import log_beside_answers, user_errors
from lvlm_var_mm.preparation.file_layout import given_layout

MARKS = {True: 'true', False: 'FALSE', None: 'undecidable'}


def in_words(prediction: Dict[str, Any], answer: Dict[str, Any]) -> str:
    """Return an answer as lines for a terminal."""
    person = answer.get('person')
    lines = [str(prediction['name']) + (
        '' if person is None else f', person {person + 1}')]
    told = []
    if 'class' in answer:
        others = ', '.join(f'{t["class"]} {t["score"]:.2f}'
                           for t in answer['top'][1:])
        told.append(('class', f'{answer["class"]} {answer["score"]:.2f}'
                     + (f'   ({others})' if others else '')))
    told += [(key, answer[key]) for key in ('narrative', 'reason')
             if answer.get(key)]
    told += [('claim', f'{c["claim"]}: {MARKS[c["true"]]}')
             for c in answer.get('claims', [])]
    told += [('measured', answer['measured'])] if 'measured' in answer else []
    told += [('note', note) for note in prediction.get('notes', [])]
    for key, text in told:
        lines += textwrap.wrap(f'{key + ":":<11}{text}', 78,
                               initial_indent='  ',
                               subsequent_indent=' ' * 13)
    return '\n'.join(lines)


def reading_of(args: argparse.Namespace) -> Dict[str, Any]:
    """The arguments that say how inputs are read."""
    return dict(fps=args.fps, layout=given_layout(args.layout),
                img_shape=tuple(args.img_shape) if args.img_shape else None,
                persons=args.persons, pose=args.pose)


def answer_all(args: argparse.Namespace, outcomes: Iterator[Outcome]) -> int:
    """Print and write each answer as it comes.

    Returns:
        int: How many inputs could not be read.
    """
    if not (args.out or args.html or args.video):
        return say_all(args, outcomes)
    folder = AnswerFolder(args.out or 'answers', videos=args.video,
                          page=args.html)
    try:
        with folder:
            return say_all(args, outcomes, folder)
    finally:  # after Ctrl-C as well
        for path in folder.written:
            print(f'written: {path}', file=sys.stderr)


def say_all(args: argparse.Namespace, outcomes: Iterator[Outcome],
            folder: Optional[AnswerFolder] = None) -> int:
    """Print each answer as it comes, and put it into a folder."""
    failed = 0
    for prediction, clips in outcomes:
        answers = answers_of(prediction)
        if args.json:
            print(as_json(prediction, indent=None), flush=True)
        else:
            for answer in answers:
                print(in_words(prediction, answer), flush=True)
        if 'error' in prediction:
            failed += 1
            print(f'error: {prediction["error"]}', file=sys.stderr)
        if folder:
            folder.add(prediction, clips, answers)
    return failed


def scan_all(args: argparse.Namespace, inferencer: ActionInferencer) -> int:
    """Write what happens when in each recording, as ``answer_all`` does for
    clips."""
    out, taken, failed = Path(args.out or 'answers'), set(), 0
    for name, source in listed(args.inputs):
        stem = file_stem(name, taken)
        try:
            steps = Scan(inferencer, source, args.window,
                         args.stride or args.window / 4, args.batch_size,
                         Reading(**reading_of(args)))
            found = write_timeline(
                steps, out, stem, inferencer.class_names, args.threshold,
                name=name, window=steps.window, stride=steps.stride)
        except ImportError:
            raise
        except KeyboardInterrupt:
            tell_written(out, stem)
            raise
        except Exception as e:  # a recording may be anything
            if os.environ.get('LVLM_VAR_TRACEBACK'):
                raise
            failed += 1
            print(f'error: {told(file_of(name, source), e, name)}',
                  file=sys.stderr)
            tell_written(out, stem)
            continue
        if args.json:
            print(as_json(dict(name=name, segments=found), indent=None))
            continue
        print(name)
        for row in found:
            print(f'  {row["start"]:8.2f} - {row["end"]:.2f} s  '
                  f'{row["class"] or "-"}  {row["score"]:.2f}')
        tell_written(out, stem)
    return failed


def tell_written(out: Path, stem: str) -> None:
    """Name the files of a recording, if there are some: of one that could not
    be read to its end, those of the part before."""
    if (out / f'{stem}.json').exists():
        print(f'written: {out / stem}.*', file=sys.stderr)


def main() -> int:
    """Run the command.

    Returns:
        int: The exit code; 1 if an input could not be read.
    """
    args = parse_args()
    if bool(args.config) != bool(args.checkpoint):
        raise ValueError('--config and --checkpoint go together')
    if args.verify and (not args.config or args.window or args.no_reason):
        raise ValueError('--verify is for reasons, which are written with '
                         '--config, without --window and --no-reason')
    if args.window and (args.html or args.video or args.persons == 'each'):
        raise ValueError('--html, --video and --persons each are for clips: '
                         '--window writes CSV, JSON and subtitles, and sees '
                         'persons together')
    if not args.config:
        if args.window:
            raise ValueError('--window needs a model: give --config and '
                             '--checkpoint')
        return int(bool(answer_all(args, measured_answers(
            args.inputs, args.classes, **reading_of(args)))))
    inferencer = ActionInferencer(args.config, args.checkpoint, args.device,
                                  args.classes)
    if args.window:
        return int(bool(scan_all(args, inferencer)))
    outcomes = inferencer.answers(
        args.inputs, batch_size=args.batch_size,
        reasons=not args.no_reason, explain_spans=args.html,
        verify=args.verify,
        **reading_of(args))
    return int(bool(answer_all(args, outcomes)))


if __name__ == '__main__':
    with user_errors(), log_beside_answers():
        sys.exit(main())
