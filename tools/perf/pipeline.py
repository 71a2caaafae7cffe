"""Does a training step wait for its data? CPU time of each transform, per
clip, beside that of a training step.

    python tools/perf/pipeline.py CONFIG [--clips 200] [--steps 5]

One worker keeps up if the pipeline of a batch takes less than a step. CPU time
of one thread, so that other work on the machine does not count. The last line
is JSON.
"""
import argparse
import json
import time

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--clips', type=int, default=200)
    parser.add_argument('--steps', type=int, default=5)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    if min(args.clips, args.steps) < 1:
        parser.error('--clips and --steps must be at least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from collections import Counter
from typing import Dict, List, Tuple

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.shipped import find_config
from mmaction.registry import DATASETS, MODELS


def time_pipeline(cfg: Config, clips: int) -> Tuple[Dict[str, float], List]:
    """CPU milliseconds per clip of reading and of each transform, and the
    clips."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    inner = dataset
    while hasattr(inner, 'dataset'):
        inner = inner.dataset
    dataset[0]  # opens what opens once
    taken, made = Counter(), []
    for i in torch.randperm(len(inner))[:clips].tolist() * (
            1 + clips // len(inner)):
        start = time.process_time()
        sample = inner.get_data_info(i)
        taken['(read)'] += time.process_time() - start
        for transform in inner.pipeline.transforms:
            start = time.process_time()
            sample = transform(sample)
            taken[type(transform).__name__] += time.process_time() - start
        made.append(sample)
        if len(made) == clips:
            break
    return {k: 1e3 * v / len(made) for k, v in taken.items()}, made


def time_step(cfg: Config, samples: List, steps: int) -> float:
    """CPU milliseconds of forward, backward and optimizer on a batch."""
    torch.set_num_threads(1)
    model = MODELS.build(cfg.model).train()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    batch = pseudo_collate(samples[:cfg.train_dataloader.batch_size])
    taken = []
    for _ in range(steps + 1):
        start = time.process_time()
        losses = model(**model.data_preprocessor(batch, True), mode='loss')
        loss, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        taken.append(time.process_time() - start)
    return 1e3 * sorted(taken[1:])[steps // 2]  # the first makes buffers


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    by_step, samples = time_pipeline(cfg, args.clips)
    size = cfg.train_dataloader.batch_size
    pipeline = size * sum(by_step.values())
    step = time_step(cfg, samples, args.steps)
    rows = [('of a clip', 'CPU ms')] + [
        (name, f'{ms:.3f}') for name, ms in by_step.items()] + [
            (f'pipeline of a batch of {size}', f'{pipeline:.1f}'),
            ('training step', f'{step:.1f}')]
    print(AsciiTable(rows).table)
    print(json.dumps(dict(
        config=args.config, options=args.cfg_options, batch=size,
        transforms={k: round(v, 4) for k, v in by_step.items()},
        pipeline_ms=round(pipeline, 2), step_ms=round(step, 2))))


if __name__ == '__main__':
    with user_errors():
        main()
