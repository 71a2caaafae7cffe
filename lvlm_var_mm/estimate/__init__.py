"""Estimate what training a config takes, without weights or data."""
from .footprint import (Footprint, backbone_step, counted, make_step,
                        names_of_a_batch, positions, scoring_step, train_step)
from .hours import GPU, GPUS, Work, measured_tflops, stage_hours
from .memory import Machine, Memory, memory_of, weight_bytes
from .plan import Plan
from .schedule import Schedule, clips_of
from .shapes import build_without_weights, fake_batch, keyframe_positions

__all__ = [
    'Footprint', 'GPU', 'GPUS', 'Machine', 'Memory', 'Plan', 'Schedule',
    'Work', 'backbone_step', 'build_without_weights', 'clips_of', 'counted',
    'fake_batch', 'keyframe_positions', 'make_step', 'measured_tflops',
    'memory_of', 'names_of_a_batch', 'positions', 'scoring_step',
    'stage_hours', 'train_step', 'weight_bytes'
]
