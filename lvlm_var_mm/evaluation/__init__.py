"""Metrics beside those of MMAction2."""
from .calibration import CalibrationMetric, fit_temperature
from .explanation_metric import ExplanationMetric
from .token_metric import TokenMetric
from .zero_shot import ZeroShotMetric

__all__ = [
    'CalibrationMetric', 'ExplanationMetric', 'TokenMetric', 'ZeroShotMetric',
    'fit_temperature'
]
