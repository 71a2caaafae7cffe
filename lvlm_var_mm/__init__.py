"""LVLM-VAR for MMAction2: semantic action tokens read by a LoRA-tuned LVLM.

Importing the package is all it takes: the shims of :mod:`~lvlm_var_mm.compat`
run first, MMEngine learns to read our checkpoints and to save them whole, and
every dataset, transform, neck, head, metric and hook enters MMAction2's
registries.
"""
from . import compat

SHIMS = compat.apply()

from . import (datasets, engine, evaluation, export, models,  # noqa: E402,F401
               synthetic)
from .checkpoint.loading import load_own_checkpoints  # noqa: E402
from .checkpoint.saving import save_whole_checkpoints  # noqa: E402
from .moved import keep_old_paths  # noqa: E402

load_own_checkpoints()
save_whole_checkpoints()
keep_old_paths()

__version__ = '0.1.0'
