"""Write reasons that tell nothing twice."""
from collections import defaultdict
from typing import Dict, List, Optional, Sequence, Set, Tuple

import torch
from mmengine.dist import all_reduce

from lvlm_var_mm.kinematics.verification import first_repeat
from .language_model import LanguageModel, PromptInputs
from .prompt import Prompt

TRIES = 6  # repeats of a reason that are taken back


def write_distinct(lm: LanguageModel, prompt: Prompt, inputs: PromptInputs,
                   opening: Sequence[List[int]], max_new_tokens: int
                   ) -> List[List[int]]:
    """Go on greedily behind prompts, as ``lm.write`` does. Where a clause
    claims of a body what was claimed before, it is taken back, and the clips
    go on from there by another part: no reason that is learned tells a motion
    twice, and a small model that was trained shortly does.

    Args:
        lm (LanguageModel): Writes.
        prompt (Prompt): Of its tokens.
        inputs (PromptInputs): Of N clips.
        opening (Sequence[list[int]]): What each answer opens with.
        max_new_tokens (int): Limit.

    Returns:
        list[list[int]]: The new token ids of each, without the end mark.
        After :data:`TRIES` repeats of a clip the next one stays.
    """
    written = lm.write(inputs, opening, prompt.end, max_new_tokens)
    refused: Dict[Tuple[int, int], Set[int]] = defaultdict(set)
    for _ in range(TRIES):
        cut = {i: at for i, ids in enumerate(written)
               if (at := repeated_at(prompt, ids)) is not None}
        for i, at in cut.items():
            refused[i, at].add(written[i][at])
        # Processes that share the model's weights write together.
        left = torch.tensor(float(bool(cut)), device=inputs.mask.device)
        all_reduce(left, 'max')
        if not left:
            break
        rows = list(cut) or [0]
        kept = [written[i][:cut.get(i)] for i in rows]
        more = lm.write(
            inputs.clips(rows), [opening[i] + k for i, k in zip(rows, kept)],
            prompt.end, max_new_tokens,  # the same in all processes
            [refused[i, cut[i]] if cut else () for i in rows])
        for i, k, new in zip(rows, kept, more):
            if i in cut:
                written[i] = (k + new)[:max_new_tokens]
    return written


def repeated_at(prompt: Prompt, ids: Sequence[int]) -> Optional[int]:
    """Return the number of the token that begins the first repeat of a text,
    None where there is none, or the tokens are not cut there."""
    place = first_repeat(text := prompt.decode(ids))
    if place is None:
        return None
    before = text[:place].rstrip()
    return next((i for i in range(len(ids))
                 if prompt.decode(ids[:i]) == before), None)
