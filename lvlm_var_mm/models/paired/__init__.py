"""Video and skeleton of one performance in one model: both through a stock
``Recognizer3D``, and the tokens of both in one prompt."""
from .backbone import TwoBranchBackbone
from .batch import PairBatch, PairFeatures
from .neck import PairedNeck
from .preprocessor import PairedDataPreprocessor

__all__ = [
    'PairBatch', 'PairFeatures', 'PairedDataPreprocessor', 'PairedNeck',
    'TwoBranchBackbone'
]
