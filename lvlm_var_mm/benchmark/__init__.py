"""Train, test and time configs side by side (tools/benchmark.py)."""
from .hooks import RunRecordHook

__all__ = ['RunRecordHook']
