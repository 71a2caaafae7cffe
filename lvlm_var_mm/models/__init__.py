"""The two parts of LVLM-VAR: the neck makes tokens, the head reads them."""
from .linear_head import LVLMLinearHead
from .lvlm_head import LVLMHead
from .pass_codes import PassCodes
from .vst_neck import SemanticTokens, VSTNeck

__all__ = [
    'LVLMHead', 'LVLMLinearHead', 'PassCodes', 'SemanticTokens', 'VSTNeck'
]
