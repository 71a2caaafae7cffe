"""Pictures of a clip, as the vision tower of the language model sees them.

A vision-language model of transformers serves the head if it has

* ``get_input_embeddings()``, ``get_output_embeddings()`` and
  ``get_decoder()``, which takes ``inputs_embeds``, a four-dimensional additive
  ``attention_mask``, ``position_ids`` of two axes and ``past_key_values``;
* for keyframes, ``get_image_features(pixel_values, ...)`` which takes what
  the model's own image processor returns, and an input embedding for each
  position that a picture has in the prompt.

LLaVA, Qwen2.5-VL and InternVL do, and nothing here knows which one it is. The
prompt template holds what such a model wants around a picture, as
``<|vision_start|>{keyframes}<|vision_end|>``. Qwen-VL would number the
positions of a picture by rows and columns (M-RoPE); here they are numbered
one after the other, as text is.
"""
import inspect
from typing import List, Sequence

import torch
from torch import Tensor, nn


class Keyframes:
    """Keyframes of clips -> what the language model reads in their place.

    Args:
        processor: Image processor of transformers.
    """

    def __init__(self, processor) -> None:
        self.processor = processor

    @torch.no_grad()
    def __call__(self, lvlm: nn.Module, data_samples: Sequence) -> Tensor:
        """Of N clips -> (N, F, D), the pictures of a clip in a row.

        The vision tower is frozen. One clip at a time goes through it, so its
        activations take little memory.

        Args:
            lvlm (nn.Module): With ``get_image_features``.
            data_samples (list[:obj:`ActionDataSample`]): With ``keyframes``
                in the meta information, uint8 (pictures, H, W, 3), RGB; from
                :class:`~lvlm_var_mm.datasets.KeyFrames`.

        Raises:
            ValueError: A model without vision tower, a clip without
                keyframes, or clips that take different numbers of positions.
        """
        if not hasattr(lvlm, 'get_image_features'):
            raise ValueError(
                f'`prompt` has {{keyframes}}, but {type(lvlm).__name__} sees '
                'no pictures: take it out, or set `lvlm` to a model with a '
                'vision tower')
        frames = [self._of_clip(lvlm, sample) for sample in data_samples]
        lengths = sorted({len(f) for f in frames})
        if len(lengths) > 1:
            raise ValueError(
                f'the keyframes of a batch take {lengths} positions: give '
                '`KeyFrames` one `size` and one `num` for all clips')
        return torch.stack(frames)

    def _of_clip(self, lvlm: nn.Module, sample) -> Tensor:
        pictures = sample.get('keyframes')
        if pictures is None:
            raise ValueError(
                '`prompt` has {keyframes}, but a data sample has none: add '
                "dict(type='KeyFrames') behind the decoding of the pipeline, "
                "and 'keyframes' to `meta_keys` of PackActionInputs")
        inputs = self.processor(images=list(pictures), return_tensors='pt')
        # Processors also count patches for the text; that is not asked for.
        known = inspect.signature(lvlm.get_image_features).parameters
        where = next(lvlm.parameters())
        inputs = {
            k: v.to(where.device, where.dtype if v.is_floating_point() else
                    None)
            for k, v in inputs.items() if k in known
        }
        return torch.cat(_rows(lvlm.get_image_features(**inputs)))


def _rows(features) -> List[Tensor]:
    """The (positions, D) embeddings of each picture. Releases of transformers
    return them in a tensor, a list or an output object."""
    features = getattr(features, 'pooler_output', features)
    if isinstance(features, Tensor) and features.dim() == 2:
        features = [features]
    return [f.flatten(0, -2) for f in features]
