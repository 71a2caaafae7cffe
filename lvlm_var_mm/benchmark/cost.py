"""Parameters, operations, latency, throughput and memory of a config.

``python -m lvlm_var_mm.benchmark.cost CONFIG CHECKPOINT OUT.json`` in a
process of its own, so that the peak of memory is that of this model alone.
"""
import json
import platform
import sys
import time
from typing import Any, Dict, Optional, Sequence, Union

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lvlm_var_mm.apis.loading import load_model
from lvlm_var_mm.atomic import write_text
from mmaction.registry import DATASETS
from .hooks import peak_memory

COUNTED = ('torch FlopCounterMode: matrix products, convolutions and '
           'attention, a multiplication and an addition as two; not '
           'normalisation, activations, pooling, additions and copies')


def measure(cfg: Config, checkpoint: Optional[str] = None,
            seconds: float = 5.) -> Dict[str, Any]:
    """Measure a model on the first clips of its test set.

    Args:
        cfg (Config): With a model and a test set.
        checkpoint (str, optional): Of the model. Without, weights are random,
            which does for stock models; a codebook comes with training alone.
        seconds (float): For each of latency and throughput, at least one
            pass; more cost time, fewer are noisy.

    Returns:
        dict: ``parameters``, ``trainable``; ``gflops`` of one clip with all
        its views; ``latency_ms`` of a batch of one (the median);
        ``throughput``, clips a second at ``batch``; ``memory`` in MB;
        ``views``, ``device``, ``threads`` and ``counted``, what the
        operations are.
    """
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    device = get_device()
    model = load_model(cfg, checkpoint, device)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    batch = cfg.test_dataloader.get('batch_size', 1)
    clips = [dataset[i % len(dataset)] for i in range(batch)]
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    with FlopCounterMode(display=False) as counter:
        _pass(model, clips[:1])
    single = _times(model, clips[:1], seconds)
    many = single if batch == 1 else _times(model, clips, seconds)
    return dict(
        parameters=sum(n for n, _ in sizes),
        trainable=sum(n for n, trained in sizes if trained),
        gflops=counter.get_total_flops() / 1e9,
        latency_ms=1e3 * sorted(single)[len(single) // 2],
        throughput=batch * len(many) / sum(many),
        batch=batch,
        memory=peak_memory(),
        views=_views(clips[0]['inputs']),
        device=(torch.cuda.get_device_name() if 'cuda' in device else
                _processor()),
        threads=torch.get_num_threads(),
        counted=COUNTED)


@torch.no_grad()
def _pass(model: nn.Module, clips: Sequence[dict]) -> None:
    model.test_step(pseudo_collate(list(clips)))
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _times(model: nn.Module, clips: Sequence[dict],
           seconds: float) -> Sequence[float]:
    _pass(model, clips)  # the first one makes its buffers
    found = []
    while not found or (sum(found) < seconds and len(found) < 200):
        start = time.perf_counter()
        _pass(model, clips)
        found.append(time.perf_counter() - start)
    return found


def _views(inputs: Union[torch.Tensor, Dict]) -> int:
    if isinstance(inputs, dict):  # of several modalities
        inputs = next(iter(inputs.values()))
    return int(inputs.shape[0])


def _processor() -> str:
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as f:
            names = [line.split(':', 1)[1].strip() for line in f
                     if line.startswith('model name')]
        return names[0]
    except (OSError, IndexError):
        return platform.processor() or platform.machine()


if __name__ == '__main__':
    import lvlm_var_mm  # noqa: F401  fills the registries
    _, config, checkpoint, out = sys.argv
    write_text(out, json.dumps(
        measure(Config.fromfile(config), checkpoint), indent=1))
