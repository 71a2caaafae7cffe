"""Answers while it happens: from a camera, a stream or a recording that is
played, by stages that never queue up."""
from .answering import ByJoints, ByModel
from .live import Live
from .sources import SourceLost, open_source

__all__ = ['ByJoints', 'ByModel', 'Live', 'SourceLost', 'open_source']
