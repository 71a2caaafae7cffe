"""Metrics beside those of MMAction2."""
from .calibration import CalibrationMetric, fit_temperature
from .event_counts import EventClassifier
from .explanation_metric import ExplanationMetric
from .token_metric import TokenMetric
from .zero_shot import ZeroShotMetric

__all__ = [
    'CalibrationMetric', 'EventClassifier', 'ExplanationMetric', 'TokenMetric',
    'ZeroShotMetric',
    'fit_temperature'
]
