"""The two parts of LVLM-VAR: the neck makes tokens, the head reads them."""
from .heads.linear_head import LVLMLinearHead
from .heads.lvlm_head import LVLMHead
from .vst.pass_codes import PassCodes
from .vst.neck import SemanticTokens, VSTNeck

__all__ = [
    'LVLMHead', 'LVLMLinearHead', 'PassCodes', 'SemanticTokens', 'VSTNeck'
]
