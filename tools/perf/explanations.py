"""Measure what the reasons of a model are worth.

    python tools/perf/explanations.py CONFIG CHECKPOINT [CONFIG CHECKPOINT ...]
        [--clips N] [--batch 16] [--json FILE] [--examples 5]
        [--cfg-options KEY=VALUE ...]

Each pair is a variant, such as tokens alone and tokens with a narrative in the
prompt. Of every test clip the model writes a reason, which is checked on the
joints (ExplanationMetric); the steps it names are erased, beside random ones
(lvlm_var_mm/evaluation/faithfulness.py), and the body is frozen during them
(frozen.py there); of the same clip in a mirror another reason is written,
whose sides should have changed over. The config needs skeletons in space, and
BodyPartEvents in its test pipeline. Of the made sample it is known what truly
happens, so there the judge of the reasons is judged, too. The last line is
JSON:

claim_precision                 true claims among the decidable, as generated
dropped_by_verification         share of claims that verification takes out
event_recall                    of the five most salient motions
comprehensiveness_minus_random  probability lost without the named steps, above
                                that lost without random ones
frozen_minus_random             the same where the body holds still during
                                these steps
rule_...                        recall, comprehensiveness and frozen of the
                                reasons that rules write for the predicted
                                class, as those of training: what a model that
                                has learned them perfectly would reach
mirror_follows                  claims of one side that change over
distinct_reasons_per_class      sets of claims
seconds_a_clip                  of generation
judge_right                     (made sample) verdicts of the joints that are
                                true, of those that the truth decides
verified_truth                  (made sample) true claims after verification,
                                by the truth instead of the joints;
                                verified_truth_chance: on other clips
dropped_though_true             (made sample) of the claims that verification
                                takes out
"""
import argparse
import copy
import json
from pathlib import Path
from typing import Dict, List, Tuple

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('variants', nargs='+', metavar='CONFIG CHECKPOINT')
    parser.add_argument('--clips', type=int,
                        help='so many of the test set, evenly spread')
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--examples', type=int, default=5,
                        help='print the reasons of so many clips')
    parser.add_argument('--json', metavar='FILE',
                        help='write the last line there as well')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE')
    args = parser.parse_args()
    if len(args.variants) % 2:
        parser.error('each CONFIG needs its CHECKPOINT')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from terminaltables import AsciiTable
from torch import nn
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets.ntu.origin import MARKER, is_made
from lvlm_var_mm.datasets.transforms.events import BodyPartEvents
from lvlm_var_mm.datasets.transforms.mirror import MirrorSkeleton3D
from lvlm_var_mm.evaluation import ExplanationMetric
from lvlm_var_mm.evaluation.explanation_metric import precision, recall
from lvlm_var_mm.evaluation.faithfulness import (does_it_read, faithfulness,
                                                 steps_of)
from lvlm_var_mm.evaluation.frozen import frozen_spans
from lvlm_var_mm.kinematics import check, claims, mirrored, observation_of
from lvlm_var_mm.kinematics.vocabulary import SIDES
from lvlm_var_mm.models.tokens import tokens_of
from lvlm_var_mm.shipped import find_config
from lvlm_var_mm.synthetic.truth import truth_of
from mmaction.registry import DATASETS, MODELS


def main() -> None:
    args = parse_args()
    init_default_scope('mmaction')
    results = {}
    for checkpoint in args.variants[1::2]:
        find_checkpoint(checkpoint)
    for config, checkpoint in zip(args.variants[::2], args.variants[1::2]):
        cfg = Config.fromfile(find_config(config))
        cfg.merge_from_dict(args.cfg_options or {})
        torch.manual_seed(0)
        model = MODELS.build(cfg.model).eval()
        load_checkpoint(model, checkpoint, 'cpu', strict=True)
        dataset = DATASETS.build(cfg.test_dataloader.dataset)
        name = Path(config).stem
        results[name] = measure(model, dataset, config, args)
    rows = [[name, *(f'{r[key]:.3f}' if key in r else '-'
                     for r in results.values())]
            for name, key in ((k, k) for k in next(iter(results.values())))]
    print(AsciiTable([('', *results), *rows]).table)
    line = json.dumps(results)
    if args.json:
        Path(args.json).write_text(line + '\n')
    print(line)


@torch.no_grad()
def measure(model: nn.Module, dataset: torch.utils.data.Dataset, config: str,
            args: argparse.Namespace) -> Dict[str, float]:
    """Return the figures of one variant, without those of nothing.

    Raises:
        ValueError: The test pipeline measures no events, or the joints are
            those of pictures.
    """
    events = next((t for t in dataset.pipeline.transforms
                   if isinstance(t, BodyPartEvents)), None)
    if events is None:
        raise ValueError(f'{config}: its test pipeline has no '
                         '`BodyPartEvents`, by which reasons are checked')
    # Refused here, and not after minutes, where joints cannot be mirrored.
    mirror = MirrorSkeleton3D(events.layout, prob=1., up=events.up)
    which = np.arange(len(dataset))
    if args.clips and args.clips < len(which):
        which = which[np.linspace(0, len(which) - 1, args.clips).astype(int)]
    # A batch of several classes: tokens are swapped between them.
    which = np.random.default_rng(0).permutation(which)
    head = model.cls_head
    metric = ExplanationMetric(class_names=head.classes.names)
    erased: Dict[str, List] = {}
    hits: Dict[str, int] = {}
    tried: Dict[str, int] = {}
    sides: List[bool] = []
    seconds, shown = [], 0
    told: List[Dict] = []
    ruled: List[Tuple] = []
    for start in tqdm(range(0, len(which), args.batch), desc=Path(
            config).stem):
        some = which[start:start + args.batch]
        tokens, samples = explained(model, [dataset[int(i)] for i in some])
        metric.process(None, [s.to_dict() for s in samples])
        told += [dict(name=s.get('frame_dir', ''), raw=s.pred_raw_reason,
                      verified=s.pred_reason,
                      seen=observation_of(s.events, s.decidable))
                 for s in samples]
        seconds += [s.pred_reason_seconds for s in samples]
        by_rule = by_rules(head, samples)
        ruled += [(claims(s.pred_reason),
                   observation_of(s.events, s.decidable)) for s in by_rule]
        for prefix, some_samples in (('', samples), ('rule_', by_rule)):
            for key, values in faithfulness(head, tokens,
                                            some_samples).items():
                erased.setdefault(prefix + key, []).extend(values.tolist())
            for key, values in frozen_spans(model, dataset, some,
                                            some_samples,
                                            steps_of(tokens)).items():
                erased.setdefault(f'{prefix}frozen_{key}', []).extend(
                    values.tolist())
        labels = torch.cat([s.gt_label for s in samples])
        for key, number in does_it_read(head, tokens, samples,
                                        labels).items():
            hits[key] = hits.get(key, 0) + number
            tried[key] = tried.get(key, 0) + len(some)
        _, others = explained(model, [
            mirrored_clip(dataset, int(i), mirror) for i in some])
        sides += [f for one, other in zip(samples, others)
                  for f in follows(one.pred_raw_reason,
                                   other.pred_raw_reason)]
        for sample in samples[:max(0, args.examples - shown)]:
            shown += 1
            tqdm.write(f'{head.classes.names[int(sample.pred_label)]} '
                       f'(true: {head.classes.names[int(sample.gt_label)]}): '
                       f'{sample.pred_raw_reason}')
    found = {key.split('/')[1]: value
             for key, value in metric.evaluate(len(which)).items()}
    means = {key: float(np.nanmean(values)) if not np.isnan(values).all()
             else float('nan') for key, values in erased.items()}
    found.update(
        distinct_reasons_per_class=found.pop('distinct_reasons'),
        dropped_by_verification=found.get('dropped_by_verification', 0.),
        **{key.replace('frozen_comprehensiveness', 'frozen')
           + '_minus_random': means[key] - means[f'{key}_random']
           for key in means if not key.endswith('_random')},
        names_some_steps=float(1 - np.isnan(
            erased['comprehensiveness']).mean()),
        seconds_a_clip=float(np.median(seconds)),
        **{f'top1_{key}': number / tried[key]
           for key, number in hits.items()})
    if is_made(getattr(dataset, 'data_root', None) or ''):
        found.update(judged(told, json.loads(Path(
            dataset.data_root, MARKER).read_text())['seed']))
    if recall(ruled) is not None:  # something happens in some clip
        found.update(rule_event_recall=recall(ruled))
    if sides:
        found.update(mirror_follows=float(np.mean(sides)),
                     claims_of_a_side=len(sides))
    return {key: value for key, value in found.items() if value == value}


def explained(model: nn.Module, clips: List[Dict]) -> Tuple:
    """Return tokens of the first view and data samples with reasons."""
    data = model.data_preprocessor(pseudo_collate(clips), False)
    samples, head = data['data_samples'], model.cls_head
    tokens = tokens_of(model, data['inputs'])
    views = len(tokens.ids) // len(samples)
    inputs = head.prompt_inputs(tokens, samples)
    samples = head.predict_inputs(tokens, inputs, samples)
    samples = head.write_reasons(inputs, samples, verify=True)
    return tokens.clips(slice(None, None, views)), samples


def by_rules(head: nn.Module, samples: List) -> List:
    """Return copies of data samples whose reasons are those that training
    would give for the predicted class."""
    copies = []
    for sample in samples:
        text = head.reasons.write(int(sample.pred_label), sample)
        sample = copy.copy(sample)
        sample.set_field(text or '', 'pred_reason')
        copies.append(sample)
    return copies


def judged(told: List[Dict], seed: int) -> Dict[str, float]:
    """Judge the joints' verdicts on the reasons of made clips by what truly
    happens in them, see the head of this file. Figures of nothing are left
    out."""
    truths = [truth_of(clip['name'], seed) for clip in told]
    right, dropped = [], []
    for clip, truth in zip(told, truths):
        kept = claims(clip['verified'])
        for claim in claims(clip['raw']):
            said, true = check(claim, clip['seen']), check(claim, truth)
            right.append(None if None in (said, true) else said == true)
            dropped.append(None if claim in kept else true)
    verified = [claims(clip['verified']) for clip in told]
    others = np.random.default_rng(0).permutation(len(told))
    figures = dict(
        judge_right=precision([right]),
        verified_truth=precision([[check(c, t) for c in made]
                                  for made, t in zip(verified, truths)]),
        verified_truth_chance=precision([[check(c, truths[i]) for c in made]
                                         for made, i in zip(verified,
                                                            others)]),
        dropped_though_true=precision([dropped]))
    return {k: v for k, v in figures.items() if v is not None}


def mirrored_clip(dataset: torch.utils.data.Dataset, i: int,
                  mirror: MirrorSkeleton3D) -> Dict:
    """Return clip ``i`` as a mirror shows it, through the pipeline."""
    info = copy.deepcopy(dataset.get_data_info(i))
    for key in ('events', 'decidable', 'events_key', 'explanation'):
        info.pop(key, None)  # measured anew; of the clip as it was
    info['frame_dir'] = f'{info.get("frame_dir", i)}, mirrored'
    return dataset.pipeline(mirror(info))


def follows(reason: str, other: str) -> List[bool]:
    """Compare the reasons of a clip and of its mirror image: whether each
    claim of one side is one of the other side there. What is not claimed
    there of either side does not count."""
    there = set(claims(other))
    found = []
    for claim in claims(reason):
        if claim.part.split()[0] in SIDES and not claim.negated:
            changed = claim._replace(part=mirrored(claim.part))
            if changed in there or claim in there:
                found.append(changed in there)
    return found


if __name__ == '__main__':
    with user_errors():
        main()
