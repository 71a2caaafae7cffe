"""LVLM-VAR for MMAction2: semantic action tokens read by a LoRA-tuned LVLM.

Importing the package is all it takes: the shims of :mod:`~lvlm_var_mm.compat`
run first, MMEngine learns to read our checkpoints and to save them whole, and
every dataset, transform, neck, head, metric and hook enters MMAction2's
registries.
"""
import sys

__version__ = '0.1.0'


def _is_being_located() -> bool:
    """Tell whether ``python -m lvlm_var_mm`` imports the package to find its
    ``__main__``: the tool that runs then imports it anew, behind its command
    line, so that ``--help`` waits for no framework."""
    return (sys.argv[:1] == ['-m']
            and sys.orig_argv[-len(sys.argv)] == __name__)


if not _is_being_located():
    from . import compat
    SHIMS = compat.apply()

    from . import (datasets, engine, evaluation, export, models,  # noqa: F401
                   synthetic)
    from .checkpoint.loading import load_own_checkpoints
    from .checkpoint.saving import save_whole_checkpoints
    from .moved import keep_old_paths
    from .shipped import scope_in_bases

    load_own_checkpoints()
    save_whole_checkpoints()
    keep_old_paths()
    scope_in_bases()
