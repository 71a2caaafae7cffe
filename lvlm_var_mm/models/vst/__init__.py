"""The VST neck: features of a clip in, semantic action tokens out."""
from .neck import VSTNeck
from .pass_codes import PassCodes

__all__ = ['PassCodes', 'VSTNeck']
