"""Measure live answers: are they equal, how fast, and does memory stay flat?

    python tools/perf/stream.py [--seconds 20] [--lvlm PATH]
    python tools/perf/stream.py --minutes 10

A made recording of joints, all ten actions of the sample one after the other,
30 frames a second, goes through tools/stream.py's own classes: windows of two
seconds, an answer every half second. The model is that of a config, by default
the quickstart's in float32, with random weights but for the language model's,
or those of a checkpoint; time does not depend on them. The last line is JSON:

fps              frames a second when every frame is taken as fast as that
                 goes, answers included: above 30 nothing is skipped live
fps_cpu          the same by the processor time of all threads, which other
                 work on the machine disturbs less; with OMP_NUM_THREADS=1 it
                 is what one free core does
latency_ms_p50   at 30 frames a second, from the last frame of a window to its
latency_ms_p95   answer
answers_per_s    at 30 frames a second, from the first answer to the last
skipped, skipped_windows   at 30 frames a second
equal            the same windows have the same scores, to 1e-4, by the stream,
                 by ActionInferencer, by tools/infer.py and by a test loop
max_abs_diff     the largest difference
pose_fps         as fps, of a video with poses by MediaPipe; null without it.
                 By default of the sample's drawn figures, in which BlazePose
                 may find nobody and then looks longer; --video names another

--minutes runs it at 30 frames a second for so long, with a source that dies
and returns again and again, and adds

soak             frames, skipped, answers, skipped_windows, reconnects, seconds
memory_mb        of the process after a tenth of the time, at the end, and the
                 most between them
ctrl_c           exit code of tools/stream.py, which is 130, and the seconds
                 that it took to end
"""
import argparse
import json
import pickle
import runpy
import sys
import tempfile
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence
from unittest import mock


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--config', default='lvlmvar_quickstart',
                        help='of a model of 3D joints (default: %(default)s)')
    parser.add_argument('--checkpoint', help='of that model')
    parser.add_argument('--lvlm', metavar='PATH', help='folder or hub id of '
                        'the language model\n(default: that of the config)')
    parser.add_argument('--seconds', type=float, default=20,
                        help='of the recording (default: %(default)s)')
    parser.add_argument('--window', type=float, default=2., metavar='SECONDS')
    parser.add_argument('--every', type=float, default=.5, metavar='SECONDS')
    parser.add_argument('--video', help='of a person, for the poses')
    parser.add_argument('--minutes', type=float, default=0,
                        help='of a stream whose source dies and returns')
    parser.add_argument('--life', type=float, default=30, metavar='SECONDS',
                        help='after which it dies (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from terminaltables import AsciiTable

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.answers import Ask
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.wanted import pipeline_of
from lvlm_var_mm.apis.windows import grid_of
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.live import ByModel, Live, open_source
from lvlm_var_mm.pose import blazepose
from lvlm_var_mm.shipped import TOOLS, find_config
from lvlm_var_mm.synthetic.make import capture
from lvlm_var_mm.synthetic.motion import MOTIONS
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.synthetic.render import clothes, draw, room, write_video
from lvlm_var_mm.trials.dying import FPS, Dying, ctrl_c, soak
from mmaction.registry import MODELS

KEEP = Ask(reasons=False, keep=True)


def make_recording(seconds: float) -> np.ndarray:
    """Joints (1, T, 25, 3) of the ten actions in turn, as a sensor measures
    them, again and again."""
    clips = []
    for action in MOTIONS:
        performance = action, 1, 1
        _, joints, _ = capture(perform(*performance), 2, performance)
        clips.append(np.nan_to_num(joints[:1]).astype(np.float32))
    joints = np.concatenate(clips, 1)
    frames = max(2, round(seconds * FPS))
    return np.tile(joints, (1, -(-frames // joints.shape[1]), 1, 1))[
        :, :frames]


def write_checkpoint(cfg: Config, clips: Sequence[np.ndarray],
                     path: Path) -> str:
    """A model that was never trained, but whose codebook holds steps of these
    clips and whose LoRA layers matter."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, param in model.named_parameters():
        if 'lora_B' in name:  # starts out as zero
            torch.nn.init.normal_(param, std=.02)
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = None  # one batch settles it
    pipeline = Compose(pipeline_of(cfg))
    data = model.data_preprocessor(pseudo_collate([pipeline(dict(
        keypoint=clip, total_frames=clip.shape[1], label=0))
        for clip in clips]), training=True)
    with torch.no_grad():
        model.train().extract_feat(**data)
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


# ----------------------------------------------------------------- equality
def by_test_loop(cfg: Config, checkpoint: str, clips: Sequence[np.ndarray],
                 folder: Path) -> np.ndarray:
    """Scores (N, classes) of MMEngine's test loop."""
    rows = [dict(keypoint=clip, frame_dir=f'w{i}', label=0,
                 total_frames=clip.shape[1]) for i, clip in enumerate(clips)]
    (folder / 'windows.pkl').write_bytes(pickle.dumps(rows))
    dump = folder / 'dump.pkl'
    pipeline = pipeline_of(cfg)
    Runner(model=cfg.model, work_dir=str(folder / 'test'),
           load_from=checkpoint, default_scope='mmaction', log_level='ERROR',
           test_cfg=dict(type='TestLoop'), test_dataloader=dict(
               batch_size=4, num_workers=0,
               sampler=dict(type='DefaultSampler', shuffle=False),
               dataset=dict(
                   type='SkeletonDataset', pipeline=pipeline, test_mode=True,
                   ann_file=str(folder / 'windows.pkl'))),
           test_evaluator=[dict(type='DumpResults', out_file_path=str(dump))]
           ).test()
    return np.stack([row['pred_score'].float().numpy()
                     for row in pickle.loads(dump.read_bytes())])


def by_tool(config: Path, checkpoint: str, clips: Sequence[np.ndarray],
            folder: Path) -> List[Dict[str, float]]:
    """Scores by class of tools/infer.py, of its best classes."""
    (folder / 'windows').mkdir()
    for i, clip in enumerate(clips):
        np.save(folder / f'windows/{i:04}.npy', clip)
    said = StringIO()
    argv = ['infer.py', folder / 'windows', '--config', config,
            '--checkpoint', checkpoint, '--device', 'cpu', '--json',
            '--no-reason']
    with mock.patch('sys.argv', list(map(str, argv))), mock.patch(
            'sys.path', [str(TOOLS), *sys.path]), redirect_stdout(said):
        try:
            runpy.run_path(str(TOOLS / 'infer.py'), run_name='__main__')
        except SystemExit as end:
            if end.code:
                raise ValueError(f'tools/infer.py ended with {end.code}')
    return [{t['class']: t['score'] for t in json.loads(line)['top']}
            for line in said.getvalue().splitlines() if line[:1] == '{']


def differences(found: Sequence[Dict], alone: Sequence[Dict],
                tested: np.ndarray, told: Sequence[Dict[str, float]],
                names: Sequence[str]) -> List[List[Any]]:
    """Rows: who is compared with the stream, and the largest difference."""
    def scores(answers: Sequence[Dict]) -> np.ndarray:
        return np.stack([a['data_sample'].pred_score.float().numpy()
                         for a in answers])

    stream = scores(found)
    if len(told) != len(stream):
        raise ValueError(f'tools/infer.py answered {len(told)} of '
                         f'{len(stream)} windows')
    return [
        ['ActionInferencer', np.abs(scores(alone) - stream).max()],
        ['test loop', np.abs(tested - stream).max()],
        ['tools/infer.py', max(
            abs(score - row[names.index(name)])
            for row, best in zip(stream, told)
            for name, score in best.items())]]


# -------------------------------------------------------------------- speed
def stream(answering: ByModel, address: Any, args: argparse.Namespace,
           how: Optional[Reading] = None, fast: bool = False) -> tuple:
    """Answers and summary of a recording."""
    source = open_source(address, answering.wanted, how)
    with Live(answering, source, args.window, args.every, fast, how=how,
              tell=tell) as live:
        answers, times = [], []
        for answer in live:
            answers.append(answer)
            times.append(time.perf_counter())
        rate = (len(times) - 1) / (times[-1] - times[0]) if len(
            times) > 1 else 0.
        return answers, dict(live.summary(), per_second=rate)


def tell(line: str) -> None:
    """Print a line for people."""
    print(line, file=sys.stderr)


def pose_fps(answering: ByModel, args: argparse.Namespace,
             folder: Path) -> Optional[float]:
    """Frames a second with poses, None without MediaPipe."""
    if not blazepose.available():
        return None
    path = args.video
    if path is None:
        path = str(folder / 'drawn.avi')
        performance = min(MOTIONS), 1, 1
        people, _, _ = capture(perform(*performance), 2, performance)
        colors = [clothes((.1, .6))] * len(people)
        write_video(path, (draw(room(2), frame, colors)
                           for frame in np.moveaxis(people, 1, 0)))
    _, summary = stream(answering, path, args, Reading(pose='mediapipe'),
                        fast=True)
    return round(summary['frames'] / summary['seconds'], 2)


def main() -> None:
    args = parse_args()
    init_default_scope('mmaction')
    cfg = Config.fromfile(find_config(args.config))
    cfg.model.cls_head.lvlm.dtype = 'float32'
    if args.lvlm:
        cfg.model.cls_head.lvlm.pretrained_model_name_or_path = args.lvlm
    joints = make_recording(args.seconds)
    grid = grid_of(args.window, args.every, FPS)
    clips = [joints[:, s:s + grid.length]
             for s in grid.starts(joints.shape[1])]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        cfg.dump(folder / 'config.py')
        np.save(folder / 'day.npy', joints)
        checkpoint = args.checkpoint or write_checkpoint(
            cfg, clips, folder / 'model.pth')
        inferencer = ActionInferencer(cfg, checkpoint, 'cpu',
                                      show_progress=False)
        answering = ByModel(inferencer, KEEP)
        stream(answering, joints[:, :grid.length], args, fast=True)  # warm-up
        used = time.process_time()
        found, quick = stream(answering, joints, args, fast=True)
        used = time.process_time() - used
        live, summary = stream(answering, joints, args)
        figures = dict(
            fps=round(quick['frames'] / quick['seconds'], 2),
            fps_cpu=round(quick['frames'] / used, 2),
            **{f'latency_ms_p{p}': round(float(np.percentile(
                [a['latency_ms'] for a in live], p)), 1) for p in (50, 95)},
            answers_per_s=round(summary['per_second'], 3),
            skipped=summary['skipped'],
            skipped_windows=summary['skipped_windows'],
            pose_fps=pose_fps(answering, args, folder))
        rows = differences(
            found, inferencer(clips, reasons=False, batch_size=4,
                              return_datasamples=True)['predictions'],
            by_test_loop(cfg, checkpoint, clips, folder),
            by_tool(folder / 'config.py', checkpoint, clips, folder),
            inferencer.class_names)
        worst = float(max(diff for _, diff in rows))
        figures.update(equal=len(found) == len(clips) and worst <= 1e-4,
                       max_abs_diff=worst, windows=len(clips),
                       threads=torch.get_num_threads())
        if args.minutes:
            figures.update(soak(Live(
                answering, Dying(joints, args.life), args.window, args.every,
                tell=tell), 60 * args.minutes),
                ctrl_c=ctrl_c(folder / 'day.npy'))
    print(AsciiTable([['beside the stream', 'largest difference'], *(
        [name, f'{diff:.1e}'] for name, diff in rows)]).table)
    print(json.dumps(figures))


if __name__ == '__main__':
    with user_errors():
        main()
