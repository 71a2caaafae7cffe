"""The semantic action tokens of clips: what the neck hands to the head."""
from typing import NamedTuple, Optional

from torch import Tensor


class SemanticTokens(NamedTuple):
    """The semantic action tokens of N clips, S = P L of each, part by part.
    All are tensors: ``Recognizer3D`` joins the views of a clip field by field.
    """
    embeds: Tensor  # (N, S, C) the codebook vector of each token
    ids: Tensor  # (N, S) its code
    mask: Tensor  # (N, S) bool, False where a clip has no such token
    # (N, S) number of its name in code_names.VOCABULARY, -1 without one
    names: Optional[Tensor] = None
    parts: Optional[Tensor] = None  # (N, S) number of its body part
    # (N, 2, classes) scores of the auxiliary head, from the continuous and
    # from the quantised steps; no classes without such a head
    light_scores: Optional[Tensor] = None

    def clips(self, which: slice) -> 'SemanticTokens':
        """Return the tokens of some of the clips."""
        return SemanticTokens(
            *(field if field is None else field[which] for field in self))
