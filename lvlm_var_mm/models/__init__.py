"""The two parts of LVLM-VAR: the neck makes tokens, the heads read them."""
from .heads import EventCountHead, EventNorm, LVLMHead, LVLMLinearHead
from .tokens import SemanticTokens
from .vst import PassCodes, TimeSformerMap, VSTNeck

__all__ = [
    'EventCountHead', 'EventNorm', 'LVLMHead', 'LVLMLinearHead', 'PassCodes',
    'SemanticTokens', 'TimeSformerMap', 'VSTNeck'
]
