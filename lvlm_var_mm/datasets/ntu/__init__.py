"""NTU RGB+D and NTU RGB+D 120: raw files, splits, data sets."""
from .dataset import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .paired import NTURGBDPairedDataset

__all__ = [
    'NTURGBDPairedDataset', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset'
]
