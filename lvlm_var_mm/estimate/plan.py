"""All that can be known of a training before it begins."""
from typing import Dict, NamedTuple, Optional

from mmengine.config import Config
from torch import nn

from lvlm_var_mm.models.lvlm.build import trainable_parameters
from mmaction.registry import MODELS
from .footprint import (Footprint, backbone_step, names_of_a_batch, positions,
                        scoring_step, train_step)
from .hours import Work
from .memory import Memory, Shards, memory_of, quantised, weight_bytes
from .shapes import build_without_weights, fake_batch, keyframe_positions

SIZES = 2, 4  # clips of the steps that are counted; others follow along a line


class Plan(NamedTuple):
    """The cost of the steps of a config."""
    batch: int  # clips on a GPU
    head: nn.Module
    parts: Dict[str, Dict[str, int]]  # parameters, total and trainable
    bits: Optional[int]  # of the frozen weights, where they are quantised
    weights: float  # bytes
    dequantised: float  # bytes of the largest weight while it is used
    optimizer: str
    shards: Optional[Shards]
    names: int  # class names that a clip is scored against
    positions: Dict[str, int]  # that the language model reads of a clip
    light: Dict[int, Footprint]  # steps of backbone and neck, by their clips
    whole: Dict[int, Footprint]  # of the whole model
    scoring: Dict[int, Footprint]  # tests of the whole model

    @classmethod
    def of(cls, cfg: Config, batch: Optional[int] = None) -> 'Plan':
        """Count the steps of a config.

        Args:
            cfg (Config): The whole config.
            batch (int, optional): Clips on a GPU; by default the config's.

        Raises:
            ValueError: The shape of the language model is not known, the
                training set has no pipeline, or the model reads pairs.
        """
        if cfg.model.backbone.type == 'TwoBranchBackbone':
            raise ValueError('a TwoBranchBackbone is not counted: take the '
                             'config of either branch alone, and add them')
        batch = batch or cfg.train_dataloader.batch_size
        head = build_without_weights(cfg)
        light = MODELS.build({k: v for k, v in cfg.model.items()
                              if k != 'cls_head'})
        bits, double = quantised(cfg)
        weights, dequantised = weight_bytes(head, bits, double)
        weights += sum(p.numel() * 4 for p in light.parameters())
        parts = {part: trainable_parameters(module) for part, module in dict(
            backbone=light.backbone, neck=light.neck, head=head).items()}

        bfloat16 = (cfg.optim_wrapper.type == 'BFloat16OptimWrapper' or
                    cfg.get('strategy', {}).get('autocast') == 'bfloat16')
        batches = {n: fake_batch(cfg, n) for n in SIZES}
        frames = keyframe_positions(head, batches[2][0]['data_samples'])
        tokens = light.neck.num_tokens * len(light.neck.parts or [0])
        names = names_of_a_batch(head, batch)
        vst = {n: backbone_step(light, batch) for n, batch in batches.items()}
        return cls(
            batch, head, parts, bits, weights, dequantised,
            cfg.optim_wrapper.optimizer.type, Shards.of(cfg, head), names,
            positions(head, tokens, frames, names), vst,
            {n: vst[n] + train_step(head, n, tokens, bfloat16, frames, names)
             ._replace(traffic=0) for n in SIZES},
            {n: scoring_step(head, n, tokens, bfloat16, frames)
             ._replace(traffic=0) for n in SIZES})

    @property
    def trained(self) -> int:
        """Parameters that are trained."""
        return sum(count['trainable'] for count in self.parts.values())

    def memory(self, clips: Optional[int] = None, gpus: int = 1) -> Memory:
        """Return the memory of each of so many GPUs."""
        return memory_of(clips or self.batch, self.whole, self.weights,
                         self.trained, self.optimizer, gpus, self.dequantised,
                         self.shards)

    @property
    def work(self) -> Work:
        """Return the cost of a clip."""
        return Work(self._of_a_clip(self.light), self._of_a_clip(self.whole),
                    self._of_a_clip(self.scoring))

    def _of_a_clip(self, steps: Dict[int, Footprint]) -> Footprint:
        # Weights are read once a step, whatever its clips.
        (a, first), (b, second) = sorted(steps.items())
        slope = (second.traffic - first.traffic) / (b - a)
        traffic = first.traffic + slope * (self.batch - a)
        return Footprint(0, second.flops / b, traffic / self.batch)
