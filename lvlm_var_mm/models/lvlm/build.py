"""Build the language model from config dicts, freeze it, tune it by LoRA, and
leave out of checkpoints what was not trained. What a model must have to serve
as one: see :mod:`.language_model`.
"""
import os.path as osp
import re
from functools import partial
from typing import Any, Dict, List, Optional, Union

import torch
import torch.nn as nn
import transformers
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.utils import get_object_from_string
from safetensors import SafetensorError

from .weights import weight_problems

PATH_KEY = 'pretrained_model_name_or_path'


def build(cfg: Dict, key: str) -> Any:
    """Call what a config dict names.

    Args:
        cfg (dict): ``type`` is a dotted name, such as
            ``transformers.AutoTokenizer.from_pretrained``; the rest are its
            arguments. An argument that is such a dict is called first.
        key (str): The config key of ``cfg``, for errors.

    Raises:
        ValueError: ``type`` names nothing.
        FileNotFoundError: A model folder or hub id that cannot be had.
        ValueError: Weights that are damaged or cut short; names the file.
    """
    cfg = dict(cfg.to_dict() if hasattr(cfg, 'to_dict') else cfg)
    name = cfg.pop('type')
    call = get_object_from_string(name) if isinstance(name, str) else name
    if call is None:
        raise ValueError(f'`{key}.type`: there is no {name}')
    for argument, value in cfg.items():
        if isinstance(value, dict) and 'type' in value:
            cfg[argument] = build(value, f'{key}.{argument}')
    if PATH_KEY not in cfg:
        return call(**cfg)
    path = cfg[PATH_KEY] = osp.expanduser(cfg[PATH_KEY])
    is_folder = osp.isabs(path) or path.startswith('.')
    remedy = (f'Set `{key}.{PATH_KEY}` to a folder in the transformers '
              'format or to a hub id; `python -m lvlm_var_mm fetch_smollm2` '
              'makes the folder of the small configs.')
    if is_folder and not osp.isdir(path):
        raise FileNotFoundError(f'no model folder {path}. {remedy}')
    try:
        return call(**cfg)
    except OSError as e:
        raise FileNotFoundError(
            f'{name} found no model at {path}. {remedy}\n{e}') from e
    except SafetensorError as e:
        problems = weight_problems(path) if osp.isdir(path) else []
        raise ValueError(
            f'{path}: {"; ".join(problems) or e}. Copy or download the model '
            'anew') from e


def build_lvlm(lvlm: Dict,
               lora: Optional[Dict] = None,
               gradient_checkpointing: bool = False) -> nn.Module:
    """Build a language model, freeze it and add LoRA layers (Hu et al.,
    arXiv:2106.09685).

    Args:
        lvlm (dict): Any causal or image-text-to-text model of transformers.
            Its ``dtype`` is subject to :func:`usable_dtype`, and so is the
            ``bnb_4bit_compute_dtype`` of 4-bit weights. A
            ``quantization_config``, such as
            ``dict(type='transformers.BitsAndBytesConfig',
            load_in_4bit=True)``, loads the frozen weights in 8 or 4 bits.
        lora (dict, optional): ``peft.LoraConfig`` as a config dict. Without,
            the model stays as it is.
        gradient_checkpointing (bool): Recompute activations in the backward
            pass.

    Returns:
        nn.Module: The model, only its LoRA parameters trainable.
    """
    lvlm = _with_usable_dtype(lvlm, 'dtype')
    bits = lvlm.get('quantization_config')
    if isinstance(bits, dict):
        lvlm['quantization_config'] = _with_usable_dtype(
            bits, 'bnb_4bit_compute_dtype')
    model = build(lvlm, 'lvlm')
    model.requires_grad_(False)
    for module in model.modules():
        # bitsandbytes 0.50 packs 4-bit weights for inference at the first
        # evaluation on such a CPU, and gives no gradients from then on.
        if hasattr(module, 'support_avx512bf16_for_cpu'):
            module.support_avx512bf16_for_cpu = False
    if gradient_checkpointing:
        model.gradient_checkpointing_enable(
            gradient_checkpointing_kwargs=dict(use_reentrant=False))
    if lora is not None:
        import peft
        model = peft.get_peft_model(model, build(lora, 'lora'))
    return model


def has_bfloat16() -> bool:
    """Return whether bfloat16 runs without being emulated on the device that
    models run on: the current GPU, else the CPU. Of NVIDIA's GPUs, those
    before Ampere (V100, T4) lack it.
    """
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return any(
        getattr(torch.cpu, f'_is_{isa}_supported', lambda: False)()
        for isa in ('avx512_bf16', 'amx_tile'))


def usable_dtype(dtype: Union[str, torch.dtype], what: str) -> torch.dtype:
    """Return the dtype, or float32 in the place of a bfloat16 that would be
    emulated, which is many times slower.

    Args:
        dtype (str | torch.dtype): Such as ``'bfloat16'``.
        what (str): What runs in it, for the line in the log about a
            replacement.
    """
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype)
    if dtype is torch.bfloat16 and not has_bfloat16():
        print_log(f'no bfloat16 on this machine: {what} runs in float32',
                  logger='current')
        return torch.float32
    return dtype


def _with_usable_dtype(cfg: Dict, key: str) -> Dict:
    """Return a copy of the config whose dtype under ``key``, if any, is
    usable."""
    if cfg.get(key) in (None, 'auto'):
        return dict(cfg)
    return {**cfg, key: usable_dtype(cfg[key], 'the language model')}


def keep_trained_only(module: nn.Module, child: str) -> None:
    """Leave the parameters of ``module.child`` that were not trained out of
    checkpoints: the frozen ones, and the adapter while it is
    :func:`untrained <is_untrained>`, as in the epochs in which the language
    model waits. The seed makes its weights again.

    MMEngine collects and loads state dicts module by module and never calls
    a nested ``state_dict()``, so this works through hooks: one drops the
    keys on saving, one forgives their absence on loading. What was trained is
    still missed if it is not there; ``module.adapter_left_out`` says whether
    the adapter was.

    Args:
        module (nn.Module): Nested at any depth in a recognizer.
        child (str): Name of the child that is frozen in part.
    """
    module.adapter_left_out = False
    # Now: in the copy that EMAHook averages nothing requires a gradient.
    trained = {n for n, p in getattr(module, child).named_parameters()
               if p.requires_grad}

    def left_out(module: nn.Module, adapter: bool) -> set:
        kept = set() if adapter else trained
        return {f'{child}.{n}' for n in getattr(module, child).state_dict()
                if n not in kept}

    def on_save(module, state_dict, prefix, _) -> None:
        for name in left_out(module, is_untrained(getattr(module, child))):
            state_dict.pop(prefix + name, None)

    def on_load(module, incompatible_keys) -> None:
        # Keys come with the whole path of the module in front.
        missing = incompatible_keys.missing_keys
        known = left_out(module, module.adapter_left_out)
        missing[:] = [k for k in missing if not _ends_in(k, known)]
        module.adapter_left_out = False

    module.register_state_dict_post_hook(on_save)
    module.register_load_state_dict_post_hook(on_load)


def is_untrained(lvlm: nn.Module) -> bool:
    """Return whether the adapter of a language model still changes nothing:
    the second matrices of LoRA start as zeros. Where they cannot be seen, on
    the meta device or in another process, or where there are none, it does
    not."""
    found = _second_matrices(lvlm)
    return bool(found) and not any(
        p.is_meta or not p.numel() or bool(p.any()) for p in found)


@torch.no_grad()
def reset_adapter(lvlm: nn.Module) -> None:
    """Let the adapter change nothing, in place."""
    for param in _second_matrices(lvlm):
        param.zero_()


def _second_matrices(lvlm: nn.Module) -> List[nn.Parameter]:
    return [p for n, p in lvlm.named_parameters() if '.lora_B.' in n]


def _ends_in(key: str, names: set) -> bool:
    parts = key.split('.')
    return any('.'.join(parts[i:]) in names for i in range(len(parts)))


def trainable_parameters(model: nn.Module) -> Dict[str, int]:
    """Number of parameters, ``total`` and ``trainable``."""
    sizes: List[tuple] = [(p.numel(), p.requires_grad)
                          for p in model.parameters()]
    return dict(
        total=sum(n for n, _ in sizes),
        trainable=sum(n for n, grad in sizes if grad))


def weightless(kind: str, **settings) -> nn.Module:
    """A language model of the shape that ``from_pretrained`` would load,
    its parameters on the meta device."""
    config = transformers.AutoConfig.from_pretrained(settings.pop(PATH_KEY))
    if settings.get('attn_implementation'):
        config._attn_implementation = settings['attn_implementation']
    cls = getattr(transformers, kind.split('.')[1])
    with torch.device('meta'):
        # The Auto classes have from_config, and no other way.
        return getattr(cls, 'from_config', cls)(config)


def loads_pretrained(lvlm: ConfigDict) -> bool:
    kind = lvlm.get('type')
    return PATH_KEY in lvlm and isinstance(kind, str) and bool(
        re.fullmatch(r'transformers\.\w+\.from_pretrained', kind))


def without_weights(cfg: ConfigDict) -> ConfigDict:
    """Settings of a recognizer whose language model stays empty."""
    cfg = cfg.copy()
    head = cfg.get('cls_head') or {}
    if loads_pretrained(head.get('lvlm') or {}):
        cfg.cls_head = {**head, 'lvlm': {
            **head.lvlm, 'type': partial(weightless, head.lvlm.type)}}
    return cfg
