"""Stand-ins of a rehearsal for what is missing: random weights of
the right shape, a tokenizer that numbers words, clips of noise.

Real parts stay where they are. Nothing is downloaded: 26 GB of weights that
training would fetch are made up here.
"""
import os.path as osp
from typing import Dict, Iterator, List, Optional, Sized, Tuple

import numpy as np
import torch
import transformers
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import get_dist_info
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Sampler
from transformers import LlamaConfig, PretrainedConfig

from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.doctor.model import TOKENIZERS, weight_problems
from lvlm_var_mm.estimate.shapes import (IMAGE_PROCESSOR, in_hub_cache,
                                         innermost, llava_config, llava_size,
                                         made_clips)
from lvlm_var_mm.models.lvlm.build import PATH_KEY, weightless
from mmaction.registry import DATA_SAMPLERS, HOOKS

# Of a causal language model at a path that says nothing.
SMOLLM2 = dict(
    vocab_size=49152, hidden_size=576, intermediate_size=1536,
    num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
    max_position_embeddings=8192, rms_norm_eps=1e-5, rope_theta=1e5,
    tie_word_embeddings=True)
WEIGHTS = ('model.safetensors', 'model.safetensors.index.json',
           'pytorch_model.bin', 'pytorch_model.bin.index.json')


# ------------------------------------------------------- the language model
def stand_in_for_lvlm(cfg: Config, folder: str) -> List[str]:
    """Replace a language model without weights in ``cfg``.

    Args:
        cfg (Config): The whole config.
        folder (str): Where files may be written.

    Returns:
        list[str]: What was replaced, in words.

    Raises:
        ValueError: Its shape is not known here.
    """
    head = cfg.model.get('cls_head') or {}
    if PATH_KEY not in (head.get('lvlm') or {}):
        return []
    lvlm = head.lvlm.to_dict()
    path = osp.expanduser(lvlm[PATH_KEY])
    if not _lacks(path, WEIGHTS):
        return []
    config, shape = _shape_of(path, lvlm['type'])
    stand_ins = [f'language model: no weights at {path}; random ones of '
                 f'{shape}']
    if head.get('tokenizer') is None:
        head.tokenizer = {'type': 'transformers.AutoTokenizer.from_pretrained',
                          PATH_KEY: path}
        if _lacks(path, TOKENIZERS):
            head.tokenizer = dict(
                type='lvlm_var_mm.estimate.shapes.WordTokenizer')
            stand_ins.append(f'tokenizer: none at {path}; a word is a token')
    if head.get('image_processor') is None and _lacks(
            path, ['preprocessor_config.json']):
        head.image_processor = IMAGE_PROCESSOR
    shape_only = osp.join(folder, 'lvlm')
    config.save_pretrained(shape_only)
    # Set, not updated: what stood there is partly replaced.
    head['lvlm'] = {
        **lvlm, 'type': 'lvlm_var_mm.engine.stand_ins.random_lvlm',
        'kind': lvlm['type'], PATH_KEY: shape_only}
    return stand_ins


def random_lvlm(kind: str, pretrained_model_name_or_path: str,
                dtype: torch.dtype = torch.float32, **settings) -> nn.Module:
    """Load a language model as training does, but from random weights.

    They are the same each time, so that a checkpoint finds its model again.

    Args:
        kind (str): What would load it, ``transformers...from_pretrained``.
        pretrained_model_name_or_path (str): A folder with its config.json.
        dtype (torch.dtype): Of the weights.
        settings: Of ``from_pretrained``.
    """
    empty = weightless(kind, **{PATH_KEY: pretrained_model_name_or_path})
    device = get_device()
    state = {}
    with torch.random.fork_rng(
            devices=[torch.cuda.current_device()] if device == 'cuda' else []):
        torch.manual_seed(0)
        for name, param in empty.named_parameters():
            if param.dim() > 1:
                state[name] = torch.randn(
                    param.shape, dtype=dtype, device=device).mul_(.02).cpu()
            else:  # of normalisations, and biases
                state[name] = torch.full(
                    param.shape, float(name.endswith('weight')), dtype=dtype)
    return type(empty).from_pretrained(
        None, config=empty.config, state_dict=state, dtype=dtype, **settings)


def _shape_of(path: str, kind: str) -> Tuple[PretrainedConfig, str]:
    """The config at a folder or hub id, else one as like as is known; and
    what it is, in words."""
    size = llava_size(path)
    known = osp.isdir(path) or in_hub_cache(path, ['config.json'])
    if size and not known:
        return llava_config(size), f'the shape of LLaVA-1.5-{size}'
    try:
        return transformers.AutoConfig.from_pretrained(path), 'its shape'
    except (OSError, ValueError) as e:
        if 'AutoModelForCausalLM' in kind:
            return LlamaConfig(**SMOLLM2), (
                'the shape of SmolLM2-135M, for its own is not known')
        raise ValueError(
            f'no config.json at {path}, and the shape of its model is not '
            f'known: set `model.cls_head.lvlm.{PATH_KEY}` (LVLM_PATH or '
            'LLAVA_PATH) to a folder that holds at least that file') from e


def _lacks(path: str, files) -> bool:
    """Return whether neither a folder nor the hub's cache holds any of the
    files, or the weights of a folder are damaged."""
    if osp.isdir(path):
        return (bool(weight_problems(path)) if files is WEIGHTS else
                not any(osp.isfile(osp.join(path, f)) for f in files))
    return not in_hub_cache(path, files)


# ------------------------------------------------------------------ the data
@DATA_SAMPLERS.register_module()
class FewSampler(Sampler):
    """Draw a few samples, spread evenly over a data set, always the same.

    Args:
        dataset (Sized): The data set; where it is smaller, samples repeat.
        number (int): Samples of each process.
        seed (int, optional): Has no effect.
    """

    def __init__(self, dataset: Sized, number: int,
                 seed: Optional[int] = None) -> None:
        self.size, self.number = len(dataset), number

    def __iter__(self) -> Iterator[int]:
        rank, world = get_dist_info()
        stride = max(1, self.size // (self.number * world))
        for i in range(self.number):
            yield (i * world + rank) * stride % self.size

    def __len__(self) -> int:
        return self.number


@HOOKS.register_module()
class RandomCodebookHook(Hook):
    """Take the codebook as it is, for training on codes that nobody made."""

    def before_train(self, runner: Runner) -> None:
        for name, flag in runner.model.named_buffers():
            if name.endswith('initted'):
                flag.fill_(True)


def stand_in_for_data(cfg: Config, loader: str, clips: int,
                      folder: str) -> List[str]:
    """Replace the data set of a loader in ``cfg`` if its files are missing.

    Args:
        cfg (Config): The whole config.
        loader (str): ``'train_dataloader'`` or ``'val_dataloader'``.
        clips (int): Number to make.
        folder (str): Where files may be written.

    Returns:
        list[str]: What was replaced, in words.
    """
    dataset = cfg[loader].dataset
    leaf = innermost(dataset)
    leaf.pop('make_sample', None)  # it would be made to stay
    missing = _missing_path(leaf)
    if missing is None:
        return []
    if leaf.type == 'TokenDataset':
        cfg[loader].dataset = dict(
            type='TokenDataset', serialize_data=False,
            ann_file=_made_tokens(cfg, clips, folder))
        # They are of no checkpoint.
        cfg.custom_hooks = [hook for hook in cfg.get('custom_hooks', [])
                            if hook.type != 'TokenCacheHook']
        cfg.custom_hooks.append(dict(type='RandomCodebookHook'))
    else:
        cfg[loader].dataset = made_clips(cfg, dataset, clips)
    return [f'{loader}: no data at {missing}; clips of noise in their shape']


def _missing_path(dataset: Dict) -> Optional[str]:
    """The path in the settings of a data set that leads nowhere."""
    root = dataset.get('data_root') or ''
    for key in ('data_root', 'ann_file', 'skeletons'):
        path = dataset.get(key)
        if path and not osp.exists(path) and not osp.exists(
                osp.join(root, path)):
            return path
    return None


def _made_tokens(cfg: Config, clips: int, folder: str) -> str:
    neck, file = cfg.model.neck, osp.join(folder, 'tokens.npz')
    rng = np.random.default_rng(0)
    length = neck.num_tokens * len(neck.get('parts') or [0])
    save_tokens(file, None, [
        dict(label=i % cfg.model.cls_head.num_classes,
             codes=rng.integers(neck.codebook_size, size=(1, length)),
             meta=[dict(frame_dir=f'made{i}')]) for i in range(clips)])
    return file


def stand_in_for_checkpoint(cfg: Config) -> List[str]:
    """Drop ``load_from`` of ``cfg`` if there is no such file.

    Returns:
        list[str]: What was replaced, in words.
    """
    path: Optional[str] = cfg.get('load_from')
    if not path or '://' in path or osp.exists(path):
        return []
    cfg.load_from = None
    return [f'load_from: no {path}; backbone and neck start from random '
            'weights']
