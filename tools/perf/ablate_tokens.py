"""Which tokens are the better ones: variants of the VST neck, side by side.

    python tools/perf/ablate_tokens.py CONFIG CHECKPOINT --out results.jsonl
        [--variants a b ...] [--epochs 20] [--views 4] [--seeds 3] [--name X]

Every variant is the config's neck under a change listed in VARIANTS, made
and trained anew on the features of the checkpoint's backbone. These are
computed once: of each training clip in --views random views, of each test clip
as in testing. So only what the neck itself can do differs, the backbone cannot
adapt to a loss; a variant worth it is to be trained whole. Codes are named
from the training clips, and the figures are those of TokenMetric on the test
clips: top-1 is that of the auxiliary head. Each run is kept as a line of
--out, and not run again. The table shows the mean and, after +-, half of the
range over the seeds; the last line is JSON.

A clip has no more different tokens than the features have steps in time. For
L up to 64 train a backbone that keeps 64, and give the same options here:

    python tools/train.py configs/lvlmvar_nucla_xview.py --no-validate \\
        --cfg-options model.backbone.down_stages=[] model.neck.num_tokens=16 \\
        train_dataloader.dataset.pipeline.2.clip_len=64 \\
        test_dataloader.dataset.pipeline.2.clip_len=64 \\
        custom_hooks.0.epochs=24 train_cfg.max_epochs=24 \\
        param_scheduler.1.end=24
"""
import argparse
import copy
import json
import time
from pathlib import Path
from typing import Dict, Sequence, Tuple

from mmengine.config import Config, DictAction

PLAIN = dict(quantizer=dict(), loss_temporal=0., align=None, reconstruct=None)
VARIANTS = {
    'as configured': dict(),
    'continuous': dict(quantizer=dict(type='Continuous')),
    # Consistency in time.
    'no switch cost': dict(quantizer=dict()),
    'no temporal loss': dict(loss_temporal=0.),
    'no consistency': dict(quantizer=dict(), loss_temporal=0.),
    'switch cost 0.005': dict(quantizer=dict(switch_cost=.005)),
    'switch cost 0.03': dict(quantizer=dict(switch_cost=.03)),
    'switch cost 0.04': dict(quantizer=dict(switch_cost=.04)),
    'switch cost 0.05': dict(quantizer=dict(switch_cost=.05)),
    # Alignment and reconstruction.
    'no alignment': dict(align=None),
    'reconstruction': dict(
        reconstruct=dict(loss_features=1., loss_velocity=1.)),
    'class aligned too': dict(align=dict(loss_events=10., loss_class=1.)),
    # None of them, and one alone.
    'plain': PLAIN,
    'plain, switch cost 0.02': dict(PLAIN, quantizer=dict(switch_cost=.02)),
    'plain, temporal 1': dict(PLAIN, loss_temporal=1.),
    # Other codes.
    'FSQ': dict(quantizer=dict(type='FSQ', levels=[8, 8, 4])),
    'residual x2': dict(quantizer=dict(type='ResidualVQ', num_quantizers=2)),
    'K=64': dict(codebook_size=64),
    'K=512': dict(codebook_size=512),
    'zipf 0.1': dict(language_bias=dict(loss_zipf=.1)),
    'context 0.1': dict(language_bias=dict(loss_context=.1)),
    # Fewer and more tokens; only as many as the features have steps differ.
    'L=1': dict(num_tokens=1),
    'L=8': dict(num_tokens=8),
    'L=16': dict(num_tokens=16),
    'L=32': dict(num_tokens=32),
    'L=64': dict(num_tokens=64),
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--out', required=True, help='JSON lines, added to')
    parser.add_argument('--name', help='of the checkpoint in the results '
                        '(default: of its file)')
    parser.add_argument('--variants', nargs='+', choices=VARIANTS,
                        default=list(VARIANTS), metavar='NAME',
                        help=f'of: {", ".join(VARIANTS)} (default: all)')
    parser.add_argument('--epochs', type=int, default=20)
    parser.add_argument('--views', type=int, default=4)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from terminaltables import AsciiTable
from torch import nn
from torch.utils.data import DataLoader

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis.explain import load_tokenizer
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.engine.alignment import class_texts, encode
from lvlm_var_mm.models.heads.narrative import write_tokens
from lvlm_var_mm.models.lvlm.build import PATH_KEY
from lvlm_var_mm.models.vst.code_names import (VOCABULARY, name_codes,
                                               steps_active)
from lvlm_var_mm.shipped import find_config
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList

COLUMNS = ('quantised_top1', 'continuous_top1', 'usage', 'perplexity',
           'run_length', 'flicker', 'label_information', 'named',
           'names_true')


class Clips:
    """Features (N, C, T) of clips and what goes with them."""

    def __init__(self):
        self.features, self.samples = [], []

    @torch.no_grad()
    def add(self, model: nn.Module, input_format: str,
            loader: DataLoader) -> 'Clips':
        axes = dict(NMCTV=(1, 4), NCTHW=(3, 4))[input_format]
        for data in loader:
            data = model.data_preprocessor(data, False)
            # One view per clip; the neck averages the same axes away.
            x = model.backbone(data['inputs'][:, 0]).float().mean(axes)
            self.features.append(x)
            for sample in data['data_samples']:
                kept = ActionDataSample(metainfo={
                    k: sample.get(k) for k in ('events', 'span')
                    if k in sample})
                kept.set_gt_label(sample.gt_label)
                self.samples.append(kept)
        return self

    def batch(self, index: torch.Tensor) -> Tuple[torch.Tensor, SampleList]:
        """Return a batch as of a GCN of one person and one joint."""
        return (self.features[index][:, None, :, :, None],
                [self.samples[i] for i in index.tolist()])

    def done(self) -> 'Clips':
        self.features = torch.cat(self.features)
        return self


def load_clips(cfg: Config, checkpoint: str, views: int,
               seed: int = 0) -> Tuple[Clips, Clips]:
    """Training clips, ``views`` times, and test clips."""
    model = load_tokenizer(cfg, checkpoint, neck=False)
    train, test = Clips(), Clips()
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=seed)
    for _ in range(views):
        train.add(model, cfg.model.neck.input_format, loader)
    test.add(model, cfg.model.neck.input_format,
             Runner.build_dataloader(cfg.test_dataloader, seed=seed))
    return train.done(), test.done()


def text_embeddings(cfg: Config) -> Tuple[torch.Tensor, torch.Tensor]:
    """Embed the texts of classes and events by the language model in use."""
    head = cfg.model.cls_head
    encoder = dict(type='transformers.AutoModel.from_pretrained')
    encoder[PATH_KEY] = head.lvlm[PATH_KEY]
    return (encode(encoder, class_texts(load_classes(head.class_names))),
            encode(encoder, VOCABULARY))


def train(neck: nn.Module, clips: Clips, epochs: int, batch_size: int = 64,
          lr: float = 2e-3) -> nn.Module:
    steps = epochs * (len(clips.samples) // batch_size)
    optimizer = torch.optim.AdamW(neck.parameters(), lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, steps)
    neck.train()
    for _ in range(epochs):
        order = torch.randperm(len(clips.samples))
        for index in order.split(batch_size):
            if len(index) < batch_size:
                continue
            _, losses = neck(*clips.batch(index))
            optimizer.zero_grad()
            sum(losses.values()).backward()
            optimizer.step()
            schedule.step()
    return neck.eval()


@torch.no_grad()
def judge(neck: nn.Module, train_clips: Clips, test_clips: Clips, views: int,
          batch_size: int = 256) -> Dict[str, float]:
    """Name the codes, then the figures of the test clips."""
    # Views of one clip are no further evidence for a name.
    number = len(train_clips.samples) // views
    codes = len(neck.code_names)
    counts, totals = torch.zeros(codes, len(VOCABULARY)), torch.zeros(codes)
    for index in torch.arange(number).split(batch_size):
        x, samples = train_clips.batch(index)
        for ids, sample in zip(neck(x)[0].ids, samples):
            active = steps_active(sample.events, sample.span, len(ids))
            counts.index_add_(0, ids, active.float())
            totals.index_add_(0, ids, torch.ones(len(ids)))
    neck.code_names = name_codes(counts, totals)
    evaluator = Evaluator(dict(type='TokenMetric', codebook_size=codes))
    for index in torch.arange(len(test_clips.samples)).split(batch_size):
        x, samples = test_clips.batch(index)
        evaluator.process(
            write_tokens(neck(x)[0], copy.deepcopy(samples)), None)
    figures = evaluator.evaluate(len(test_clips.samples))
    return {key.split('/')[1]: value for key, value in figures.items()}


def show(done: Dict[str, Dict], names: Sequence[str]) -> None:
    rows = [('variant', *COLUMNS)]
    summary = {}
    for name in names:
        runs = [r['figures'] for r in done if r['variant'] == name]
        row, summary[name] = [name], dict(seeds=len(runs))
        for key in COLUMNS:
            values = [r[key] for r in runs if key in r]
            if not values:
                row.append('-')
                continue
            mean = sum(values) / len(values)
            summary[name][key] = mean
            text = f'{mean:.3g}' if mean > 1 else f'{mean:.3f}'
            if len(values) > 1:
                text += f' +-{(max(values) - min(values)) / 2:.2g}'
            row.append(text)
        rows.append(row)
    print(AsciiTable(rows).table)
    print(json.dumps(summary))


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    out = Path(args.out)
    done = [json.loads(line) for line in out.read_text().splitlines()
            ] if out.exists() else []
    settings = dict(config=args.config, options=args.cfg_options,
                    checkpoint=args.name or Path(args.checkpoint).name,
                    epochs=args.epochs, views=args.views)
    others = [r for r in done if r['settings'] != settings]
    if others:
        print(f'{len(others)} runs in {out} are of other settings')
    done = [r for r in done if r['settings'] == settings]
    todo = [(name, seed) for seed in range(args.seeds)
            for name in args.variants
            if not any((r['variant'], r['seed']) == (name, seed)
                       for r in done)]
    if todo:
        torch.manual_seed(0)
        clips = load_clips(cfg, args.checkpoint, args.views)
        texts = text_embeddings(cfg)
    for name, seed in todo:
        start = time.perf_counter()
        torch.manual_seed(seed)
        neck = MODELS.build({**cfg.model.neck, **VARIANTS[name],
                             'input_format': 'NMCTV', 'parts': None})
        if neck.align:
            neck.align.set_texts(*texts)
        train(neck, clips[0], args.epochs)
        figures = judge(neck, *clips, args.views)
        result = dict(variant=name, seed=seed, changes=VARIANTS[name],
                      settings=settings, figures=figures,
                      seconds=round(time.perf_counter() - start, 1))
        done.append(result)
        with out.open('a') as f:
            f.write(json.dumps(result) + '\n')
        print(f'{name}, seed {seed}: {result["seconds"]} s', flush=True)
    show(done, args.variants)


if __name__ == '__main__':
    with user_errors():
        main()
