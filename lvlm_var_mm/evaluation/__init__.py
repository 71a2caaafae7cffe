"""Metrics beside MMAction2's own."""
from .token_metric import TokenMetric

__all__ = ['TokenMetric']
