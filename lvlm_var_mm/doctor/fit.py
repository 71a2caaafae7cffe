"""One sample on its way: pipeline, preprocessor, backbone, neck."""
from typing import Iterator, Optional

import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from lvlm_var_mm.models.vst.features import are_codes
from .data import Split
from .findings import Finding, failure


def check_fit(cfg: Config, split: Split, index: int,
              model: Optional[nn.Module]) -> Iterator[Finding]:
    """Send a sample through; the language model, without weights, stays out.

    Args:
        cfg (Config): The whole config.
        split (Split): Opened.
        index (int): Of a good sample.
        model (nn.Module, optional): The built recognizer.
    """
    try:
        sample = (Compose(split.cfg.pipeline)(
            split.dataset.get_data_info(index))
            if split.cfg.get('pipeline') else split.dataset[index])
    except Exception as e:  # whatever it is, it is the finding
        yield failure(split.area, e,
                      f'the pipeline fails: correct `{split.key}.pipeline`')
        return
    shape = tuple(sample['inputs'].shape)
    backbone = cfg.model.get('backbone') or {}
    if 'graph_cfg' in backbone:
        wanted = backbone.get('in_channels', 3)
        if shape[-1] != wanted:
            yield Finding(
                'error', split.area, f'the pipeline gives {shape[-1]} '
                f'channels a joint, but the backbone takes {wanted}',
                f'set `model.backbone.in_channels` to {shape[-1]}, or change '
                'the features of the pipeline (2D data has one coordinate '
                'less than 3D)')
            return
    if model is None:
        return
    try:
        with torch.no_grad():
            _forward(model.eval(), sample, split.trains)
    except Exception as e:
        yield failure(split.area, e, 'the backbone and the neck do not fit '
                      f'inputs of shape {shape}: correct `model.backbone`, '
                      '`model.neck` or the pipeline')
        return
    yield Finding('ok', split.area, f'inputs {shape} pass backbone and neck')


def _forward(model: nn.Module, sample: dict, trains: bool) -> None:
    inputs = model.data_preprocessor(pseudo_collate([sample]))['inputs']
    if isinstance(inputs, list):
        inputs = torch.stack(inputs)
    # As recognizers do: the views of a clip side by side.
    feats = model.backbone(inputs.reshape(-1, *inputs.shape[2:]))
    neck = getattr(model, 'neck', None)
    if hasattr(neck, 'temporal_steps') and not are_codes(feats):
        # The neck itself wants a trained codebook.
        steps = neck.temporal_steps(feats)
        if trains:
            neck.check_views(steps, 1)
