"""The semantic action tokens of clips: what the neck hands to the head."""
from typing import NamedTuple, Optional

import torch
from torch import Tensor, nn


class SemanticTokens(NamedTuple):
    """The semantic action tokens of N clips, S = P L of each, part by part.
    All are tensors: ``Recognizer3D`` joins the views of a clip field by field.
    """
    embeds: Tensor  # (N, S, C) the codebook vector of each token
    ids: Tensor  # (N, S) its code
    mask: Tensor  # (N, S) bool, False where a clip has no such token
    # (N, S) number of its name in code_names.VOCABULARY, -1 without one
    names: Optional[Tensor] = None
    # (N, S) number of its body part, or of its branch behind a PairedNeck
    parts: Optional[Tensor] = None
    # (N, 2, classes) scores of the auxiliary head, from the continuous and
    # from the quantised steps; no classes without such a head
    light_scores: Optional[Tensor] = None
    # (N, ) K, how many codes there are
    num_codes: Optional[Tensor] = None

    def clips(self, which: slice) -> 'SemanticTokens':
        """Return the tokens of some of the clips."""
        return SemanticTokens(
            *(field if field is None else field[which] for field in self))


def number_of_parts(parts: Optional[Tensor]) -> int:
    """Count the sequences that the tokens of a clip are of.

    Args:
        parts (Tensor, optional): (S, ) the body part of each token that the
            clip has; None for the whole body.
    """
    return 1 if parts is None else len(parts.unique())


@torch.no_grad()
def tokens_of(model: nn.Module, inputs: Tensor) -> SemanticTokens:
    """Return the tokens of clips as a test makes them.

    Args:
        model (nn.Module): A recognizer with a neck that makes tokens.
        inputs (Tensor | PairBatch): (N, views, ...), preprocessed. With
            ``max_testing_views`` the stock recognizer takes one clip at a
            time; here N may be any.

    Returns:
        SemanticTokens: Of N views clips, those of one clip side by side.
    """
    at_once = len(inputs)
    if (getattr(model, 'test_cfg', None) or {}).get('max_testing_views'):
        at_once = 1
    parts = [model.extract_feat(some, test_mode=True)[0]
             for some in inputs.split(at_once)]
    return SemanticTokens(*(None if field[0] is None else torch.cat(field)
                            for field in zip(*parts)))
