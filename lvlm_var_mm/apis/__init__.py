"""Calls for scripts and tools."""
from .explain import explain, load_tokenizer

__all__ = ['explain', 'load_tokenizer']
