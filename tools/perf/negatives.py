"""Measure what sampled wrong names cost and lose against scoring all names.

    python tools/perf/negatives.py [--config configs/lvlmvar_ntu60_xsub.py]
        [--numbers 0 31 15 7] [--steps 400] [--seeds 1]

Two things for each `num_negatives` of LVLMHead, 0 being all names:

Cost: floating point operations of a training step of the config's language
model at full shape, counted without weights as tools/estimate.py does, and the
positions of a clip. (Of a hub id the tokenizer is not known; a word is then a
token.)

Accuracy: a language model of two layers with random weights, trained whole by
the head's own losses on a made task with the class names of the config. A
class is a sequence of 12 of 64 codes; every other one differs from its
neighbour in three of them, and a clip has a share of them replaced at random.
Test clips are new, and all names are scored. It says how sampling changes
learning, not how accurate a language model is.

The last line is JSON: `cost`, `top1` and `step_seconds` (time of the
processor) by number.
"""
import argparse
import json
import time
from statistics import mean
from typing import Dict, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--config', default='configs/lvlmvar_ntu60_xsub.py')
    parser.add_argument('--numbers', type=int, nargs='+',
                        default=[0, 31, 15, 7],
                        help='of wrong names, 0 for all (default: 0 31 15 7)')
    parser.add_argument('--steps', type=int, default=400,
                        help='of training (default: %(default)s)')
    parser.add_argument('--seeds', type=int, default=1,
                        help='trainings of each (default: %(default)s)')
    parser.add_argument('--noise', type=float, default=.3,
                        help='share of codes replaced (default: %(default)s)')
    args = parser.parse_args()
    if min(args.numbers) < 0 or min(args.steps, args.seeds) < 1:
        parser.error('--numbers must not be negative, --steps and --seeds at '
                     'least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable
from transformers import LlamaConfig, LlamaForCausalLM

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.estimate import (build_without_weights, names_of_a_batch,
                                  positions, train_step)
from lvlm_var_mm.estimate.shapes import WordTokenizer
from lvlm_var_mm.models import LVLMHead, SemanticTokens
from lvlm_var_mm.shipped import find_config
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList

CODES, LENGTH, CHANNELS = 64, 12, 32
BATCH, TEST = 16, 960


# --------------------------------------------------------------------- cost
def cost(cfg: Config, number: int) -> Dict[str, float]:
    """Count the TFLOP of a step for a clip, and the positions that are
    read."""
    cfg = cfg.copy()
    cfg.model.cls_head.num_negatives = number
    head = build_without_weights(cfg)
    tokens = cfg.model.neck.num_tokens
    names = names_of_a_batch(head, 1)
    step = train_step(head, 2, tokens, names=names)
    return dict(tflop=step.flops / 2e12,
                **positions(head, tokens, names=names))


# ----------------------------------------------------------------- accuracy
class Task:
    """Clips of made classes, drawn as they are asked for."""

    def __init__(self, classes: int, noise: float, seed: int):
        self.rng = torch.Generator().manual_seed(seed)
        self.noise = noise
        self.codebook = torch.randn(CODES, CHANNELS, generator=self.rng)
        self.classes = self.codes(classes, LENGTH)
        self.classes[1::2] = self.classes[:classes // 2 * 2:2]
        self.classes[1::2, 4:7] = self.codes(classes // 2, 3)

    def codes(self, *shape) -> torch.Tensor:
        return torch.randint(CODES, shape, generator=self.rng)

    def clips(self, number: int) -> Tuple[SemanticTokens, torch.Tensor]:
        """Tokens and (number, ) labels."""
        labels = torch.randint(len(self.classes), (number, ),
                               generator=self.rng)
        ids = self.classes[labels]
        other = torch.rand(ids.shape, generator=self.rng) < self.noise
        ids = torch.where(other, self.codes(*ids.shape), ids)
        return SemanticTokens(
            self.codebook[ids], ids, torch.ones_like(ids, dtype=bool)), labels


class Words(WordTokenizer):
    """Words enough for the names, so that the vocabulary costs little."""
    size = 8000


def tiny_llama(**_) -> LlamaForCausalLM:
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=1 + Words.size, hidden_size=64, intermediate_size=128,
        num_hidden_layers=2, num_attention_heads=4))


def top1(classes: int, number: int, steps: int, noise: float,
         seed: int) -> Tuple[float, float]:
    """Accuracy on new clips after so many steps, and seconds of one."""
    task = Task(len(classes), noise, seed)
    torch.manual_seed(seed)
    head = LVLMHead(
        num_classes=len(classes), in_channels=CHANNELS, class_names=classes,
        lvlm=dict(type=tiny_llama),
        tokenizer=dict(type=Words), num_negatives=number).train()
    head.lvlm.requires_grad_(True)
    optimizer = torch.optim.AdamW(head.parameters(), 2e-3, weight_decay=0.)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps)
    start = time.process_time()
    for _ in range(steps):
        feats, labels = task.clips(BATCH)
        losses = head.loss(feats, samples(labels))
        (losses['loss_cls'] + losses['loss_lm']).backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    seconds = (time.process_time() - start) / steps
    feats, labels = task.clips(TEST)
    with torch.no_grad():
        found = head.eval()(feats).argmax(1)
    return float((found == labels).float().mean()), seconds


def samples(labels: torch.Tensor) -> SampleList:
    found = [ActionDataSample() for _ in labels]
    for sample, label in zip(found, labels):
        sample.set_gt_label(int(label))
    return found


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    init_default_scope('mmaction')
    settings = cfg.model.cls_head
    classes = load_classes(settings.class_names, settings.num_classes)
    # The reasons are not what is compared here.
    classes = [(name, 'so') for name in classes.names]
    costs = {n: cost(cfg, n) for n in args.numbers}
    found = {n: list(zip(*(top1(classes, n, args.steps, args.noise, seed)
                           for seed in range(args.seeds))))
             for n in args.numbers}
    rows = [('wrong names', 'TFLOP per clip', 'positions of names, prompt, '
             'reason', 'top-1', 's per step')]
    rows += [(n or 'all', f'{costs[n]["tflop"]:.2f}',
              f'{costs[n]["names"]}, {costs[n]["prompt"]}, '
              f'{costs[n]["reason"]}',
              ', '.join(f'{100 * x:.1f}' for x in found[n][0]),
              f'{mean(found[n][1]):.3f}') for n in args.numbers]
    print(AsciiTable(rows, title=f'{len(classes)} names, {args.steps} steps '
                     f'of {BATCH} clips').table)
    print(json.dumps(dict(
        cost=costs, top1={n: found[n][0] for n in args.numbers},
        step_seconds={n: mean(found[n][1]) for n in args.numbers},
        classes=len(classes), steps=args.steps, noise=args.noise)))


if __name__ == '__main__':
    with user_errors():
        main()
