"""Datasets and transforms that MMAction2 lacks."""
from .ntu import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                  NTURGBDVideoDataset)
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms import (AlignSkeleton3D, BodyPartEvents, CenterSkeleton3D,
                         ClipSpan, DrawFrames, KeyFrames, MinMaxSkeleton,
                         NormalizePicture2D, PairedTransforms, PersonCrop,
                         RandomDropAxis, RandomDropJoints, RandomViewpoint3D,
                         ResampleFrames, SkeletonFeatures, SkeletonPicture)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'CenterSkeleton3D', 'ClipSpan',
    'DrawFrames', 'KeyFrames', 'MinMaxSkeleton', 'NTURGBDPairedDataset',
    'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset', 'NormalizePicture2D',
    'PairedTransforms', 'PersonCrop', 'RandomDropAxis', 'RandomDropJoints',
    'RandomViewpoint3D', 'ResampleFrames', 'SkeletonDataset',
    'SkeletonFeatures', 'SkeletonPicture', 'TokenDataset', 'VideoListDataset'
]
