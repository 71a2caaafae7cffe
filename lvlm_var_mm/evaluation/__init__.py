"""Metrics beside those of MMAction2."""
from .calibration import CalibrationMetric, fit_temperature

__all__ = ['CalibrationMetric', 'fit_temperature']
