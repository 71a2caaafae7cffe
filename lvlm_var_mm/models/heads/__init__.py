"""The heads: semantic action tokens in, class scores and a reason out."""
from .linear_head import LVLMLinearHead
from .lvlm_head import LVLMHead

__all__ = ['LVLMHead', 'LVLMLinearHead']
