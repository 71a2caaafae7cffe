"""Transforms of skeletons and of videos."""
from .event_strengths import EventStrengths
from .events import BodyPartEvents, ClipSpan
from .skeleton import (AlignSkeleton3D, NormalizePicture2D, RandomViewpoint3D,
                       ResampleFrames, SkeletonFeatures)
from .video import KeyFrames, PersonCrop

__all__ = [
    'AlignSkeleton3D', 'BodyPartEvents', 'ClipSpan', 'EventStrengths',
    'KeyFrames', 'NormalizePicture2D', 'PersonCrop', 'RandomViewpoint3D',
    'ResampleFrames', 'SkeletonFeatures'
]
