"""A made sample in the format of NTU RGB+D, for trying things out."""
from .make import ensure_sample, make_sample

__all__ = ['ensure_sample', 'make_sample']
