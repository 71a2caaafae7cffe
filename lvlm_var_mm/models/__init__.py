"""The two parts of LVLM-VAR: the neck makes tokens, the heads read them."""
from .heads import EventCountHead, EventNorm, LVLMHead, LVLMLinearHead
from .paired import PairedDataPreprocessor, PairedNeck, TwoBranchBackbone
from .tokens import SemanticTokens
from .vst import PassCodes, TimeSformerMap, VSTNeck

__all__ = [
    'EventCountHead', 'EventNorm', 'LVLMHead', 'LVLMLinearHead',
    'PairedDataPreprocessor', 'PairedNeck', 'PassCodes', 'SemanticTokens',
    'TimeSformerMap', 'TwoBranchBackbone', 'VSTNeck'
]
