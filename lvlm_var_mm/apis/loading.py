"""Build a model for inference, with exactly the weights of a checkpoint."""
from collections import OrderedDict
from typing import Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from mmengine.runner.checkpoint import load_state_dict
from torch import nn

from lvlm_var_mm.checkpoint.strict import another_model_refused
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.models import LVLMHead
from lvlm_var_mm.models.lvlm.reader import PromptReader
from mmaction.registry import MODELS


def load_model(cfg: Config,
               weights: Optional[str],
               device: str = 'cpu',
               classes: Union[str, Sequence, None] = None) -> nn.Module:
    """Build the model of a config in test mode.

    Args:
        cfg (Config): Kept as the ``cfg`` of the model.
        weights (str, optional): A checkpoint; without, they are random.
        device (str): Where to.
        classes (str | list, optional): Other class names than the config's.

    Raises:
        FileNotFoundError: No such checkpoint.
        ValueError: It is of another model, or the head does not score names;
            or there is no such device.
    """
    check_device(device)
    # A wrong path and a damaged file are told before the language model loads.
    state = None if weights is None else CheckpointLoader.load_checkpoint(
        str(weights), 'cpu')
    backbone = cfg.model.get('backbone')
    if backbone is not None and backbone.get('pretrained'):
        backbone.pretrained = None
    model = MODELS.build(cfg.model)
    if classes is not None:
        if not isinstance(model.cls_head, LVLMHead):
            raise ValueError(f'`classes`: {type(model.cls_head).__name__} '
                             'does not score class names; LVLMHead does')
        model.cls_head.set_classes(classes)
        model.cls_head.same_task = False
    if state is not None:
        stock = not isinstance(model.cls_head, PromptReader)
        with another_model_refused(str(weights), surplus=stock):
            load_state_dict(
                model, OrderedDict(state.get('state_dict', state)),
                strict=True)
    model.cfg = cfg
    return model.to(device).eval()


def check_device(name: str) -> None:
    """Refuse a device that is not there, before anything is loaded.

    Raises:
        ValueError: It is not.
    """
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as e:
        raise ValueError(f'`device` is {name!r}: '
                         f'{str(e).splitlines()[0]}') from e


def class_names_of(model: nn.Module, cfg: Config
                   ) -> Optional[Sequence[str]]:
    """Return the names of the classes, None where neither the head nor the
    test set of the config has any."""
    classes = getattr(model.cls_head, 'classes', None)
    if classes is not None:
        return classes.names
    dataset = (cfg.get('test_dataloader') or {}).get('dataset') or {}
    listed = dataset.get('class_names')
    return load_classes(listed).names if listed else None
