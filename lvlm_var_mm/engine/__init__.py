"""Hooks, optimizer wrappers and their constructor."""
from .code_names import CodeNamesHook
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor

__all__ = [
    'BFloat16OptimWrapper', 'CodeNamesHook', 'LVLMWarmupHook',
    'PartwiseOptimWrapperConstructor', 'SkippedSamplesHook'
]
