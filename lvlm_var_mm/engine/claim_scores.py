"""Combine a head's scores with those of claims, in tests."""
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from tqdm import tqdm

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.kinematics import ClaimScorer
from lvlm_var_mm.kinematics.strengths import strengths_of_rows
from mmaction.registry import DATASETS, HOOKS
from mmaction.utils import SampleList
from .reasons import events_of, leaves


class ClaimOpinion:
    """Add the scores of a :class:`ClaimScorer` to those of a head.

    Args:
        scorer (ClaimScorer): Of the classes of the head.
        weight (float, optional): Of the claims, added to the logarithm of
            ``pred_score``; None lets them decide alone.
    """

    def __init__(self, scorer: ClaimScorer,
                 weight: Optional[float] = None) -> None:
        self.scorer, self.weight = scorer, weight

    def __call__(self, data_samples: SampleList) -> SampleList:
        """Set ``pred_claim_score`` (K, ), and ``pred_score`` and
        ``pred_label`` anew.

        Raises:
            ValueError: A sample has no ``events``, or the head scores another
                number of classes.
        """
        found = np.stack([_strengths(s) for s in data_samples])
        told = torch.from_numpy(self.scorer(found)).float()
        for sample, claims in zip(data_samples, told):
            score = sample.pred_score
            claims = claims.to(score.device)
            if self.weight is not None and claims.shape != score.shape:
                raise ValueError(
                    f'the model scores {len(score)} classes, the descriptions '
                    f'are of {len(claims)}: give both the same class list')
            logits = claims if self.weight is None else (
                score.float().clamp_min(torch.finfo(torch.float32).tiny).log()
                + self.weight * claims)
            sample.set_field(claims, 'pred_claim_score')
            # Claims alone may be of other classes than the head's.
            sample.set_metainfo(dict(num_classes=len(logits)))
            sample.set_pred_score(logits.softmax(0))
            sample.set_pred_label(logits.argmax())
        return data_samples


def _strengths(sample: Dict) -> np.ndarray:
    """(E, ) of a data sample, or of the results of a transform."""
    events = sample.get('events')
    if events is None:
        raise ValueError(
            'claims are checked on body-part events, which these samples lack:'
            " put BodyPartEvents into the pipeline, and 'events' and "
            "'decidable' into the `meta_keys` of PackActionInputs")
    return strengths_of_rows(events, sample.get('decidable'))


@HOOKS.register_module()
class ClaimScoresHook(Hook):
    """Combine the scores of a model with what the descriptions of its classes
    claim of the joints (:class:`~lvlm_var_mm.kinematics.ClaimScorer`), in
    every test. All metrics, dumps and explanations then are of the
    combination.

    It works for any head that makes ``pred_score`` with ``predict_by_feat``,
    and asks the data samples for ``events`` and ``decidable``. Base rates are
    measured on the training set of the config, which holds clips of the seen
    classes alone; where it cannot be read, evidence is without a base, and
    the log says so.

    Args:
        weight (float, optional): See :class:`ClaimOpinion`; by default the
            claims decide alone. ``tools/perf/zero_shot.py`` finds one.
        class_names (str | list, optional): Names and descriptions. Defaults
            to those of the head.
        scorer (dict): Other settings of ``ClaimScorer``.
        most (int): Training clips to measure base rates on, evenly spaced.

    Raises:
        ValueError: Without ``class_names``, a head that has none.
    """

    def __init__(self, weight: Optional[float] = None,
                 class_names: Union[str, Sequence, None] = None,
                 scorer: Optional[Dict] = None, most: int = 4000) -> None:
        self.weight, self.class_names = weight, class_names
        self.scorer, self.most = scorer or {}, most

    def before_test(self, runner: Runner) -> None:
        model = runner.model
        head = (model.module if is_model_wrapper(model) else model).cls_head
        source = self.class_names or getattr(head, 'classes', None)
        if source is None:
            raise ValueError(f'ClaimScoresHook: {type(head).__name__} has no '
                             'class list: set `class_names`')
        classes = load_classes(source)
        scorer = ClaimScorer(classes.descriptions, **self.scorer)
        silent = [classes.names[k] for k in scorer.silent]
        if silent:
            runner.logger.warning(
                'nothing that joints decide is claimed by the descriptions '
                f'of: {", ".join(silent[:5])}'
                + (f' and {len(silent) - 5} more' if silent[5:] else ''))
        base = self._base(runner)
        if base is None:
            runner.logger.warning(
                'no training set with body-part events: claims are weighed '
                'without base rates, as if any were true of half the clips')
        else:
            scorer.fit(base)
        give_opinion(head, ClaimOpinion(scorer, self.weight))

    def _base(self, runner: Runner) -> Optional[np.ndarray]:
        """(N, E) strengths in clips of the training set, None without one."""
        loader = runner.cfg.get('train_dataloader')
        if not loader:
            return None
        try:
            dataset = DATASETS.build(loader['dataset'])
        except (FileNotFoundError, ValueError) as e:
            runner.logger.warning(f'the training set cannot be read: {e}')
            return None
        clips = [(leaf, i) for leaf in leaves(dataset)
                 for i in range(len(leaf))]
        even = np.unique(np.linspace(
            0, len(clips) - 1, min(self.most, len(clips))).astype(int))
        found: List[np.ndarray] = []
        for i in tqdm(even, desc='base rates', unit='clip', disable=None):
            known = events_of(*clips[i])
            # None of corrupt ones, of which the doctor tells.
            if known is not None and known.events is not None:
                found.append(strengths_of_rows(known.events, known.decidable))
        return np.stack(found) if found else None


def give_opinion(head: torch.nn.Module, opinion: ClaimOpinion) -> None:
    """Let ``head.predict_by_feat`` end with an opinion; a former one goes."""
    own = type(head).predict_by_feat.__get__(head)

    def predict_by_feat(cls_scores: torch.Tensor,
                        data_samples: SampleList) -> SampleList:
        return opinion(own(cls_scores, data_samples))

    head.predict_by_feat = predict_by_feat
