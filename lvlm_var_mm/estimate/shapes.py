"""The model of a config with an empty language model, and a batch of the
shape that its pipeline gives."""
import os.path as osp
import re
from functools import partial
from types import SimpleNamespace
from typing import Dict, List

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from torch import nn
from transformers import (CLIPVisionConfig, LlamaConfig, LlavaConfig,
                          LlavaForConditionalGeneration)

from lvlm_var_mm.doctor.model import weightless
from lvlm_var_mm.models.lora import PATH_KEY
from mmaction.registry import MODELS, TRANSFORMS

# LLaVA-1.5 as published: Vicuna behind CLIP ViT-L/14-336.
LLAVA = {
    '7b': dict(hidden_size=4096, intermediate_size=11008,
               num_hidden_layers=32, num_attention_heads=32),
    '13b': dict(hidden_size=5120, intermediate_size=13824,
                num_hidden_layers=40, num_attention_heads=40)
}


class WordTokenizer:
    """Numbers words as they come: names need tokens, not the right ones."""
    eos_token_id, unk_token_id = 0, None
    chat_template, all_special_tokens = None, ()

    def __init__(self):
        self.ids = {}

    def get_vocab(self):
        return self.ids

    def convert_ids_to_tokens(self, ids):
        words = list(self.ids)
        return [words[i - 1] for i in ids]

    def __call__(self, text, add_special_tokens=True):
        words = re.findall(r'\n|\w+|[^\w\s]', text)
        return SimpleNamespace(input_ids=[
            self.ids.setdefault(word, len(self.ids) + 1) for word in words])


def llava(size: str = '13b', dtype=torch.float32) -> nn.Module:
    """LLaVA-1.5 of random weights, where the default device says."""
    vision = CLIPVisionConfig(
        hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
        num_attention_heads=16, image_size=336, patch_size=14,
        projection_dim=768)
    text = LlamaConfig(
        vocab_size=32064, max_position_embeddings=4096, **LLAVA[size])
    return LlavaForConditionalGeneration(
        LlavaConfig(text_config=text, vision_config=vision)).to(dtype)


def build_without_weights(cfg: Config) -> nn.Module:
    """The head of a config on the meta device, its language model in the
    shape and the precision of the config, unquantised.

    A folder says what it holds. Of hub ids those of LLaVA-1.5 are known;
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
    size = re.search(r'llava-1\.5-(7b|13b)', path)
    if osp.isdir(path):
        # Set, not updated, which would keep what is not asked for.
        head['lvlm'] = {
            'type': partial(_typed, dtype, lvlm['type']),
            PATH_KEY: path,
            'attn_implementation': lvlm.get('attn_implementation')
        }
    elif size:
        head['lvlm'] = dict(type=partial(llava, size[1], dtype))
        head['tokenizer'] = dict(type=WordTokenizer)
        head['image_processor'] = dict(
            type='transformers.CLIPImageProcessor', crop_size=336,
            size=dict(shortest_edge=336))
    else:
        raise ValueError(
            f'`cls_head.lvlm.{PATH_KEY}` is {path or "not given"}: give a '
            'folder that holds its config.json (LVLM_PATH or LLAVA_PATH), or '
            'llava-hf/llava-1.5-7b-hf or -13b-hf')
    with torch.device('meta'):
        return MODELS.build(head).to('meta')


def keyframe_positions(head: nn.Module, data_sample) -> int:
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
    if grids is None:  # the shape tells, also without content
        lvlm = getattr(head.lvlm, 'get_base_model', lambda: head.lvlm)()
        return eyes(lvlm, [data_sample])[0].shape[1]
    # Such a tower counts patches by their content; some are one position.
    return (int(grids.prod(1).sum()) // eyes.processor.merge_size**2 +
            len(pictures) * len(eyes.before + eyes.after))


def _typed(dtype: torch.dtype, kind: str, **settings) -> nn.Module:
    return weightless(kind, **settings).to(dtype)


def fake_batch(cfg: Config, clips: int) -> List:
    """What the training pipeline makes of clips of noise: data samples with
    ``inputs``.

    Raises:
        ValueError: The training set has no pipeline.
    """
    dataset = cfg.train_dataloader.dataset
    dataset = dataset.get('dataset', dataset)
    if 'pipeline' not in dataset:
        raise ValueError(f'{dataset.type} has no pipeline: estimate the '
                         'config of the first stage')
    steps = list(dataset.pipeline)
    names = [step['type'] for step in steps]
    if 'DecordDecode' in names:
        at = names.index('DecordDecode')
        sampling = next(s for s in steps if s['type'].endswith('SampleFrames'))
        frames = sampling['clip_len'] * sampling.get('num_clips', 1)
        data = dict(
            imgs=[np.zeros((1080, 1920, 3), np.uint8)] * frames,
            clip_len=sampling['clip_len'],
            num_clips=sampling.get('num_clips', 1), frame_inds=np.arange(
                frames), modality='RGB')
        steps = steps[at + 1:]
    else:
        joints = _joints(cfg)
        flat = {'NormalizePicture2D', 'PreNormalize2D'} & set(names)
        data = dict(
            keypoint=np.random.default_rng(0).normal(
                size=(2, 100, joints, 2 if flat else 3)).astype(np.float32),
            total_frames=100, modality='Pose', start_index=0)
        if flat:
            data['keypoint_score'] = np.ones(
                data['keypoint'].shape[:3], np.float32)
        data['img_shape'] = data['original_shape'] = 1080, 1920
    if 'imgs' in data:
        data['img_shape'] = data['original_shape'] = 1080, 1920
    pipeline = Compose([TRANSFORMS.build(step) for step in steps])
    return [pipeline(dict(data, label=0, frame_dir=f'clip{i}'))
            for i in range(clips)]


def _joints(cfg: Config) -> int:
    layout: Dict = cfg.model.backbone.get('graph_cfg', {}).get(
        'layout', 'coco')
    if isinstance(layout, dict):
        return layout['num_node']
    return {'nturgb+d': 25, 'coco': 17, 'openpose': 18}[layout]
