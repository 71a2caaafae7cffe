"""Measure what cached tokens save, and whether they train the same.

    python tools/perf/token_cache.py CONFIG [CHECKPOINT] [--clips 64]
        [--repeats 3] [--cfg-options KEY=VALUE ...]

In one run, over the same training clips in the same order, with one view of
each:

    clips     the training pipeline, the frozen backbone and neck
    tokens    a TokenDataset of them, and the neck

first alone, then as an epoch of the second stage: the language model reads the
tokens, and its losses go back to its LoRA layers. All in this process, without
workers; wall clock, medians over the repeats. The last line is JSON:
`speedup` is that of the epoch, `tokens_speedup` that of making the tokens,
`loss_diff` the largest difference of a batch's loss, `max_abs_diff` that of a
token's vector, `bytes_per_clip` the size of the cache for a view of a clip,
meta information included.

Without a checkpoint the weights are random, which takes as long. So the videos
of the made sample go through a backbone of full size:

    python tools/perf/token_cache.py configs/lvlmvar_rgb_quickstart.py \\
        --clips 24 --repeats 1 --cfg-options model.backbone.depth=50 \\
        model.backbone.base_channels=64 model.neck.in_channels=2048 \\
        model.neck.num_tokens=16 model.cls_head.in_channels=2048 \\
        train_dataloader.dataset.pipeline.1.clip_len=16 \\
        train_dataloader.dataset.pipeline.1.frame_interval=4 \\
        "train_dataloader.dataset.pipeline.3.scale=(-1,256)" \\
        train_dataloader.dataset.pipeline.4.size=224
"""
import argparse
import json
import os
import random
import tempfile
import time
from statistics import median
from typing import Any, Callable, Dict, Iterable, Iterator, List, Tuple

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('--clips', type=int, default=64)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
import torch
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from terminaltables import AsciiTable
from torch import nn
from torch.utils.data import DataLoader

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets import TokenDataset
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.models import SemanticTokens
from lvlm_var_mm.shipped import find_config
from mmaction.registry import DATASETS, MODELS
from mmaction.utils import SampleList


class SameViews(torch.utils.data.Dataset):
    """The first clips of a training set, each always in the same view."""

    def __init__(self, dataset: BaseDataset, number: int):
        self.dataset, self.number = dataset, number

    def __len__(self):
        return self.number

    def __getitem__(self, index):
        random.seed(index)
        np.random.seed(index)
        return self.dataset[index]


def read(model: nn.Module, dataset: BaseDataset, batch_size: int,
         through_backbone: bool
         ) -> Iterator[Tuple[SemanticTokens, SampleList]]:
    """Tokens and data samples of each batch."""
    for data in DataLoader(dataset, batch_size, collate_fn=pseudo_collate):
        with torch.no_grad():
            if through_backbone:
                data = model.data_preprocessor(data, False)
                feats, _ = model.extract_feat(data['inputs'], test_mode=True)
                feats = SemanticTokens(*feats)
            else:
                feats, _ = model.neck(torch.cat(data['inputs']))
        yield feats, data['data_samples']


def epoch(model: nn.Module, *args: argparse.Namespace) -> List[Dict]:
    """Losses of the batches; gradients are made and thrown away."""
    head, losses = model.cls_head.train(), []
    for feats, samples in read(model, *args):
        found = head.loss(feats, samples)
        loss = found['loss_cls'] + found['loss_lm']
        loss.backward()
        head.zero_grad()
        losses.append(loss.item())
    head.eval()
    return losses


@torch.no_grad()
def start_codebook(model: nn.Module, dataset: BaseDataset,
                   number: int) -> None:
    """From the first clips, as the first step of training does."""
    data = pseudo_collate([dataset[i] for i in range(number)])
    model.train().cls_head.active = False
    model(**model.data_preprocessor(data, True), mode='loss')
    model.eval().cls_head.active = True


def timed(call: Callable) -> Tuple[Any, float]:
    start = time.perf_counter()
    found = call()
    return found, time.perf_counter() - start


def as_clips(found: Iterable[Tuple]) -> List[Dict]:
    return [dict(label=int(sample.gt_label), codes=ids[None].numpy(),
                 meta=[dict(sample.metainfo_items())])
            for feats, samples in found
            for ids, sample in zip(feats.ids, samples)]


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    if args.checkpoint:
        find_checkpoint(args.checkpoint)
    model = MODELS.build(cfg.model).eval()
    if args.checkpoint:
        load_checkpoint(model, args.checkpoint, 'cpu', strict=True)
    size = cfg.train_dataloader.batch_size
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    if not args.checkpoint:
        start_codebook(model, dataset, size)
    clips = SameViews(dataset, min(args.clips, len(dataset)))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'tokens.npz')
        first = list(read(model, clips, size, True))
        save_tokens(path, None, as_clips(first))
        file_size = os.path.getsize(path)
        tokens = TokenDataset(path)
    again = list(read(model, tokens, size, False))
    diff = max(float((a.embeds - b.embeds).abs().max())
               for (a, _), (b, _) in zip(first, again))
    ways = dict(clips=(clips, size, True), tokens=(tokens, size, False))
    times = {(what, way): [] for what in ('tokens alone', 'epoch')
             for way in ways}
    for _ in range(args.repeats):
        losses = {}
        for way, inputs in ways.items():
            times['tokens alone', way].append(
                timed(lambda: list(read(model, *inputs)))[1])
            losses[way], seconds = timed(lambda: epoch(model, *inputs))
            times['epoch', way].append(seconds)
    seconds = {key: median(t) for key, t in times.items()}
    rows = [('what', 'from', 'seconds', 'clips per second')]
    rows += [(*key, f'{t:.3f}', f'{len(clips) / t:.0f}')
             for key, t in seconds.items()]
    print(AsciiTable(rows, title=f'{len(clips)} clips, '
                     f'{torch.get_num_threads()} threads').table)
    print(json.dumps(dict(
        speedup=seconds['epoch', 'clips'] / seconds['epoch', 'tokens'],
        loss_diff=max(abs(a - b) for a, b in zip(*losses.values())),
        tokens_speedup=(seconds['tokens alone', 'clips'] /
                        seconds['tokens alone', 'tokens']),
        max_abs_diff=diff,
        bytes_per_clip=file_size / len(clips), clips=len(clips),
        repeats=args.repeats,
        **{f'{what} of {way}, s': t for (what, way), t in seconds.items()})))


if __name__ == '__main__':
    with user_errors():
        main()
