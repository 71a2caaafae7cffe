"""A plain baseline: a classifier of how strongly each kind of event shows.

Shapes: N clips, E kinds of events, K classes.
"""
from typing import Optional

import numpy as np
from scipy.optimize import minimize

KINDS_OF = 'linear', 'trees'


class EventClassifier:
    """Classify clips by the :func:`~lvlm_var_mm.kinematics.strengths` of their
    events: what it goes by are measures with a name.

    ``'linear'`` is logistic regression by a few hundred steps of L-BFGS on
    standardised strengths, what :class:`EventCountHead` trains in a Runner;
    ``'trees'`` are 300 extremely randomised trees of scikit-learn, which is
    the extra ``trees`` of this package.

    Args:
        kind (str): One of the two.
        decay (float): Of the squared weights of ``'linear'``.
        seed (int): Of the trees.

    Raises:
        ValueError: Another kind, or scikit-learn is not installed.
    """

    def __init__(self, kind: str = 'linear', decay: float = .01,
                 seed: int = 0) -> None:
        if kind not in KINDS_OF:
            raise ValueError(f'`kind` is {kind!r}; there are '
                             f'{", ".join(KINDS_OF)}')
        self.kind, self.decay, self.seed = kind, decay, seed
        self.classes: Optional[np.ndarray] = None

    def fit(self, found: np.ndarray, labels: np.ndarray) -> 'EventClassifier':
        """Train.

        Args:
            found (array): (N, E) strengths; NaN counts as 0.
            labels (array): (N, ).

        Returns:
            EventClassifier: Itself; ``classes`` are the labels that occur.
        """
        found = np.nan_to_num(found)
        self.classes, targets = np.unique(labels, return_inverse=True)
        if self.kind == 'trees':
            self.model = _trees(self.seed).fit(found, targets)
            return self
        deviation = found.std(0)
        self.scale = found.mean(0), np.where(deviation > 1e-6, deviation, 1)
        self.weights = _regress(
            (found - self.scale[0]) / self.scale[1], targets,
            len(self.classes), self.decay)
        return self

    def log_probabilities(self, found: np.ndarray) -> np.ndarray:
        """Return (N, K) for strengths (N, E), in the order of ``classes``."""
        found = np.nan_to_num(found)
        if self.kind == 'trees':
            return np.log(np.maximum(self.model.predict_proba(found), 1e-3))
        scores = _scores(self.weights,
                         (found - self.scale[0]) / self.scale[1])
        return scores - np.logaddexp.reduce(scores, 1, keepdims=True)

    def predict(self, found: np.ndarray) -> np.ndarray:
        """Return the labels (N, ) of strengths (N, E)."""
        return self.classes[self.log_probabilities(found).argmax(1)]


def _scores(weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    return inputs @ weights[:-1] + weights[-1]


def _regress(inputs: np.ndarray, targets: np.ndarray, classes: int,
             decay: float) -> np.ndarray:
    """(E + 1, K) weights and biases of logistic regression."""
    n, width = inputs.shape
    wanted = np.eye(classes)[targets]

    def loss(flat):
        weights = flat.reshape(width + 1, classes)
        scores = _scores(weights, inputs)
        logs = scores - np.logaddexp.reduce(scores, 1, keepdims=True)
        error = (np.exp(logs) - wanted) / n
        slope = np.vstack([inputs.T @ error + decay * weights[:-1],
                           error.sum(0)])
        return (-(logs * wanted).sum() / n
                + decay / 2 * (weights[:-1]**2).sum()), slope.ravel()

    return minimize(loss, np.zeros((width + 1) * classes), jac=True,
                    method='L-BFGS-B', options=dict(maxiter=300)).x.reshape(
                        width + 1, classes)


def _trees(seed: int):
    try:
        from sklearn.ensemble import ExtraTreesClassifier
    except ImportError as e:
        raise ValueError("trees need scikit-learn: pip install -e '.[trees]', "
                         "or take kind='linear'") from e
    return ExtraTreesClassifier(300, random_state=seed)
