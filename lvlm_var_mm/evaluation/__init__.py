"""Metrics beside those of MMAction2."""
from .calibration import CalibrationMetric, fit_temperature
from .token_metric import TokenMetric
from .zero_shot import ZeroShotMetric

__all__ = [
    'CalibrationMetric', 'TokenMetric', 'ZeroShotMetric', 'fit_temperature'
]
