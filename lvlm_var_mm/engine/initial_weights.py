"""Refuse initial weights that give the backbone nothing."""
from typing import Dict

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from lvlm_var_mm.checkpoint.initial import REMEDY, backbone_problem
from mmaction.registry import HOOKS


@HOOKS.register_module()
class InitialWeightsHook(Hook):
    """Refuse a ``load_from`` or ``resume`` whose backbone is another one,
    which MMEngine would only log.

    Raises:
        ValueError: It is another one; says how.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict) -> None:
        model = runner.model
        model = model.module if is_model_wrapper(model) else model
        problem = backbone_problem(
            checkpoint.get('state_dict', checkpoint), model)
        if problem:
            raise ValueError(f'{runner._load_from or "the checkpoint"}: '
                             f'{problem}; {REMEDY}')
