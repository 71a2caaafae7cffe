"""Keeps a model from learning on tokens that it does not make."""
import hashlib

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from lvlm_var_mm.datasets.tokens import TokenDataset
from mmaction.registry import HOOKS
from .averaged import check_average
from .reasons import leaves


@HOOKS.register_module()
class TokenCacheHook(Hook):
    """Compares a token cache with the backbone and the neck in training.

    Raises:
        ValueError: The cache was made by other weights, or by a version that
            did not say by which.
    """

    def before_train(self, runner: Runner) -> None:
        caches = [dataset for dataset in leaves(
            runner.train_dataloader.dataset)
            if isinstance(dataset, TokenDataset)]
        if not caches:
            return
        check_average(runner, 0)
        model = runner.model
        own = fingerprint(model.module if is_model_wrapper(model) else model)
        for dataset in caches:
            if dataset.metainfo.get('fingerprint') != own:
                raise ValueError(
                    f'{dataset.ann_file} is stale: other weights than those '
                    'in training made its tokens. Set `load_from` to the '
                    'checkpoint that they were made with, or make them anew '
                    'with `python -m lvlm_var_mm cache_tokens`')


@torch.no_grad()
def fingerprint(model: nn.Module) -> str:
    """Hash all that decides which codes a recognizer gives to a clip."""
    neck = model.neck
    settings = neck.input_format, neck.num_tokens, neck.parts
    if neck.steps_in_time.num_segments > 1:
        settings += neck.steps_in_time.num_segments,
    digest = hashlib.sha256(repr(settings).encode())
    for part in (model.backbone, neck.norm, neck.quantizer):
        for name, value in sorted(part.state_dict().items()):
            if name == 'age':  # of the codebook: decides nothing
                continue
            digest.update(name.encode())
            value = value.detach().cpu().contiguous().reshape(-1)
            digest.update(value.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
