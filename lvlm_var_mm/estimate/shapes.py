"""The model of a config with an empty language model, and a batch of the
shape that its pipeline gives."""
import os.path as osp
import re
import zlib
from functools import partial
from types import SimpleNamespace
from typing import Dict, Iterable, List, Optional, Sequence

import huggingface_hub
import torch
from mmengine.config import Config
from torch import nn
from transformers import (CLIPVisionConfig, LlamaConfig, LlavaConfig,
                          LlavaForConditionalGeneration)

from lvlm_var_mm.models.lvlm.build import PATH_KEY, weightless
from mmaction.registry import DATASETS, MODELS
from mmaction.structures import ActionDataSample
from . import made  # noqa: F401  in the registry

# LLaVA-1.5 as published: Vicuna behind CLIP ViT-L/14-336.
LLAVA = {
    '7b': dict(hidden_size=4096, intermediate_size=11008,
               num_hidden_layers=32, num_attention_heads=32),
    '13b': dict(hidden_size=5120, intermediate_size=13824,
                num_hidden_layers=40, num_attention_heads=40)
}
# Of the pictures that LLaVA-1.5 takes.
IMAGE_PROCESSOR = dict(
    type='transformers.CLIPImageProcessor', crop_size=336,
    size=dict(shortest_edge=336))


class WordTokenizer:
    """Number words by a checksum: names need tokens, not the right ones."""
    size = 30000
    eos_token_id, unk_token_id = 0, None
    chat_template, all_special_tokens = None, ()

    def __init__(self):
        self.words = {}  # that were read, by their number

    def get_vocab(self) -> Dict:
        return {}

    def convert_ids_to_tokens(self, ids: Iterable[int]) -> List[str]:
        return [self.words.get(int(i), '') for i in ids]

    def __call__(self, text: str,
                 add_special_tokens: bool = True) -> SimpleNamespace:
        words = re.findall(r'\n|\w+|[^\w\s]', text)
        ids = [1 + zlib.crc32(word.encode()) % self.size for word in words]
        self.words.update(zip(ids, words))
        return SimpleNamespace(input_ids=ids)

    def decode(self, ids: Iterable[int], **kwargs) -> str:
        return ' '.join(self.words.get(int(i), '') for i in ids).strip()


def llava(size: str = '13b', dtype: torch.dtype = torch.float32) -> nn.Module:
    """Build LLaVA-1.5 of random weights, where the default device says."""
    return LlavaForConditionalGeneration(llava_config(size)).to(dtype)


def llava_config(size: str) -> LlavaConfig:
    """Return the published config of LLaVA-1.5, ``'7b'`` or ``'13b'``."""
    vision = CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
        num_attention_heads=16, image_size=336, patch_size=14,
        projection_dim=768)
    text = LlamaConfig(
        vocab_size=32064, max_position_embeddings=4096, **LLAVA[size])
    return LlavaConfig(text_config=text, vision_config=vision)


def llava_size(path: str) -> Optional[str]:
    """Return ``'7b'`` or ``'13b'`` where a path or hub id says LLaVA-1.5."""
    found = re.search(r'llava-1\.5-(7b|13b)', path)
    return found and found[1]


def in_hub_cache(path: str, files: Sequence[str]) -> bool:
    """Return whether the cache of the model hub holds any of the files of an
    id."""
    return not osp.isabs(path) and any(isinstance(
        huggingface_hub.try_to_load_from_cache(path, name), str)
        for name in files)


def build_without_weights(cfg: Config) -> nn.Module:
    """The head of a config on the meta device, its language model in the
    shape and the precision of the config, unquantised.

    A folder says what it holds, as does the cache of the model hub. Of other
    hub ids those of LLaVA-1.5 are known;
    their tokenizers are not, a word counts as one token then.

    Raises:
        ValueError: The head has no language model, or its shape cannot be
            known here.
    """
    head = cfg.model.get('cls_head') or {}
    if 'lvlm' not in head:
        raise ValueError('`model.cls_head` has no `lvlm`: of a model without '
                         'a language model, training shows what it takes')
    head = head.copy()
    lvlm = dict(head.lvlm)
    path = osp.expanduser(str(lvlm.get(PATH_KEY, '')))
    dtype = lvlm.get('dtype', 'float32')
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    size = llava_size(path)
    if osp.isdir(path) or in_hub_cache(path, ['config.json']):
        # Set, not updated, which would keep what is not asked for.
        head['lvlm'] = {
            # Of a stand-in, what would load the model itself.
            'type': partial(_typed, dtype, lvlm.get('kind', lvlm['type'])),
            PATH_KEY: path,
            'attn_implementation': lvlm.get('attn_implementation')
        }
    elif size:
        head['lvlm'] = dict(type=partial(llava, size, dtype))
        head['tokenizer'] = dict(type=WordTokenizer)
        head['image_processor'] = IMAGE_PROCESSOR
    else:
        raise ValueError(
            f'`cls_head.lvlm.{PATH_KEY}` is {path or "not given"}: give a '
            'folder that holds its config.json (LVLM_PATH or LLAVA_PATH), or '
            'llava-hf/llava-1.5-7b-hf or -13b-hf')
    with torch.device('meta'):
        return MODELS.build(head).to('meta')


def keyframe_positions(head: nn.Module, data_sample: ActionDataSample) -> int:
    """Positions that the keyframes of a clip take in the prompt.

    Args:
        head (nn.Module): From :func:`build_without_weights`.
        data_sample (:obj:`ActionDataSample`): Of :func:`fake_batch`.
    """
    if not head.prompt.has_keyframes:
        return 0
    eyes, pictures = head.keyframes, list(data_sample.keyframes)
    grids = eyes.processor(images=pictures, return_tensors='pt').get(
        'image_grid_thw')
    if grids is None:  # the shape suffices, even without content
        lvlm = getattr(head.lvlm, 'get_base_model', lambda: head.lvlm)()
        return eyes(lvlm, [data_sample])[0].shape[1]
    # Such a tower counts patches by their content; some are one position.
    return (int(grids.prod(1).sum()) // eyes.processor.merge_size**2 +
            len(pictures) * len(eyes.before + eyes.after))


def _typed(dtype: torch.dtype, kind: str, **settings) -> nn.Module:
    return weightless(kind, **settings).to(dtype)


def fake_batch(cfg: Config, clips: int) -> List:
    """Run the training pipeline on clips of noise: data samples with
    ``inputs``.

    Raises:
        ValueError: The training set has no pipeline.
    """
    dataset = DATASETS.build(
        made_clips(cfg, cfg.train_dataloader.dataset, clips))
    return [dataset[i] for i in range(clips)]


def made_clips(cfg: Config, dataset: Dict, number: int) -> Dict:
    """Settings of the :class:`MadeClips` that stand in for a data set.

    Args:
        cfg (Config): The whole config.
        dataset (dict): Settings of one of its data sets.
        number (int): Clips.

    Raises:
        ValueError: The data set has no pipeline.
    """
    leaf = innermost(dataset)
    if 'pipeline' not in leaf:
        raise ValueError(f'{leaf.type} has no pipeline: take the config of '
                         'the first stage')
    return dict(
        type='MadeClips', pipeline=leaf.pipeline, number=number,
        num_classes=cfg.model.cls_head.get('num_classes', 1),
        joints=_joints(cfg), test_mode=leaf.get('test_mode', False),
        serialize_data=False)


def innermost(dataset: Dict) -> Dict:
    """Settings of the first data set inside of wrappers."""
    while 'dataset' in dataset or 'datasets' in dataset:
        dataset = dataset.get('dataset') or dataset['datasets'][0]
    return dataset


def _joints(cfg: Config) -> int:
    backbone = cfg.model.backbone
    backbone = backbone.get('backbone', backbone)  # inside of PassCodes
    layout: Dict = backbone.get('graph_cfg', {}).get('layout', 'coco')
    if isinstance(layout, dict):
        return layout['num_node']
    return {'nturgb+d': 25, 'coco': 17, 'openpose': 18}[layout]
