"""One sample on its way: pipeline, preprocessor, backbone, neck."""
from typing import Dict, Iterator, Optional, Tuple, Union

import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import Tensor, nn

from lvlm_var_mm.models.paired import PairFeatures
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
    inputs, backbone = sample['inputs'], cfg.model.get('backbone') or {}
    shape, key = _shape(inputs), 'model.backbone'
    if isinstance(inputs, dict):
        inputs, key = inputs.get('skeleton'), f'{key}.skeleton'
        backbone = backbone.get('skeleton') or {}
    if 'graph_cfg' in backbone and inputs is not None and inputs.numel():
        given, wanted = inputs.shape[-1], backbone.get('in_channels', 3)
        if given != wanted:
            yield Finding(
                'error', split.area, f'the pipeline gives {given} '
                f'channels a joint, but the backbone takes {wanted}',
                f'set `{key}.in_channels` to {given}, or change '
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


def _shape(inputs: Union[Tensor, Dict]) -> Union[Tuple, str]:
    """The shape of the inputs of a sample, or of each of its modalities."""
    if isinstance(inputs, dict):
        return ' and '.join(f'{key} {tuple(value.shape)}'
                            for key, value in inputs.items())
    return tuple(inputs.shape)


def _forward(model: nn.Module, sample: dict, trains: bool) -> None:
    inputs = model.data_preprocessor(pseudo_collate([sample]))['inputs']
    if isinstance(inputs, list):
        inputs = torch.stack(inputs)
    # As recognizers do: the views of a clip side by side.
    feats = model.backbone(inputs.view((-1, ) + inputs.shape[2:]))
    neck = getattr(model, 'neck', None)
    necks = [(neck, feats)]
    if isinstance(feats, PairFeatures):
        necks = [(own, some) for _, own, some, _ in neck.sides(feats)]
    for neck, feats in necks:
        if hasattr(neck, 'temporal_steps') and not are_codes(feats):
            # The neck itself wants a trained codebook.
            steps = neck.temporal_steps(feats)
            if trains:
                neck.check_views(steps, 1)
