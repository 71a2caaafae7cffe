"""Hooks, optimizer wrappers and their constructor."""
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor

__all__ = [
    'BFloat16OptimWrapper', 'LVLMWarmupHook',
    'PartwiseOptimWrapperConstructor', 'SkippedSamplesHook'
]
