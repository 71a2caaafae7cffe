"""The heads: semantic action tokens in, class scores and a reason out."""
from .event_counts import EventCountHead, EventNorm
from .linear_head import LVLMLinearHead
from .lvlm_head import LVLMHead

__all__ = ['EventCountHead', 'EventNorm', 'LVLMHead', 'LVLMLinearHead']
