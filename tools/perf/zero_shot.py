"""Measure classes that training has not seen, on Northwestern-UCLA.

    NUCLA_PKL=nucla_3d.pkl python tools/perf/zero_shot.py
        [--protocol xsub] [--checkpoint CKPT0 CKPT1 CKPT2] [--classes FILE]

Three rotations, those of configs/zero_shot/: seven classes are seen, every
third one is not. The descriptions of the unseen ones are checked as claims on
the joints, with base rates of the training clips of the seen ones. What there
is to choose (evidence, standardising, penalty of seen classes, weights) is
chosen in each rotation by holding out its seen classes, three at a time.

Among all ten names, a linear classifier on the same events knows the seen
classes; with --checkpoint, of one training by configs/zero_shot/ for each
rotation, the language model does, which has an opinion of the unseen ones too.
Its weight for a rotation is chosen on the training clips of the classes that
the OTHER two checkpoints had held out and this rotation has seen.
The last line is JSON: `unseen` of each rotation; `harmonic_mean`, their mean.
"""
import argparse
import itertools
import json
import os
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--data', default=os.environ.get('NUCLA_PKL'),
                        help='pickle (default: NUCLA_PKL)')
    parser.add_argument('--protocol', choices=['xsub', 'xview'],
                        default='xsub')
    parser.add_argument('--classes', default='nucla',
                        help='class list of ten (default: %(default)s)')
    parser.add_argument('--checkpoint', nargs=3, metavar='FILE',
                        help='of rotations 0, 1 and 2')
    parser.add_argument('--config', default='zero_shot/lvlmvar_nucla_xsub.py',
                        help='of the checkpoints (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from terminaltables import AsciiTable
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.benchmark.nucla_events import EventClips as Clips
from lvlm_var_mm.benchmark.nucla_events import read_event_clips
from lvlm_var_mm.checkpoint.strict import load_strictly
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.evaluation import ZeroShotMetric
from lvlm_var_mm.evaluation.event_counts import EventClassifier
from lvlm_var_mm.kinematics import ClaimScorer
from lvlm_var_mm.kinematics.claim_scorer import Settings, choose_settings
from lvlm_var_mm.shipped import find_config

CLASSES, HELD = 10, 3
WEIGHTS = 0., .25, .5, 1., 2., 4., 8.
PENALTIES = np.linspace(-4, 8, 25)


def figures(scores: np.ndarray, labels: np.ndarray, unseen: Sequence[int],
            penalty: float = 0.) -> Dict[str, float]:
    """Percent, of ZeroShotMetric: (N, 10) log-scores."""
    metric = ZeroShotMetric(unseen, penalty)
    metric.process(None, [
        dict(pred_score=score, gt_label=label) for score, label in zip(
            torch.from_numpy(scores).float().softmax(1), labels)])
    return {key.split('/')[1]: 100 * value
            for key, value in metric.evaluate(len(labels)).items()}


class Opinions(NamedTuple):
    """(N, 10) scores of the claims, and log-probabilities by who was trained
    on the seen classes."""
    claims: np.ndarray
    known: np.ndarray

    def joined(self, weight: float) -> np.ndarray:
        """Return the scores of both together, (N, 10)."""
        return self.known + weight * self.claims


def ask(clips: Clips, train: Clips, seen: Sequence[int], chosen: Settings,
        descriptions: Sequence[str]) -> Opinions:
    """Ask claims and classifier; the classifier knows nothing of unseen
    classes, which each get the mean of what it gives to the seen."""
    claims = ClaimScorer(descriptions, *chosen[:2]).fit(train.found)
    sure = EventClassifier('linear').fit(
        train.found, train.labels).log_probabilities(clips.found)
    known = sure.mean(1, keepdims=True).repeat(CLASSES, 1)
    known[:, list(seen)] = sure
    return Opinions(claims(clips.found), known)


def choose_generalised(train: Clips, seen: Sequence[int], chosen: Settings,
                       descriptions: Sequence[str], both: bool
                       ) -> Tuple[Optional[float], float]:
    """Weight of the claims and penalty of seen classes, by the harmonic mean
    of held-out seen classes and halves of the clips of the rest. Without
    ``both``, claims alone: the weight is None."""
    tried: Dict[Tuple[Optional[float], float], List[float]] = {}
    half = np.arange(len(train.labels)) % 2 == 0
    for out in list(itertools.combinations(seen, HELD))[::4]:
        held = np.isin(train.labels, out)
        rest = [k for k in seen if k not in out]
        judged = train.of(held | half)
        asked = ask(judged, train.of(~held & ~half), rest, chosen,
                    descriptions)
        place = {k: i for i, k in enumerate(seen)}  # in order
        labels = np.array([place[k] for k in judged.labels])
        for weight in WEIGHTS[1:] if both else [None]:
            scores = asked.claims if weight is None else asked.joined(weight)
            for penalty in PENALTIES:
                tried.setdefault((weight, penalty), []).append(figures(
                    scores[:, seen], labels, [place[k] for k in out],
                    penalty)['harmonic_mean'])
    return max(tried, key=lambda key: np.mean(tried[key]))


# ------------------------------------------------------ the language model
@torch.no_grad()
def read_scores(config: str, rotation: int, checkpoint: str, data: str,
                split: str, clips: Clips) -> np.ndarray:
    """(N, 10) log-probabilities of a checkpoint for clips of a split."""
    os.environ['ROTATION'] = str(rotation)
    cfg = Config.fromfile(find_config(config))
    cfg.test_dataloader.dataset.update(split=split, ann_file=data)
    cfg.test_evaluator = [dict(type='AccMetric')]  # none is asked
    cfg.update(load_from=checkpoint, work_dir=f'work_dirs/zero_shot{rotation}')
    runner = Runner.from_cfg(cfg)
    load_strictly(runner)
    runner.load_or_resume()
    model, found = runner.model.eval(), {}
    loader = runner.build_dataloader(cfg.test_dataloader)
    for batch in tqdm(loader, desc=f'rotation {rotation}, {split}',
                      disable=None):
        for sample in model.test_step(batch):
            found[sample.frame_dir] = sample.pred_score.float().cpu().numpy()
    return np.log(np.maximum([found[n] for n in clips.names], 1e-30))


def choose_weight(rotation: int, read: Sequence[np.ndarray], train: Clips,
                  chosen: Sequence[Settings], descriptions: Sequence[str]
                  ) -> float:
    """The weight of the claims beside the language model: by the classes that
    the other two checkpoints had held out and this rotation has seen."""
    right = np.zeros(len(WEIGHTS))
    for other in {0, 1, 2} - {rotation}:
        out = unseen_of(other)
        scorer = ClaimScorer([descriptions[k] for k in out],
                             *chosen[rotation][:2])
        held = np.isin(train.labels, out)
        known = ~held & ~np.isin(train.labels, unseen_of(rotation))
        claims = scorer.fit(train.found[known])(train.found[held])
        model = read[other][held][:, out]
        labels = train.labels[held]
        for i, weight in enumerate(WEIGHTS):
            hit = np.array(out)[(model + weight * claims).argmax(1)] == labels
            right[i] += np.mean([hit[labels == k].mean() for k in out])
    return WEIGHTS[int(right.argmax())]


def unseen_of(rotation: int) -> List[int]:
    """The labels of configs/zero_shot/."""
    return list(range(rotation, CLASSES - 1, 3))


def main() -> None:
    args = parse_args()
    clips = read_event_clips(args.data, args.protocol)
    if args.checkpoint and args.protocol != 'xsub':
        raise ValueError('--checkpoint goes with --protocol xsub, that of '
                         f'{args.config}')
    names, descriptions = load_classes(args.classes, CLASSES)
    train, test, clean = map(clips.of, (clips.train, clips.test, clips.clean))
    rows = [measure(rotation, train, test, clean, descriptions)
            for rotation in range(3)]
    chosen = [row.pop('chosen') for row in rows]
    if args.checkpoint:
        add_language_model(rows, args, train, test, chosen, descriptions)
    report(rows, names)
    mean = {key: float(np.mean([row[key] for row in rows]))
            for key in rows[0] if isinstance(rows[0][key], float)}
    print(json.dumps(dict(
        unseen=[row['unseen'] for row in rows], mean_unseen=mean['unseen'],
        harmonic_mean=mean['harmonic'], means=mean, rotations=rows,
        protocol=args.protocol, clips=len(test.labels),
        clean_clips=len(clean.labels))))


def measure(rotation: int, train: Clips, test: Clips, clean: Clips,
            descriptions: Sequence[str]) -> Dict:
    """All figures of a rotation that need no checkpoint."""
    unseen = unseen_of(rotation)
    seen = [k for k in range(CLASSES) if k not in unseen]
    train = train.of(np.isin(train.labels, seen))  # no other is looked at
    chosen = choose_settings(descriptions, train.found, train.labels,
                             list(itertools.combinations(seen, HELD)))[0]
    row = dict(
        unseen_classes=unseen, evidence=chosen.evidence,
        standardise=chosen.standardise, held_out=100 * chosen.accuracy)
    plain = Settings('graded', True, 0.)
    for key, settings in ('unseen', chosen), ('unseen_defaults', plain):
        for name, clips in ('', test), ('_clean', clean):
            scores = ask(clips, train, seen, settings, descriptions).claims
            row[key + name] = figures(scores, clips.labels, unseen)[
                'unseen_top1']
    row['unseen_without_base'] = figures(ClaimScorer(descriptions)(
        test.found), test.labels, unseen)['unseen_top1']
    row['chance'] = 100 / len(unseen)
    share = np.bincount(test.labels, minlength=CLASSES)[unseen]
    row['majority_of_clips'] = float(100 * share.max() / share.sum())
    asked = ask(test, train, seen, chosen, descriptions)
    for key, both in ('harmonic_claims', False), ('harmonic', True):
        weight, penalty = choose_generalised(train, seen, chosen,
                                             descriptions, both)
        got = figures(asked.joined(weight) if both else asked.claims,
                      test.labels, unseen, penalty)
        row[key] = got['harmonic_mean']
        row[f'{key}_unseen'] = got['generalised_unseen']
        row[f'{key}_seen'] = got['generalised_seen']
        row[f'{key}_settings'] = [weight, penalty]
    row['chosen'] = chosen
    return row


def add_language_model(rows: List[Dict], args: argparse.Namespace,
                       train: Clips, test: Clips, chosen: Sequence[Settings],
                       descriptions: Sequence[str]) -> None:
    """The figures of the checkpoints, alone and combined."""
    read = [read_scores(args.config, r, file, args.data,
                        f'{args.protocol}_train', train)
            for r, file in enumerate(args.checkpoint)]
    for r, (row, file) in enumerate(zip(rows, args.checkpoint)):
        unseen = unseen_of(r)
        seen = ~np.isin(train.labels, unseen)
        model = read_scores(args.config, r, file, args.data,
                            f'{args.protocol}_val', test)
        weight = choose_weight(r, read, train, chosen, descriptions)
        claims = ClaimScorer(descriptions, *chosen[r][:2]).fit(
            train.found[seen])(test.found)
        for key, scores in (('language_model', model),
                            ('combined', model + weight * claims)):
            got = figures(scores, test.labels, unseen)
            row[f'{key}_unseen'] = got['unseen_top1']
            row[f'{key}_harmonic'] = got['harmonic_mean']
            row[f'{key}_ausuc'] = got['ausuc']
        row['weight'] = weight


def report(rows: List[Dict], names: Sequence[str]) -> None:
    """Print a table, a column for each rotation."""
    table: List[Sequence] = [('', *(
        '\n'.join(names[k] for k in row['unseen_classes']) for row in rows))]
    table += [(key, *(f'{row[key]:.1f}' for row in rows))
              for key in rows[0] if isinstance(rows[0][key], float)]
    print(AsciiTable(table, title='per cent').table)


if __name__ == '__main__':
    with user_errors():
        main()
