"""Reasons that a head learns: the true events of each clip that speak for its
class.

Shapes: C classes, E kinds of events.
"""
from typing import Dict, Iterable, Optional, Tuple

import numpy as np
import torch
from torch import Tensor, nn

from lvlm_var_mm.kinematics import KINDS
from lvlm_var_mm.kinematics.reasons import kinds_of, log_odds, write_reason
from lvlm_var_mm.kinematics.rows import observation_of
from mmaction.structures import ActionDataSample
from ..lvlm.words import sample_events

DRAWS = 8  # wordings that training draws from
# As long as they get, for what counts positions.
LONGEST = (
    'First the right hand swings from side to side a long way at the start, '
    'and at the same time the left hand moves back and forth a long way, and '
    'at the same time the right foot swings from side to side a long way, and '
    'at the same time the right hand stays at the face for some 2 seconds, '
    'and at the same time the left hand stays near the head for some 2 '
    'seconds towards the end.')


class ClipReasons(nn.Module):
    """Write reasons from the events of a clip and from how often events of
    each kind happen in the clips of each class of a training set.

    The counts are kept in checkpoints. Until there are some, nothing can be
    written.

    Args:
        num_classes (int): C.
        used (bool): Whether the head learns them; counts are kept either
            way, so that a checkpoint fits both.

    Attributes:
        counts (Tensor): (C, E) clips of a class in which such an event is
            worth telling.
        totals (Tensor): (C, ) clips of a class.
    """

    def __init__(self, num_classes: int, used: bool = True) -> None:
        super().__init__()
        self.num_classes, self.used = num_classes, used
        self.register_buffer('counts', torch.zeros(num_classes, len(KINDS)))
        self.register_buffer('totals', torch.zeros(num_classes))
        self.register_load_state_dict_pre_hook(make_room_for_counts)
        self._evidence: Tuple = ()

    @property
    def fitted(self) -> bool:
        """Return whether there are counts."""
        return bool((self.totals > 0).any())

    def fit(self, clips: Iterable[Tuple[int, np.ndarray, float]]) -> int:
        """Count the events of the clips of a training set.

        Args:
            clips (iterable): Label and ``events`` (Q, 5) of each, and by
                which share of a clip it counts.

        Returns:
            int: How many there were.
        """
        # Those of a checkpoint may be of other classes.
        counts = np.zeros((self.num_classes, len(KINDS)))
        totals = np.zeros(self.num_classes)
        unasked = np.zeros(len(KINDS), bool)  # what happened is counted
        for label, events, share in clips:
            counts[label] += share * kinds_of(observation_of(events, unasked))
            totals[label] += share
        self.set_counts(torch.from_numpy(counts), torch.from_numpy(totals))
        return round(totals.sum())

    def set_counts(self, counts: Tensor, totals: Tensor) -> None:
        """Take the counts (C, E) and totals (C, ) of another copy."""
        self.counts = self.counts.new_zeros(
            self.num_classes, len(KINDS)).copy_(counts)
        self.totals = self.totals.new_zeros(self.num_classes).copy_(totals)
        self._evidence = ()

    def evidence(self) -> np.ndarray:
        """Return (C, E) log-odds, see :func:`~lvlm_var_mm.kinematics.reasons.
        log_odds`."""
        state = self.counts.data_ptr(), self.counts._version
        if not self._evidence or self._evidence[0] != state:
            self._evidence = state, log_odds(self.counts.cpu().numpy(),
                                             self.totals.cpu().numpy())
        return self._evidence[1]

    def write(self, label: int, sample: ActionDataSample,
              draw: int = 0) -> Optional[str]:
        """Write the reason of a clip.

        Args:
            label (int): Of the class to speak for.
            sample (:obj:`ActionDataSample`): With ``events``.
            draw (int): Which wording.

        Returns:
            str | None: None where there are no counts or no events, or they
            are not ``used``.
        """
        if not (self.used and self.fitted) or label >= len(self.totals):
            return None
        seen = sample_events(sample)
        if seen is None:
            return None
        span = sample.get('span')
        if span is not None:  # times are those of what is read
            seen = seen._replace(events=tuple(
                e._replace(start=e.start - span[0], end=e.end - span[0])
                for e in seen.events))
        return write_reason(
            self.evidence()[label], seen, str(sample.get('frame_dir')), draw,
            span and span[1] - span[0]) or None


def make_room_for_counts(reasons: ClipReasons, state_dict: Dict, prefix: str,
                         *args) -> None:
    """Before counts are loaded: those of other classes are taken, those of
    another vocabulary are not, and a checkpoint of an older version has
    none."""
    reasons._evidence = ()
    names = 'counts', 'totals'
    saved = [state_dict.get(prefix + name) for name in names]
    usable = (all(s is not None for s in saved)
              and saved[0].shape[1] == len(KINDS))
    for name, old in zip(names, saved):
        own = getattr(reasons, name)
        if not usable:
            state_dict[prefix + name] = torch.zeros_like(own)
        elif old.shape != own.shape:
            setattr(reasons, name, own.new_zeros(old.shape))
