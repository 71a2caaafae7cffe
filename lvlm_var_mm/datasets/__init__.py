"""Datasets and transforms that MMAction2 lacks."""
from .ntu import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                  NTURGBDVideoDataset)
from .skeleton import SkeletonDataset
from .tokens import TokenDataset
from .transforms import (AlignSkeleton3D, BodyPartEvents, CenterSkeleton3D,
                         ClipSpan, DrawFrames, DropJoints, JitterJoints,
                         KeepJoints, KeyFrames, LoseFrames, MinMaxSkeleton,
                         MirrorSkeleton3D, NormalizePicture2D, OccludeArm,
                         PairedTransforms, PersonCrop, RandomDropAxis,
                         RandomDropJoints, RandomViewpoint3D, ResampleFrames,
                         SkeletonFeatures, SkeletonPicture, StretchTime)
from .video import VideoListDataset

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'CenterSkeleton3D', 'ClipSpan',
    'DrawFrames', 'DropJoints', 'JitterJoints', 'KeepJoints', 'KeyFrames',
    'LoseFrames', 'MinMaxSkeleton', 'MirrorSkeleton3D',
    'NTURGBDPairedDataset', 'NTURGBDSkeletonDataset', 'NTURGBDVideoDataset',
    'NormalizePicture2D', 'OccludeArm', 'PairedTransforms', 'PersonCrop',
    'RandomDropAxis', 'RandomDropJoints', 'RandomViewpoint3D',
    'ResampleFrames', 'SkeletonDataset', 'SkeletonFeatures',
    'SkeletonPicture', 'StretchTime', 'TokenDataset', 'VideoListDataset'
]
