"""Transforms of skeletons and of videos."""
from .event_strengths import EventStrengths
from .events import BodyPartEvents, ClipSpan
from .paired import PairedTransforms
from .projection import NormalizePicture2D, SkeletonPicture
from .recipe import (CenterSkeleton3D, DrawFrames, MinMaxSkeleton,
                     RandomDropAxis, RandomDropJoints)
from .skeleton import (AlignSkeleton3D, RandomViewpoint3D, ResampleFrames,
                       SkeletonFeatures)
from .video import KeyFrames, PersonCrop

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'CenterSkeleton3D', 'ClipSpan',
    'DrawFrames', 'EventStrengths', 'KeyFrames', 'MinMaxSkeleton',
    'NormalizePicture2D', 'PairedTransforms', 'PersonCrop', 'RandomDropAxis',
    'RandomDropJoints', 'RandomViewpoint3D', 'ResampleFrames',
    'SkeletonFeatures', 'SkeletonPicture'
]
