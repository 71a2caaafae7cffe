"""The narrative of a prompt: the measured events of a clip in words, where
there are some, else the names of its codes."""
from itertools import groupby
from typing import Dict, List, Optional, Sequence, Tuple

import torch

from lvlm_var_mm.kinematics import Observation, observation_of
from lvlm_var_mm.kinematics.language import clauses
from mmaction.structures import ActionDataSample
from mmaction.utils import SampleList
from ..tokens import SemanticTokens, number_of_parts
from ..vst.code_names import UNNAMED, VOCABULARY
from .prompt import Prompt

NOTHING = 'not measured'
EXAMPLE = '0.4-1.1 s both hands rise; 0.9-1.6 s torso bends forward'
SOURCES = 'events', 'names'


class Narrator:
    """Tell of each clip what happens in it, with times, the most salient
    first, in no more than so many positions of the prompt.

    Events are those of the span that the tokens cover, so training reads
    another narrative for each part of a clip that it draws.

    Args:
        budget (int): The most positions that a narrative takes.
        drop (float): Share of the clips of training whose prompt says
            :data:`NOTHING` instead, so that one model serves with and
            without. Drawn by torch.
        brief (bool): Tell how far, and in which third of the time, instead
            of from when to when
            (:func:`~lvlm_var_mm.kinematics.language.clauses`), so that twice
            as much fits in.
        source (str): ``'events'``, measured on the joints, of which the data
            samples have ``events``; names of codes where a clip has none. Or
            ``'names'`` alone.

    Raises:
        ValueError: An unknown source, a budget too small for a clause, or a
            share outside of 0 to 1.
    """

    def __init__(self, budget: int = 96, drop: float = 0.,
                 source: str = 'events', brief: bool = False) -> None:
        if source not in SOURCES:
            raise ValueError(f'`narrative.source` is {source!r}; there are '
                             f'{", ".join(SOURCES)}')
        if budget < 16 or not 0 <= drop <= 1:
            raise ValueError('`narrative`: `budget` must be 16 or more, and '
                             '`drop` lie in 0 to 1')
        self.budget, self.drop, self.source = budget, drop, source
        self.brief = brief

    @property
    def form(self) -> Dict:
        """Return the form that a model has learned to read, not the
        amount."""
        return dict(source=self.source, brief=self.brief)

    def __call__(self, prompt: Prompt, tokens: SemanticTokens,
                 data_samples: Optional[SampleList],
                 training: bool = False) -> List[List[int]]:
        """Return the token ids of the narrative of each of N clips.

        Args:
            prompt (Prompt): With ``{narrative}``.
            tokens (SemanticTokens): Of the views of the clips, side by side.
            data_samples (list[:obj:`ActionDataSample`], optional): With
                ``events``, ``decidable`` and ``span``, where there are some.
            training (bool): Leave some out.
        """
        n = len(tokens.ids)
        told = torch.ones(n, dtype=torch.bool)
        if training and self.drop:
            told = torch.rand(n) >= self.drop
        views = n // len(data_samples) if data_samples else n
        rows = []
        for i, tell in enumerate(told.tolist()):
            sample = data_samples[i // views] if data_samples else None
            rows.append(self._fitted(
                prompt, self.clauses_of(tokens, i, sample) if tell else []))
        return rows

    def clauses_of(self, tokens: SemanticTokens, i: int,
                   sample: Optional[ActionDataSample]) -> List[str]:
        """Return what there is to tell of clip ``i``, the most salient
        first."""
        if self.source == 'events':
            seen = sample_events(sample)
            if seen is not None:
                return clauses(seen.events, self.brief,
                               sample.get('span'))
        return named_clauses(tokens, i, sample and sample.get('span'))

    def _fitted(self, prompt: Prompt, told: List[str]) -> List[int]:
        number = len(told)
        ids = prompt.narrative('; '.join(told) or NOTHING)
        while number and len(ids) > self.budget:
            number = min(number - 1, number * self.budget // len(ids))
            ids = prompt.narrative('; '.join(told[:number]) or NOTHING)
        return ids


def sample_events(sample: Optional[ActionDataSample],
                  whole: bool = False) -> Optional[Observation]:
    """Return what was measured of a clip, None where nothing was.

    Args:
        sample (:obj:`ActionDataSample`, optional): With ``events`` and
            ``decidable``.
        whole (bool): Of the whole clip; else of its ``span``: events of which
            half lies inside.

    Raises:
        ValueError: An older version measured them, or ``decidable`` was not
            kept.
    """
    if sample is None or sample.get('events') is None:
        return None
    seen = observation_of(sample.get('events'), sample.get('decidable'))
    span = sample.get('span')
    if whole or span is None:
        return seen
    return seen._replace(events=tuple(
        e for e in seen.events if 2 * (min(e.end, span[1]) - max(
            e.start, span[0])) >= e.end - e.start))


def named_clauses(tokens: SemanticTokens, i: int,
                  span: Optional[Tuple[float, float]]) -> List[str]:
    """Tell a clip by the names of its codes, what lasts longest first."""
    if tokens.names is None:
        return []
    mask = tokens.mask[i]
    numbers = tokens.names[i][mask].tolist()
    parts = number_of_parts(None if tokens.parts is None else
                            tokens.parts[i][mask])
    found = runs([VOCABULARY[n] if n >= 0 else UNNAMED for n in numbers],
                 parts)
    length = len(numbers) // parts
    told = dict.fromkeys(
        f'{time_of(at, end, length, span)} {name}' for at, end, _, name in
        sorted(found, key=lambda r: r[0] - r[1]) if name != UNNAMED)
    return list(told)


def runs(called: Sequence[str], parts: int
         ) -> List[Tuple[int, int, int, str]]:
    """Merge what is repeated in the steps of a clip, those of several body
    parts one part after the other -> (first step, last step + 1, part,
    name)."""
    length, found = len(called) // parts, []
    for part in range(parts):
        at = 0
        for name, run in groupby(called[part * length:(part + 1) * length]):
            end = at + len(list(run))
            found.append((at, end, part, name))
            at = end
    return found


def time_of(at: int, end: int, length: int,
            span: Optional[Tuple[float, float]]) -> str:
    """Say when steps are: in seconds, if the span of all is known."""
    if span is None:
        return f'step {at + 1}' + (f'-{end}' if end - at > 1 else '')
    start, stop = (span[0] + (span[1] - span[0]) * step / length
                   for step in (at, end))
    return f'{start:.1f}-{stop:.1f} s'
