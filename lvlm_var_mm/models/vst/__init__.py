"""The VST neck: features of a clip in, semantic action tokens out."""
from .neck import VSTNeck
from .pass_codes import PassCodes
from .timesformer import TimeSformerMap

__all__ = ['PassCodes', 'TimeSformerMap', 'VSTNeck']
