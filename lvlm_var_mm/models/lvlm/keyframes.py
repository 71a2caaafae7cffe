"""Pictures of a clip, as the vision tower of the language model sees them.

LLaVA, Qwen2.5-VL and InternVL are supported, and nothing here knows which one
it is; :mod:`.language_model` lists what a model must have.
``keyframe`` of the head is what such a model wants around each picture, as
``<|vision_start|>{picture}<|vision_end|>``. Where it numbers positions by the
rows and columns of a picture (M-RoPE of Qwen-VL, arXiv:2409.12191), its own
``get_rope_index`` is asked.
"""
import inspect
from typing import Callable, List, Optional, Sequence, Tuple

import torch
from torch import Tensor, nn


class Keyframes:
    """Keyframes of clips -> what the language model reads in their place.

    Args:
        processor: Image processor of transformers.
        before (Sequence[int]): Token ids before each picture.
        after (Sequence[int]): Token ids behind it.
    """

    def __init__(self, processor: Callable, before: Sequence[int] = (),
                 after: Sequence[int] = ()) -> None:
        self.processor = processor
        self.before, self.after = list(before), list(after)

    @torch.no_grad()
    def __call__(self, lvlm: nn.Module,
                 data_samples: Sequence) -> Tuple[Tensor, Tensor]:
        """Encode the pictures of N clips -> (N, F, D) embeddings, those of a
        clip in a row, and their (N, A, F + 1) :func:`places`.

        The vision tower is frozen. One clip at a time goes through it, so its
        activations take little memory.

        Args:
            lvlm (nn.Module): With ``get_image_features``.
            data_samples (list[:obj:`ActionDataSample`]): With ``keyframes``
                in the meta information, uint8 (pictures, H, W, 3), RGB; from
                :class:`~lvlm_var_mm.datasets.KeyFrames`.

        Raises:
            ValueError: A model without vision tower or with one that feeds
                several layers, a clip without keyframes, or clips that take
                different numbers of positions.
        """
        if not hasattr(lvlm, 'get_image_features'):
            raise ValueError(
                f'`prompt` has {{keyframes}}, but {type(lvlm).__name__} sees '
                'no pictures: take it out, or set `lvlm` to a model with a '
                'vision tower')
        read = inspect.signature(lvlm.get_decoder().forward).parameters
        if any('deepstack' in name for name in read):
            raise ValueError(
                f'the vision tower of {type(lvlm).__name__} feeds deeper '
                'layers too (DeepStack), which the head does not: take '
                '{keyframes} out of `prompt`, or set `lvlm` to a model such '
                'as Qwen2.5-VL')
        frames, numbers = zip(*(self._of_clip(lvlm, sample)
                                for sample in data_samples))
        lengths = sorted({len(f) for f in frames})
        if len(lengths) > 1:
            raise ValueError(
                f'the keyframes of a batch take {lengths} positions: give '
                '`KeyFrames` one `size` and one `num` for all clips')
        return torch.stack(frames), torch.stack(numbers)

    def _of_clip(self, lvlm: nn.Module, sample) -> Tuple[Tensor, Tensor]:
        pictures = sample.get('keyframes')
        if pictures is None:
            raise ValueError(
                '`prompt` has {keyframes}, but a data sample has none: add '
                "dict(type='KeyFrames') behind the decoding of the pipeline, "
                "and 'keyframes' to `meta_keys` of PackActionInputs")
        inputs = self.processor(images=list(pictures), return_tensors='pt')
        where = next(lvlm.parameters())
        inputs = {
            k: v.to(where.device, where.dtype if v.is_floating_point() else
                    None)
            for k, v in inputs.items()
        }
        seen = _known(lvlm.get_image_features, inputs)
        # Processors also count patches for the text; that is not asked for.
        rows = _rows(lvlm.get_image_features(**seen))
        ids = [torch.tensor(i, dtype=torch.long, device=where.device)
               for i in (self.before, self.after)]
        before, after = map(lvlm.get_input_embeddings(), ids)
        embeds = [torch.cat([before, row, after]) for row in rows]
        return torch.cat(embeds), places(lvlm, *ids, list(map(len, rows)),
                                         inputs.get('image_grid_thw'))


def places(lvlm: nn.Module, before: Tensor, after: Tensor,
           lengths: Sequence[int], grids: Optional[Tensor]) -> Tensor:
    """Number the pictures of a clip, counted from the first position, on
    each of the A axes by which the model numbers them.

    Args:
        lvlm (nn.Module): The model.
        before, after (Tensor): Token ids around each picture.
        lengths (Sequence[int]): Positions of each picture alone.
        grids (Tensor, optional): (pictures, 3) patches in time, height and
            width, where its image processor gives them.

    Returns:
        Tensor: (A, F + 1); the last is that of what follows. A is 0 where the
        model numbers pictures in a row, as text.
    """
    total = sum(lengths) + len(lengths) * (len(before) + len(after))
    index = getattr(getattr(lvlm, 'model', None), 'get_rope_index', None)
    if index is None or grids is None:
        return before.new_zeros(0, total + 1)
    parts, start = [], 0
    for length, grid in zip(lengths, grids):
        picture = before.new_full((length, ), lvlm.config.image_token_id)
        ids = torch.cat([before, picture, after])
        kinds = torch.zeros_like(ids)  # text is 0, a picture 1
        kinds[len(before):len(before) + length] = 1
        numbers, further = index(**_known(index, dict(
            input_ids=ids[None],
            mm_token_type_ids=kinds[None],
            image_grid_thw=grid[None])))
        parts.append(numbers[:, 0] + start)
        start = start + len(ids) + int(further)
    return torch.cat([*parts, parts[0].new_full((len(parts[0]), 1), start)], 1)


def put_in_place(position_ids: Tensor, start: int,
                 numbers: Optional[Tensor]) -> Tensor:
    """Number the positions of prompts with pictures as the model does.

    Args:
        position_ids (Tensor): (N, S), numbered in a row.
        start (int): Where the pictures begin.
        numbers (Tensor, optional): (N, A, F + 1) from :func:`places`.

    Returns:
        Tensor: (A, N, S); (N, S) as it was where there is no A.
    """
    if numbers is None or not numbers.shape[1]:
        return position_ids
    behind = position_ids - start
    inside = behind.clamp(0, numbers.shape[2] - 1)
    placed = numbers.gather(
        2, inside[:, None].expand(-1, numbers.shape[1], -1)).transpose(0, 1)
    return start + placed + (behind - inside)


def _known(call, arguments: dict) -> dict:
    """Keep the arguments that it takes by name."""
    names = inspect.signature(call).parameters
    return {k: v for k, v in arguments.items() if k in names}


def _rows(features) -> List[Tensor]:
    """The (positions, D) embeddings of each picture. Releases of transformers
    return them in a tensor, a list or an output object."""
    features = getattr(features, 'pooler_output', features)
    if isinstance(features, Tensor) and features.dim() == 2:
        features = [features]
    return [f.flatten(0, -2) for f in features]
