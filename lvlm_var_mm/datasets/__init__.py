"""Datasets and transforms that MMAction2 lacks."""
from .transforms.events import BodyPartEvents, ClipSpan
from .ntu.dataset import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .ntu.paired import NTURGBDPairedDataset
from .transforms.video import KeyFrames, PersonCrop
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms.skeleton import (AlignSkeleton3D, NormalizePicture2D,
                                  RandomViewpoint3D, ResampleFrames,
                                  SkeletonFeatures)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'ClipSpan', 'KeyFrames',
    'NTURGBDPairedDataset', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'NormalizePicture2D', 'PersonCrop', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonDataset', 'SkeletonFeatures', 'TokenDataset', 'VideoListDataset'
]
