"""Hooks, optimizer wrappers and their constructor."""
from .alignment import SemanticAlignmentHook
from .code_names import CodeNamesHook
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor
from .sharding import FrozenShardStrategy
from .show_answers import ShowAnswersHook
from .token_cache import TokenCacheHook
from .zero import ZeroStrategy

__all__ = [
    'BFloat16OptimWrapper', 'CodeNamesHook', 'FrozenShardStrategy',
    'LVLMWarmupHook', 'PartwiseOptimWrapperConstructor',
    'SemanticAlignmentHook', 'ShowAnswersHook', 'SkippedSamplesHook',
    'TokenCacheHook', 'ZeroStrategy'
]
