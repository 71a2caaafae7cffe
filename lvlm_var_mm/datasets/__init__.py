"""Datasets and transforms that MMAction2 lacks."""
from .ntu import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                  NTURGBDVideoDataset)
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms import (AlignSkeleton3D, BodyPartEvents, ClipSpan, KeyFrames,
                         NormalizePicture2D, PersonCrop, RandomViewpoint3D,
                         ResampleFrames, SkeletonFeatures)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'ClipSpan', 'KeyFrames',
    'NTURGBDPairedDataset', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'NormalizePicture2D', 'PersonCrop', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonDataset', 'SkeletonFeatures', 'TokenDataset', 'VideoListDataset'
]
