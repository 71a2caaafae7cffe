"""Hooks, optimizer wrappers and their constructor."""
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor
from .show_answers import ShowAnswersHook

__all__ = [
    'BFloat16OptimWrapper', 'LVLMWarmupHook',
    'PartwiseOptimWrapperConstructor', 'ShowAnswersHook', 'SkippedSamplesHook'
]
