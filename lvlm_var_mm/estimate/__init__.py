"""What training a config takes, without weights and without data."""
from .footprint import Footprint, backbone_step, counted, make_step, train_step
from .memory import Machine, Memory, memory_of, weight_bytes
from .shapes import build_without_weights, fake_batch, keyframe_positions

__all__ = [
    'Footprint', 'Machine', 'Memory', 'backbone_step', 'build_without_weights',
    'counted', 'fake_batch', 'keyframe_positions', 'make_step', 'memory_of',
    'train_step', 'weight_bytes'
]
