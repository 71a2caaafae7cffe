"""LLaVA: the full-size config on a tiny model, and its shape at full size."""
import importlib.util
import logging
from types import SimpleNamespace

import pytest
import torch
from helpers import CLASSES, REPO, make_samples
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from lvlm_var_mm.engine import SemanticAlignmentHook
from lvlm_var_mm.models.lvlm.build import has_bfloat16
from mmaction.registry import MODELS

CONFIG = str(REPO / 'configs' / 'lvlmvar_ntu60_xsub.py')
NTU = (1, 1, 2, 64, 25, 6)  # clips, views, persons, frames, joints, channels


@pytest.fixture
def cfg(tiny_llava, monkeypatch):
    """The config as it stands, but for a tiny model by LLAVA_PATH, a narrow
    backbone, and the class names that the tiny tokenizer knows."""
    monkeypatch.setenv('LLAVA_PATH', str(tiny_llava))
    cfg = Config.fromfile(CONFIG)
    cfg.merge_from_dict({
        'model.backbone.base_channels': 8,
        'model.neck.in_channels': 32,
        'model.neck.aux_head.num_classes': len(CLASSES),
        'model.cls_head.in_channels': 32,
        'model.cls_head.num_classes': len(CLASSES),
        'model.cls_head.class_names': CLASSES,
    })
    return cfg


def test_train_step_of_the_full_size_config(cfg, tiny_llava):
    lvlm = cfg.model.cls_head.lvlm
    assert lvlm.to_dict() == dict(
        type='transformers.LlavaForConditionalGeneration.from_pretrained',
        pretrained_model_name_or_path=str(tiny_llava),
        dtype='bfloat16',
        low_cpu_mem_usage=True)
    shards = sorted(p.name for p in tiny_llava.glob('*.safetensors'))
    assert len(shards) > 1 and 'model.safetensors' not in shards

    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.train()
    SemanticAlignmentHook().before_train(SimpleNamespace(
        model=model, hooks=[], logger=logging.getLogger(__name__)))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    cfg.optim_wrapper.accumulative_counts = 1  # a step here and now
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
    # A layer that is recomputed for the backward pass runs twice a step.
    runs = []
    layer = model.cls_head.lvlm.get_base_model().get_decoder().layers[0]
    layer.self_attn.register_forward_hook(lambda *_: runs.append(1))
    log = model.train_step(
        dict(inputs=list(torch.randn(NTU)), data_samples=make_samples([2])),
        optimizer)
    assert len(runs) == 2
    assert all(torch.isfinite(v).all() for v in log.values())
    assert log['loss_lm'] > 0

    lora = {n for n in before if 'lora_' in n}
    # Low-rank pairs beside seven layers in each of two blocks.
    assert len(lora) == 2 * 7 * 2
    assert all('language_model' in n for n in lora)
    moved = {n for n, p in model.named_parameters()
             if not torch.equal(p, before[n])}
    # Beside lora_B, which starts out as zero, lora_A has no gradient yet.
    assert {n for n in lora if 'lora_B' in n} <= moved
    base = {n for n in before if n.startswith('cls_head.lvlm')} - lora
    assert base and not base & moved
    dtype = torch.bfloat16 if has_bfloat16() else torch.float32
    assert {before[n].dtype for n in base} == {dtype}


@pytest.fixture(scope='module')
def shape():
    """tools/perf/llava_shape.py as a module."""
    spec = importlib.util.spec_from_file_location(
        'llava_shape', REPO / 'tools' / 'perf' / 'llava_shape.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_full_size_on_meta(shape):
    model = shape.build_on_meta(CONFIG)
    assert {p.device.type for p in model.parameters()} == {'meta'}
    figures = shape.summary(shape.count_parts(model))

    # By hand: D is the width, F the inner width of a layer.
    d, f = 5120, 13824
    llama = 40 * (4 * d * d + 3 * d * f + 2 * d) + d + 2 * 32064 * d
    v, w = 1024, 4096
    clip_layer = 4 * (v * v + v) + (v * w + w) + (w * v + v) + 4 * v
    # Patches, class and position embeddings, norms before and after.
    clip = 24 * clip_layer + 3 * 14 * 14 * v + v + 577 * v + 4 * v
    connector = v * d + d + d * d + d
    llava = llama + clip + connector
    assert llava == 13_351_494_656
    lora = 40 * 64 * (4 * (d + d) + 3 * (d + f))
    projector = 256 * d + d + d * d + d + 1  # and the scale of a token

    assert figures['lora'] == lora == 250_347_520
    assert figures['projector'] == projector
    assert figures['trainable'] == sum(
        figures[k] for k in ('lora', 'projector', 'backbone', 'neck'))
    assert figures['total'] - figures['trainable'] == llava
    assert figures['trainable_percent'] == pytest.approx(
        100 * figures['trainable'] / figures['total'], abs=1e-3)


def test_config_without_the_head(shape):
    with pytest.raises(ValueError, match='no LVLMHead'):
        shape.build_on_meta(
            str(REPO / 'configs' / 'baselines' / 'stgcnpp_quickstart.py'))
    with pytest.raises(FileNotFoundError, match='nowhere.py'):
        shape.build_on_meta('nowhere.py')
