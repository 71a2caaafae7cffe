"""Transforms of skeletons and of videos."""
from .disturb import JitterJoints, StretchTime
from .event_strengths import EventStrengths
from .events import BodyPartEvents, ClipSpan
from .hide import DropJoints, KeepJoints, LoseFrames, OccludeArm
from .mirror import MirrorSkeleton3D
from .paired import PairedTransforms
from .projection import NormalizePicture2D, SkeletonPicture
from .recipe import (CenterSkeleton3D, DrawFrames, MinMaxSkeleton,
                     RandomDropAxis, RandomDropJoints)
from .resample import ResampleFrames
from .skeleton import AlignSkeleton3D, RandomViewpoint3D, SkeletonFeatures
from .video import KeyFrames, PersonCrop

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'CenterSkeleton3D', 'ClipSpan',
    'DrawFrames', 'DropJoints', 'EventStrengths', 'JitterJoints',
    'KeepJoints', 'KeyFrames', 'LoseFrames', 'MinMaxSkeleton',
    'MirrorSkeleton3D', 'NormalizePicture2D', 'OccludeArm',
    'PairedTransforms', 'PersonCrop', 'RandomDropAxis', 'RandomDropJoints',
    'RandomViewpoint3D', 'ResampleFrames', 'SkeletonFeatures',
    'SkeletonPicture', 'StretchTime'
]
