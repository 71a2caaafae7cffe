"""Tell whether a checkpoint can give a model its backbone."""
from typing import Dict, Optional

from torch import Tensor, nn

PART = 'backbone.'
REMEDY = ('set `model.backbone` to that of the checkpoint, or take another '
          '`load_from`')


def backbone_problem(state: Dict[str, Tensor],
                     model: nn.Module) -> Optional[str]:
    """Say why weights give nothing to the backbone of a model.

    MMEngine logs weights of another shape and trains on with random ones. That
    is right for the classifier of a new set of classes and for a first layer
    with other channels; where most of the backbone has another shape, nothing
    is left of what the weights were meant for.

    Args:
        state (dict): Weights of a checkpoint.
        model (nn.Module): Recognizer that is to begin with them.

    Returns:
        str | None: None where the backbone gets most of its weights, or the
        model has none.
    """
    # DeepSpeed empties parameters whose parts lie elsewhere.
    own = {k: tuple(v.shape) for k, v in model.state_dict().items()
           if k.startswith(PART) and isinstance(v, Tensor) and v.dim()
           and v.numel()}
    there = {k.removeprefix('module.'): tuple(v.shape)
             for k, v in state.items() if isinstance(v, Tensor)}
    shared = sorted(set(own) & set(there))
    other = [k for k in shared if there[k] != own[k]]
    if own and not shared:
        return f'no weight of the backbone in it, such as {sorted(own)[0]}'
    if 2 * len(other) > len(shared):
        return (f'its backbone is another one: {len(other)} of {len(shared)} '
                f'weights have another shape, such as {other[0]} '
                f'{there[other[0]]}, model {own[other[0]]}')
    return None
