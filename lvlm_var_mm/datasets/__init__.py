"""Datasets and transforms that MMAction2 lacks."""
from .ntu import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .rgb_transforms import PersonCrop
from .skeleton import SkeletonDataset
from .transforms import (AlignSkeleton3D, LoadNTUSkeleton, RandomViewpoint3D,
                         ResampleFrames, SkeletonFeatures)

__all__ = [
    'AlignSkeleton3D', 'LoadNTUSkeleton', 'NTURGBDSkeletonDataset',
    'NTURGBDVideoDataset', 'RandomViewpoint3D', 'ResampleFrames',
    'PersonCrop', 'SkeletonDataset', 'SkeletonFeatures'
]
