"""Scores of a test, its figures, and the fusion of several tests.

Shapes: N clips, K classes.
"""
import json
import pickle
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

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
        names (tuple[str], optional): (N, ) of the clips.
    """
    logits: np.ndarray
    labels: np.ndarray
    names: Optional[Tuple[str, ...]] = None

    @property
    def answers(self) -> np.ndarray:
        return self.logits.argmax(1)

    @property
    def right(self) -> np.ndarray:
        """(N, ) bool."""
        return self.answers == self.labels


def read_dump(path: Union[str, Path], names: Optional[Sequence[str]] = None,
              labels: Optional[Sequence[int]] = None) -> Scores:
    """Read what ``tools/test.py --dump`` has written, ours or MMAction2's, or
    :func:`keep_scores`.

    Args:
        path (str | Path): The pickle, or JSON.
        names (sequence[str], optional): Of the clips in the order of the data
            set, checked where the dump names its clips.
        labels (sequence[int], optional): Theirs, checked as well.

    Raises:
        ValueError: The dump is of other clips, or no dump.
    """
    rows, scores, own = _read(path)
    if names is not None:
        if len(rows) != len(names):
            raise ValueError(f'{path}: {len(rows)} clips, but the test set '
                             f'has {len(names)}')
        for row, name in zip(rows, names):
            said = row.get('frame_dir')
            if said is not None and Path(said).name != Path(name).name:
                raise ValueError(f'{path}: clip {said!r} where the test set '
                                 f'has {name!r}')
    if labels is not None and (own != labels).any():
        i = int((own != labels).argmax())
        raise ValueError(f'{path}: clip {i} has label {own[i]}, in the test '
                         f'set {labels[i]}: it is of other clips, or in '
                         'another order')
    said = tuple(r.get('frame_dir') for r in rows)
    return Scores(
        log_softmax(as_logits(scores).double().numpy(), 1), own,
        tuple(names) if names is not None else said if all(said) else None)


def _read(path: Union[str, Path]) -> Tuple[List[Dict], torch.Tensor,
                                           np.ndarray]:
    """Return the rows of a dump, scores (N, K) and labels (N, ).

    Raises:
        ValueError: It is no dump; names it.
    """
    try:
        rows = load(str(path))
        scores = torch.stack([torch.as_tensor(r['pred_score']).float()
                              for r in rows])
        labels = np.array([int(torch.as_tensor(r['gt_label'])) for r in rows])
        bad = (scores.isnan() | (scores == torch.inf)).any(1).nonzero()
        if len(bad):
            i = int(bad[0])
            raise ValueError(f'clip {rows[i].get("frame_dir", i)!r} has NaN '
                             'or infinity')
        if labels.max() >= scores.shape[1]:
            raise ValueError(f'label {labels.max()} in scores of '
                             f'{scores.shape[1]} classes')
        return rows, scores, labels
    except (ValueError, TypeError, KeyError, RuntimeError, EOFError,
            pickle.UnpicklingError) as e:
        raise ValueError(f'{path} holds no scores ({e}): a list of dicts with '
                         '`pred_score` and `gt_label` is expected, as '
                         '`tools/test.py --dump` writes it') from e


def keep_scores(dump: Path, path: Path) -> None:
    """Write the scores of a dump as JSON, a line each clip, which
    :func:`read_dump` takes as well. It holds no code, unlike a pickle, and is
    small enough to keep beside the figures that were taken from it."""
    rows, scores, labels = _read(dump)
    logits = log_softmax(as_logits(scores).double().numpy(), 1)
    lines = [json.dumps(dict(frame_dir=row.get('frame_dir'),
                             gt_label=int(label),
                             pred_score=own.round(6).tolist()))
             for row, label, own in zip(rows, labels, logits)]
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


def as_ordered(scores: Scores, first: Scores) -> Scores:
    """Bring the clips of a test into the order of another test.

    Where not both have names, or not the same, labels have to tell.

    Raises:
        ValueError: The labels differ, so the clips do.
    """
    names = [[Path(name).name for name in s.names or ()]
             for s in (scores, first)]
    if names[0] != names[1] and all(
            len(set(own)) == len(first.labels) for own in names):
        at = {name: i for i, name in enumerate(names[0])}
        if at.keys() == set(names[1]):
            order = [at[name] for name in names[1]]
            scores = Scores(scores.logits[order], scores.labels[order],
                            first.names)
    if not np.array_equal(scores.labels, first.labels):
        raise ValueError('tests on different clips')
    return scores


def fuse(several: Sequence[Scores],
         weights: Optional[Sequence[float]] = None) -> Scores:
    """Add weighted log-probabilities.

    Raises:
        ValueError: They are not of the same clips.
    """
    first = several[0]
    several = [as_ordered(s, first) for s in several]
    widths = sorted({s.logits.shape[1] for s in several})
    if len(widths) > 1:
        raise ValueError(f'a fusion of tests with {widths[0]} and '
                         f'{widths[-1]} classes')
    weights = np.ones(len(several)) if weights is None else weights
    return Scores(log_softmax(sum(
        w * s.logits for w, s in zip(weights, several)), 1), first.labels,
        first.names)


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
