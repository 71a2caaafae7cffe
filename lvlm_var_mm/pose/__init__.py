"""Joints of one's own videos: results of pose estimators, persons followed
from frame to frame, and joints of one layout in another."""
from .convert import convert
from .results import read_results
from .tracks import follow

__all__ = ['convert', 'follow', 'read_results']
