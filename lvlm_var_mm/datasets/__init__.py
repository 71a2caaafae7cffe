"""Datasets and transforms that MMAction2 lacks."""
from .ntu import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .rgb_transforms import PersonCrop
from .skeleton import SkeletonDataset
from .transforms import (AlignSkeleton3D, RandomViewpoint3D, ResampleFrames,
                         SkeletonFeatures)

__all__ = [
    'AlignSkeleton3D', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'PersonCrop', 'RandomViewpoint3D', 'ResampleFrames', 'SkeletonDataset',
    'SkeletonFeatures'
]
