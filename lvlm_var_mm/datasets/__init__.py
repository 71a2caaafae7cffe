"""Datasets and transforms that MMAction2 lacks."""
from .ntu import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .skeleton import SkeletonDataset
from .transforms import (AlignSkeleton3D, NormalizePicture2D,
                         RandomViewpoint3D, ResampleFrames, SkeletonFeatures)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'NormalizePicture2D', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonDataset', 'SkeletonFeatures', 'VideoListDataset'
]
