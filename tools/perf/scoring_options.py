"""Measure each way to score the classes on real clips.

    python tools/perf/scoring_options.py CONFIG CHECKPOINT
        [--linear CHECKPOINT] [--json FILE] [--batch 16]
        [--cfg-options KEY=VALUE ...]

The semantic action tokens of the test clips are made once. The language model
of the checkpoint then reads them by every option of `scoring`, by free
generation with the most similar name taken, and not at all: by the auxiliary
head of the neck. --linear names another checkpoint of the same tokens, trained
with `LVLMLinearHead` (configs/two_stage/). The table shows accuracy, the
calibration of the probabilities where there are any, and seconds per clip;
what an option cannot do with these names is said below it. The temperature is
fitted on one half of the clips and judged on the other, both ways round. The
last line is JSON.
"""
import argparse
import copy
import json
import time
from pathlib import Path
from typing import Dict, List, Tuple

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--linear', metavar='CHECKPOINT',
                        help='of LVLMLinearHead on the same tokens')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--json', metavar='FILE',
                        help='write the last line there as well')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
from label_scores import generate_and_match
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint
from terminaltables import AsciiTable
from torch import nn
from torch.utils.data import DataLoader
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.evaluation import fit_temperature
from lvlm_var_mm.models import LVLMHead, SemanticTokens
from lvlm_var_mm.models.heads.scoring import Scoring
from lvlm_var_mm.shipped import find_config
from mmaction.registry import MODELS
from mmaction.utils import SampleList

Batches = List[Tuple[SemanticTokens, SampleList]]
OPTIONS = {
    'exact': dict(),
    'length normalised': dict(length_norm=True),
    'prior 0.5': dict(prior=.5),
    'prior 1': dict(prior=1.),
    'constrained decoding': dict(type='constrained'),
    'first token': dict(type='first_token'),
}
# One name is certain there: only its being right means anything.
HARD = 'constrained decoding', 'generate + match'
COLUMNS = 'top1', 'mean_class', 'nll', 'ece', 'validity', 'seconds_a_clip'


@torch.no_grad()
def read_test_set(model: nn.Module, loader: DataLoader) -> Batches:
    """``(SemanticTokens, data samples)`` of each batch."""
    batches = []
    for data in tqdm(loader, desc='tokens', leave=False):
        data = model.data_preprocessor(data, False)
        feats, _ = model.extract_feat(data['inputs'], test_mode=True)
        batches.append((type(feats)(*feats), data['data_samples']))
    return batches


@torch.no_grad()
def by_scores(head: nn.Module, batches: Batches) -> SampleList:
    """Samples with the scores of a head."""
    return [sample for feats, samples in tqdm(batches, leave=False)
            for sample in head.predict(feats, copy.deepcopy(samples))]


def by_option(head: nn.Module, batches: Batches,
              option: Dict) -> SampleList:
    head.scoring = Scoring(**option)
    return by_scores(head, batches)


@torch.no_grad()
def by_generation(head: nn.Module, batches: Batches) -> SampleList:
    """Samples with 1 for the name that the generated text is most like."""
    out = []
    for feats, samples in tqdm(batches, leave=False):
        for [name], sample in zip(
                generate_and_match(head, feats), copy.deepcopy(samples)):
            score = torch.zeros(head.num_classes)
            score[head.classes.names.index(name)] = 1.
            out.append(sample.set_pred_score(score).set_pred_label(
                int(score.argmax())))
    return out


def load_linear_head(cfg: Config, checkpoint: str,
                     codes: Tuple[int, int]) -> nn.Module:
    """The head of another checkpoint.

    Raises:
        ValueError: It has other codes (K, C).
    """
    settings = copy.deepcopy(cfg.model)
    settings.cls_head.type = 'LVLMLinearHead'
    model = MODELS.build(settings).eval()
    load_checkpoint(model, checkpoint, 'cpu', strict=True)
    if not torch.equal(model.neck.quantizer.codebook, codes):
        raise ValueError(f'--linear {checkpoint}: its codebook is another '
                         'one; train it on the tokens of the checkpoint')
    return model.cls_head


def by_light_head(batches: Batches) -> SampleList:
    """Samples with the probabilities of the neck's auxiliary head."""
    out = []
    for feats, samples in batches:
        scores = feats.light_scores[:, 1].softmax(-1)
        for score, sample in zip(scores, copy.deepcopy(samples)):
            out.append(sample.set_pred_score(score).set_pred_label(
                int(score.argmax())))
    return out


def with_temperature(samples: SampleList) -> SampleList:
    """Each half's probabilities at the temperature of the other half."""
    out = []
    order = torch.randperm(len(samples)).tolist()
    halves = order[::2], order[1::2]
    for own, other in (halves, halves[::-1]):
        logits = torch.stack(
            [samples[i].pred_score for i in other]).clamp(min=1e-12).log()
        labels = torch.cat([samples[i].gt_label for i in other])
        temperature = fit_temperature(logits, labels)
        for i in own:
            sample = copy.deepcopy(samples[i])
            logit = sample.pred_score.clamp(min=1e-12).log()
            out.append(sample.set_pred_score(
                (logit / temperature).softmax(-1)))
    return out


def figures_of(name: str, samples: SampleList) -> Dict:
    evaluator = Evaluator(
        [dict(type='AccMetric'), dict(type='CalibrationMetric')])
    for sample in samples:
        if name not in OPTIONS:  # of other scores than these
            sample.pop('pred_validity', None)
    evaluator.process(samples, None)
    found = evaluator.evaluate(len(samples))
    figures = dict(top1=found['acc/top1'], mean_class=found['acc/mean1'])
    if name not in HARD:
        figures.update({k: found[f'calibration/{k}']
                        for k in ('nll', 'ece', 'validity')
                        if f'calibration/{k}' in found})
    return figures


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    cfg.test_dataloader.batch_size = args.batch
    init_default_scope('mmaction')
    torch.manual_seed(0)
    for checkpoint in filter(None, (args.checkpoint, args.linear)):
        find_checkpoint(checkpoint)
    model = MODELS.build(cfg.model).eval()
    head = model.cls_head
    if not isinstance(head, LVLMHead):
        raise ValueError(f'{args.config}: `cls_head` is a '
                         f'{type(head).__name__}; LVLMHead has options')
    load_checkpoint(model, args.checkpoint, 'cpu', strict=True)
    batches = read_test_set(model, Runner.build_dataloader(
        cfg.test_dataloader, seed=0))
    ways = {name: lambda option=option: by_option(head, batches, option)
            for name, option in OPTIONS.items()}
    ways['generate + match'] = lambda: by_generation(head, batches)
    if args.linear:
        linear = load_linear_head(cfg, args.linear,
                                  model.neck.quantizer.codebook)
        ways['linear head'] = lambda: by_scores(linear, batches)
    if batches[0][0].light_scores.numel():
        ways['light head'] = lambda: by_light_head(batches)

    clips = sum(len(samples) for _, samples in batches)
    results, refused = {}, {}
    for name, way in ways.items():
        start = time.perf_counter()
        try:
            samples = way()
        except ValueError as e:  # an option that these names do not allow
            refused[name] = str(e)
            continue
        seconds = (time.perf_counter() - start) / clips
        results[name] = dict(figures_of(name, samples),
                             seconds_a_clip=seconds)
        if name == 'exact':
            results['exact, temperature fitted'] = dict(
                figures_of('exact, temperature fitted',
                           with_temperature(samples)),
                seconds_a_clip=seconds)
        print(f'{name}: {seconds:.3f} s per clip', flush=True)
    rows = [[name, *(f'{figures[k]:.3f}' if k in figures else '-'
                     for k in COLUMNS)] for name, figures in results.items()]
    print(AsciiTable([('scoring', *COLUMNS), *rows],
                     title=f'{clips} clips').table)
    for name, why in refused.items():
        print(f'{name}: {why}')
    line = json.dumps(dict(config=args.config, clips=clips, results=results,
                           refused=refused))
    if args.json:
        Path(args.json).write_text(line + '\n')
    print(line)


if __name__ == '__main__':
    with user_errors():
        main()
