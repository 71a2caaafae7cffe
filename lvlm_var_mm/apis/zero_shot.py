"""Name the class of a clip without any training: by what the descriptions of
classes claim, checked on the joints."""
from typing import Any, Dict

import numpy as np

from lvlm_var_mm.class_lists import ClassList
from lvlm_var_mm.kinematics.claim_scorer import ClaimScorer
from lvlm_var_mm.kinematics.events import Observation
from lvlm_var_mm.kinematics.strengths import claim_strength, strengths
from .answers import checked

NOTE = ('the class is that whose description says most that is true; no '
        'model was trained')
UNDECIDED = ('no class is named: the joints decide nothing that the '
             'descriptions claim')


def scorer_of(classes: ClassList) -> ClaimScorer:
    """Return what scores the classes by their descriptions.

    Raises:
        ValueError: No description claims anything.
    """
    scorer = ClaimScorer(classes.descriptions)
    if len(scorer.silent) == len(classes.names):
        raise ValueError('no class has a description that says what a body '
                         'does: write `name | description` lines')
    return scorer


def by_claims(classes: ClassList, seen: Observation, top_k: int = 5
              ) -> Dict[str, Any]:
    """Choose the class whose description is truest of a clip.

    Args:
        classes (ClassList): Names and descriptions.
        seen (Observation): Of the clip.
        top_k (int): Classes to list.

    Returns:
        dict: ``label``, ``class``, ``score`` and ``top`` as of a model, the
        scores being a softmax of :class:`ClaimScorer`'s evidence, which says
        which class fits best and is no probability; ``reason``, the
        description, and ``claims``, what it says, checked. Empty where the
        joints decide no claim of any class.

    Raises:
        ValueError: No description claims anything.
    """
    scorer = scorer_of(classes)
    found = strengths([seen])
    scores = scorer(found)[0].astype(float)
    # One of which nothing is decided would win with 0 where all others are
    # false.
    decided = np.array([any(np.isfinite(claim_strength(c, found)).all()
                            for c in made) for made in scorer.claims])
    if not decided.any():
        return {}
    scores[~decided] = -np.inf
    scores = np.exp(scores - scores.max())
    scores /= scores.sum()
    order = np.argsort(-scores, kind='stable')[:top_k]
    best = int(order[0])
    reason = classes.descriptions[best]
    return {
        'label': best, 'class': classes.names[best],
        'score': round(float(scores[best]), 6),
        'top': [{'class': classes.names[k], 'score': round(float(scores[k]),
                                                           6)}
                for k in order],
        'reason': reason, 'claims': checked(reason, seen)}
