"""Names for codes: what a body does while a semantic action token lasts.

A name is earned from data. Of the body-part events that hold during nearly
all steps of a code, it is the one that sets the code apart: the one of the
largest pointwise mutual information with it.

Shapes: L tokens, K codes, E entries of :data:`VOCABULARY`.
"""
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from lvlm_var_mm.checkpoint.description import to_bytes
from lvlm_var_mm.kinematics import NAMES
from lvlm_var_mm.kinematics.vocabulary import INDEX

_LEFT = [name for name in NAMES if name.startswith('left ')]
_RIGHT = [f'right{name[4:]}' for name in _LEFT]
# What a code may be called: the body-part events, and what is true of
# either side.
VOCABULARY = (*NAMES, *(f'one{name[4:]}' for name in _LEFT))
UNNAMED = 'unnamed'


def steps_active(events: Sequence, span: Tuple[float, float],
                 num_tokens: int) -> Tensor:
    """Which entries of the vocabulary hold during which step of a clip.

    Args:
        events (array): (Q, 3 or more), a row for each body-part event: its
            number in ``kinematics.NAMES``, its start and its end in seconds;
            what else a row says does not matter here.
        span (tuple[float, float]): Seconds that the clip covers, on the
            clock of the events.
        num_tokens (int): L, equal steps of the span.

    Returns:
        Tensor: bool (L, E), whether an event lasts during some of a step.
    """
    active = torch.zeros(num_tokens, len(NAMES), dtype=torch.bool)
    events = torch.as_tensor(events).double()
    edges = torch.linspace(*span, num_tokens + 1, dtype=torch.float64)
    during = ((events[:, 1] < edges[1:, None])
              & (events[:, 2] > edges[:-1, None]))  # [L, Q]
    step, event = during.nonzero(as_tuple=True)
    active[step, events[event, 0].long()] = True
    left, right = ([INDEX[name] for name in side] for side in (_LEFT, _RIGHT))
    return torch.cat([active, active[:, left] | active[:, right]], 1)


def name_codes(counts: Tensor, totals: Tensor, support: int = 30,
               truth: float = 0.78,
               former: Optional[Sequence[str]] = None) -> List[str]:
    """Name each code.

    A name is hard to earn and easy to keep, so that it does not change with
    every view of the training clips: the share of a code's steps of which it
    is true must surely reach ``truth`` at first, and is then kept until it
    surely does not, or is no longer above that of other codes.

    Args:
        counts (Tensor): (K, E) steps of a code during which an entry of the
            vocabulary holds.
        totals (Tensor): (K, ) steps of a code.
        support (int): Steps that a code needs to be named.
        truth (float): The share of a code's steps of which its name must be
            true. The lower end of Wilson's 95 % interval must reach it, or
            the upper end for a name to be kept: the fewer the steps, the
            clearer they must be.
        former (Sequence[str], optional): (K, ) the names so far.

    Returns:
        list[str]: (K, ) entries of the vocabulary; :data:`UNNAMED` where the
        evidence is too little.
    """
    counts, totals = counts.double(), totals.double()
    share = counts / totals.clamp(min=1)[:, None]
    usual = counts.sum(0) / totals.sum().clamp(min=1)
    information = (share / usual).nan_to_num(0).clamp(min=1e-9).log()
    enough = ((totals >= support)[:, None] & (information > 0)
              & (_lower_bound(share, totals[:, None]) >= truth))
    best, entry = information.where(enough, -1).max(1)
    names = [VOCABULARY[e] if b > 0 else UNNAMED
             for b, e in zip(best.tolist(), entry.tolist())]
    # The upper end is one less the lower end of the share that is not true.
    at_most = 1 - _lower_bound(1 - share, totals[:, None])
    keeps = (at_most >= truth) & (information > 0)
    numbers = {name: i for i, name in enumerate(VOCABULARY)}
    return [
        old if old in numbers and keeps[code, numbers[old]] else new
        for code, (old, new) in enumerate(zip(former or names, names))
    ]


def _lower_bound(share: Tensor, number: Tensor, z: float = 1.96) -> Tensor:
    """Lower end of Wilson's interval of a share measured ``number`` times."""
    number = number.clamp(min=1)
    spread = z * (share * (1 - share) / number
                  + z * z / (4 * number * number)).sqrt()
    return (share + z * z / (2 * number) - spread) / (1 + z * z / number)


def old_codes_are_unnamed(neck: nn.Module, state_dict: Dict, prefix: str,
                          *args) -> None:
    """Before a neck loads: checkpoints from before the codes had names load
    strictly too."""
    if any(key.startswith(f'{prefix}quantizer') for key in state_dict):
        state_dict.setdefault(f'{prefix}_extra_state',
                              to_bytes([UNNAMED] * len(neck.code_names)))
