"""LVLM-VAR for MMAction2: semantic action tokens read by a LoRA-tuned LVLM.

Importing the package is all it takes: the shims of :mod:`~lvlm_var_mm.compat`
run first, then every dataset, transform, neck, head, metric and hook enters
MMAction2's registries.
"""
from . import compat

SHIMS = compat.apply()

from . import datasets, engine, evaluation, models  # noqa: E402,F401

__version__ = '0.1.0'
