"""Metrics beside those of MMAction2."""
from .calibration import CalibrationMetric, fit_temperature
from .token_metric import TokenMetric

__all__ = ['CalibrationMetric', 'TokenMetric', 'fit_temperature']
