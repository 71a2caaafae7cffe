"""Datasets and transforms that MMAction2 lacks."""
from .events import BodyPartEvents, ClipSpan
from .ntu import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .ntu_paired import NTURGBDPairedDataset
from .rgb_transforms import KeyFrames, PersonCrop
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms import (AlignSkeleton3D, NormalizePicture2D,
                         RandomViewpoint3D, ResampleFrames, SkeletonFeatures)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'ClipSpan', 'KeyFrames',
    'NTURGBDPairedDataset', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'NormalizePicture2D', 'PersonCrop', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonDataset', 'SkeletonFeatures', 'TokenDataset', 'VideoListDataset'
]
