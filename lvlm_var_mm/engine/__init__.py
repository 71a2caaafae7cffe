"""Hooks, optimizer wrappers and their constructor."""
from .alignment import SemanticAlignmentHook
from .code_names import CodeNamesHook
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor

__all__ = [
    'BFloat16OptimWrapper', 'CodeNamesHook', 'LVLMWarmupHook',
    'PartwiseOptimWrapperConstructor', 'SemanticAlignmentHook',
    'SkippedSamplesHook'
]
