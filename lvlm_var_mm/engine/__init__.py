"""Hooks, optimizer wrappers, their constructor, and schedules."""
from .alignment import SemanticAlignmentHook
from .answer_pictures import AnswerPicturesHook, AnswerVisualizer
from .claim_scores import ClaimScoresHook
from .code_names import CodeNamesHook
from .hooks import LVLMWarmupHook, SkippedSamplesHook
from .initial_weights import InitialWeightsHook
from .optim import BFloat16OptimWrapper, PartwiseOptimWrapperConstructor
from .reasons import ClipReasonsHook
from .repeatable import RepeatableHook
from .resumed_schedule import ResumedScheduleHook
from .schedules import PartCosineAnnealingLR, PartLinearLR
from .sharding import FrozenShardStrategy
from .show_answers import ShowAnswersHook
from .start import StartHook
from .token_cache import TokenCacheHook
from .zero import ZeroStrategy

__all__ = [
    'AnswerPicturesHook', 'AnswerVisualizer', 'BFloat16OptimWrapper',
    'ClaimScoresHook', 'ClipReasonsHook', 'CodeNamesHook',
    'FrozenShardStrategy', 'InitialWeightsHook', 'LVLMWarmupHook',
    'PartCosineAnnealingLR', 'PartLinearLR', 'PartwiseOptimWrapperConstructor',
    'RepeatableHook', 'ResumedScheduleHook', 'SemanticAlignmentHook',
    'ShowAnswersHook', 'SkippedSamplesHook', 'StartHook', 'TokenCacheHook',
    'ZeroStrategy'
]
