"""Datasets and transforms that MMAction2 lacks."""
from .events import BodyPartEvents
from .ntu import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms import (AlignSkeleton3D, RandomViewpoint3D, ResampleFrames,
                         SkeletonFeatures)

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'NTURGBDSkeletonDataset',
    'NTURGBDVideoDataset', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonDataset', 'SkeletonFeatures', 'TokenDataset'
]
