"""Calls for scripts and tools."""
from .explain import explain, load_tokenizer
from .inferencer import ActionInferencer

__all__ = ['ActionInferencer', 'explain', 'load_tokenizer']
