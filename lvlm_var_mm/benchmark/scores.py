"""Scores of a test, its figures, and the fusion of several tests.

Shapes: N clips, K classes.
"""
import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.fileio import load
from scipy.optimize import minimize
from scipy.special import log_softmax

from lvlm_var_mm.atomic import write_text
from lvlm_var_mm.evaluation.calibration import CalibrationMetric, as_logits

# Keeps the weights of a fusion finite where the clips are told apart by all.
RIDGE = .01


class Scores(NamedTuple):
    """Hold the class scores of a model on some clips.

    Attributes:
        logits (np.ndarray): (N, K) log-probabilities.
        labels (np.ndarray): (N, )
    """
    logits: np.ndarray
    labels: np.ndarray

    @property
    def answers(self) -> np.ndarray:
        return self.logits.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """(N, ) bool."""
        return self.answers == self.labels


def read_dump(path: Union[str, Path],
              names: Optional[Sequence[str]] = None) -> Scores:
    """Read what ``tools/test.py --dump`` has written, ours or MMAction2's, or
    :func:`keep_scores`.

    Args:
        path (str | Path): The pickle, or JSON.
        names (sequence[str], optional): Of the clips in the order of the data
            set, checked where the dump names its clips.

    Raises:
        ValueError: The dump is of other clips, or no dump.
    """
    rows = load(str(path))
    if not isinstance(rows, list) or not rows or not all(
            isinstance(r, dict) and {'pred_score', 'gt_label'} <= set(r)
            for r in rows):
        raise ValueError(f'{path} holds no scores: a list of dicts with '
                         '`pred_score` and `gt_label` is expected, as '
                         '`tools/test.py --dump` writes it')
    if names is not None:
        if len(rows) != len(names):
            raise ValueError(f'{path}: {len(rows)} clips, but the test set '
                             f'has {len(names)}')
        for row, name in zip(rows, names):
            said = row.get('frame_dir')
            if said is not None and Path(said).name != Path(name).name:
                raise ValueError(f'{path}: clip {said!r} where the test set '
                                 f'has {name!r}')
    logits = as_logits(torch.stack([
        torch.as_tensor(r['pred_score']).float() for r in rows]))
    return Scores(log_softmax(logits.double().numpy(), 1),
                  np.array([int(r['gt_label']) for r in rows]))


def keep_scores(dump: Path, path: Path) -> None:
    """Write the scores of a dump as JSON, a line each clip, which
    :func:`read_dump` takes as well: it holds no code, as a pickle does, and is
    small enough to be kept beside the figures that were taken from it."""
    scores = read_dump(dump)
    lines = [
        json.dumps(dict(frame_dir=row.get('frame_dir'), gt_label=int(label),
                        pred_score=[round(float(x), 4) for x in logits]))
        for row, label, logits in zip(load(str(dump)), scores.labels,
                                      scores.logits)]
    write_text(path, '[\n' + ',\n'.join(lines) + '\n]\n')


def figures(scores: Scores, keep: Optional[np.ndarray] = None
            ) -> Dict[str, float]:
    """The figures of a test, in percent.

    Args:
        scores (Scores): Of all clips.
        keep (np.ndarray, optional): (N, ) bool, the clips that count.

    Returns:
        dict: ``top1``, ``top5``, ``mean_class`` over the classes that occur,
        ``ece`` and ``clips``.
    """
    if keep is not None:
        scores = Scores(scores.logits[keep], scores.labels[keep])
    own = scores.logits[np.arange(len(scores.labels)), scores.labels]
    rank = (scores.logits > own[:, None]).sum(1)
    by_class = recalls(scores)
    metric = CalibrationMetric()
    rows = [
        dict(score=torch.from_numpy(s).float(), label=int(k), validity=None)
        for s, k in zip(scores.logits, scores.labels)]
    return dict(
        top1=100 * float(scores.right.mean()),
        top5=100 * float((rank < 5).mean()),
        mean_class=100 * float(np.mean(list(by_class.values()))),
        ece=100 * metric.compute_metrics(rows)['ece'],
        clips=len(scores.labels))


def recalls(scores: Scores) -> Dict[int, float]:
    """Part of the clips of each class that is answered right."""
    return {int(k): float(scores.right[scores.labels == k].mean())
            for k in np.unique(scores.labels)}


def fuse(several: Sequence[Scores],
         weights: Optional[Sequence[float]] = None) -> Scores:
    """Add weighted log-probabilities.

    Raises:
        ValueError: They are not of the same clips.
    """
    first = several[0]
    if any(not np.array_equal(s.labels, first.labels) for s in several):
        raise ValueError('a fusion of tests on different clips')
    weights = np.ones(len(several)) if weights is None else weights
    return Scores(log_softmax(sum(
        w * s.logits for w, s in zip(weights, several)), 1), first.labels)


def fit_weights(several: Sequence[Scores]) -> List[float]:
    """Find the weights, 1 in the mean and none below 0, at which the fusion
    gives the labels of these clips the highest likelihood.

    Args:
        several (sequence[Scores]): Of clips that are no test clips.
    """
    number = len(several)

    def loss(free: np.ndarray) -> float:
        weights = number * np.exp(log_softmax(free))
        fused = fuse(several, weights)
        own = fused.logits[np.arange(len(fused.labels)), fused.labels]
        return -own.mean() + RIDGE * ((weights - 1)**2).mean()

    found = minimize(
        loss, np.zeros(number), method='Nelder-Mead',
        options=dict(xatol=1e-3, fatol=1e-6, maxiter=400 * number))
    return [float(w) for w in number * np.exp(log_softmax(found.x))]
