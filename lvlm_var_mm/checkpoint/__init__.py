"""Checkpoints: reading them, and what they say of themselves."""
