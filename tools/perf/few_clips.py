"""Measure what is learnt from few clips a class, on Northwestern-UCLA.

    NUCLA_PKL=nucla_3d.pkl python tools/perf/few_clips.py [--draws 5]
        [--clips 1 5 10 20] [--config CONFIG ...] [--updates 300]
        [--config-draws 1]

Draws clips of the training split, as many of each class, and trains on them
alone: a linear classifier and trees on the strengths of the body-part events,
and any configs, ours or stock, from scratch by their own Runner:

    --config baselines/stgcnpp_nucla_xview.py lvlmvar_nucla_xview.py

A config is trained for so many updates that few clips are seen as often as it
takes; its epochs are scaled, and with them those of LVLMWarmupHook and of the
schedules. Top-1 of the last epoch on all test clips and on those that are no
copies of training clips. The last line is JSON: `clean` and `all`, means by
method and clips a class, and `spread`, the deviation over the draws.
"""
import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Dict, List, Sequence, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--data', default=os.environ.get('NUCLA_PKL'),
                        help='pickle (default: NUCLA_PKL)')
    parser.add_argument('--protocol', choices=['xview', 'xsub'],
                        default='xview')
    parser.add_argument('--clips', type=int, nargs='+',
                        default=[1, 5, 10, 20], help='of each class')
    parser.add_argument('--draws', type=int, default=5)
    parser.add_argument('--config', nargs='*', default=[], metavar='CONFIG')
    parser.add_argument('--config-draws', type=int, default=1,
                        help='draws that configs are trained on; each is a '
                        'training (default: %(default)s)')
    parser.add_argument('--updates', type=int, default=300,
                        help='of each training (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from terminaltables import AsciiTable
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.benchmark.nucla_events import EventClips, read_event_clips
from lvlm_var_mm.benchmark.streams import leaves
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.evaluation.event_counts import EventClassifier
from lvlm_var_mm.shipped import find_config

METHODS = {'events, linear': dict(kind='linear'),
           'events, trees': dict(kind='trees')}


def draw(data: EventClips, number: int, seed: int) -> np.ndarray:
    """Rows of ``number`` training clips of each class.

    Raises:
        ValueError: A class has fewer.
    """
    rng, rows = np.random.default_rng(seed), []
    for label in np.unique(data.labels):
        own = np.flatnonzero(data.train & (data.labels == label))
        if len(own) < number:
            raise ValueError(f'--clips {number}: class {label} has '
                             f'{len(own)} training clips')
        rows.append(rng.choice(own, number, replace=False))
    return np.concatenate(rows)


def judge(data: EventClips, predicted: np.ndarray) -> Tuple[float, float]:
    """Per cent right, of the clean and of all test clips; (N, ) labels."""
    right = predicted == data.labels
    return 100 * right[data.clean].mean(), 100 * right[data.test].mean()


def scaled(cfg: Config, clips: int, updates: int) -> Config:
    """A config with as many epochs as ``updates`` take, and its schedule and
    hooks stretched to them."""
    loader = cfg.train_dataloader
    loader.drop_last = False
    dataset = loader.dataset
    while dataset.get('dataset') is not None:  # passes that make an epoch
        clips *= dataset.get('times', 1)
        dataset = dataset.dataset
    steps = -(-clips // loader.batch_size)
    before, epochs = cfg.train_cfg.max_epochs, max(1, -(-updates // steps))

    def stretch(value):
        return max(0, round(value * epochs / before))

    cfg.train_cfg.update(max_epochs=epochs, val_interval=epochs + 1,
                         val_begin=epochs + 1)
    cfg.train_cfg.pop('dynamic_intervals', None)
    for schedule in cfg.get('param_scheduler', ()):
        if schedule.get('by_epoch', True):
            for key in ('begin', 'end', 'T_max'):
                if key in schedule:
                    schedule[key] = stretch(schedule[key])
            if schedule.get('end', 1) <= schedule.get('begin', 0):
                schedule.end = schedule.get('begin', 0) + 1
    for hook in cfg.get('custom_hooks', ()):
        if hook.type == 'LVLMWarmupHook':
            hook.epochs = min(stretch(hook.epochs), epochs - 1)
    return cfg


def without(cfg: Config, path: str, protocol: str,
            names: List[str]) -> Config:
    """A config on the clips of a file, whose training set, in whatever
    wrappers, lacks those of these names."""
    for loader, dataset in leaves(cfg):
        train = loader == 'train_dataloader'
        dataset.update(ann_file=path,
                       split=f'{protocol}_{"train" if train else "val"}')
        if train:
            dataset.exclude = names
        cfg[loader].update(num_workers=0, persistent_workers=False)
    return cfg


def train_config(file: str, data: EventClips, rows: np.ndarray,
                 args: argparse.Namespace, folder: str) -> np.ndarray:
    """Labels (N, ) that a model trained on these clips gives to the test
    clips, -1 to all others."""
    others = data.train.copy()
    others[rows] = False
    cfg = without(Config.fromfile(find_config(file)), args.data,
                  args.protocol, data.names[others].tolist())
    cfg = scaled(cfg, len(rows), args.updates)
    cfg.update(work_dir=folder, launcher='none', log_level='WARNING')
    cfg.default_hooks.checkpoint = ConfigDict(
        type='CheckpointHook', interval=10**6, save_last=False)
    # What is measured on the way is not looked at.
    cfg.val_evaluator = cfg.test_evaluator = [dict(type='AccMetric')]
    runner = Runner.from_cfg(cfg)
    runner.train()
    model, told = runner.model.eval(), {}
    with torch.no_grad():
        for batch in Runner.build_dataloader(cfg.test_dataloader):
            for sample in model.test_step(batch):
                told[sample.frame_dir] = int(sample.pred_label)
    return np.array([told.get(name, -1) for name in data.names])


def measure(data: EventClips, args: argparse.Namespace
            ) -> Dict[str, Dict[int, List[Tuple[float, float]]]]:
    """Per method and clips a class, the figures of each draw."""
    found: Dict[str, Dict[int, List[Tuple[float, float]]]] = {}
    trainings = [(number, seed) for number in args.clips
                 for seed in range(max(args.draws, args.config_draws))]
    for number, seed in tqdm(trainings, desc='draws', disable=None):
        rows = draw(data, number, seed)
        if seed < args.draws:
            for name, settings in METHODS.items():
                model = EventClassifier(**settings).fit(
                    data.found[rows], data.labels[rows])
                found.setdefault(name, {}).setdefault(number, []).append(
                    judge(data, model.predict(data.found)))
        if seed < args.config_draws:
            for file in args.config:
                with tempfile.TemporaryDirectory() as folder:
                    got = judge(data, train_config(file, data, rows, args,
                                                   folder))
                name = Path(file).stem
                tqdm.write(f'{name}, {number} a class, draw {seed}: '
                           f'{got[0]:.1f} clean, {got[1]:.1f} all')
                found.setdefault(name, {}).setdefault(number, []).append(got)
    return found


def main() -> None:
    args = parse_args()
    data = read_event_clips(args.data, args.protocol)
    found = measure(data, args)
    figures = dict(clean={}, all={}, spread={})
    for name, by_number in found.items():
        for number, got in by_number.items():
            clean, whole = np.mean(got, 0).tolist()
            for key, value in (('clean', clean), ('all', whole), (
                    'spread', float(np.std([c for c, _ in got])))):
                figures[key].setdefault(name, {})[str(number)] = value
    for key, count in ('clean', data.clean), ('all', data.test):
        rows: List[Sequence] = [('clips a class', *map(str, args.clips))]
        rows += [(name, *(f'{by[str(n)]:.1f}' for n in args.clips))
                 for name, by in figures[key].items()]
        print(AsciiTable(rows, title=f'{key}: {count.sum()} clips').table)
    print(json.dumps(dict(
        figures, protocol=args.protocol, draws=args.draws,
        config_draws=args.config_draws, updates=args.updates,
        clips=int(data.test.sum()), clean_clips=int(data.clean.sum()))))


if __name__ == '__main__':
    with user_errors():
        main()
