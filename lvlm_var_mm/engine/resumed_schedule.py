"""Tell what of a config a resumed training does not follow."""
from typing import Dict, Iterator, List

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmaction.registry import HOOKS

# What changes as a schedule goes on.
RUNNING = 'last_step', '_global_step', '_last_value', 'base_values', 'verbose'


@HOOKS.register_module()
class ResumedScheduleHook(Hook):
    """Warn if the schedule of a checkpoint, which MMEngine goes on with, is
    not that of the config: who resumes with more epochs mostly means a longer
    schedule, too."""

    def after_load_checkpoint(self, runner: Runner, checkpoint: Dict) -> None:
        if not getattr(runner, '_resume', False):
            return
        found = [*_schedules(runner, checkpoint), *_rates(runner, checkpoint)]
        if found:
            runner.logger.warning(
                'the resumed training goes on with the schedule of the '
                f'checkpoint, not with that of the config: {"; ".join(found)}.'
                f'{_epochs(runner, checkpoint)} To train by the schedule of '
                'the config, start anew from these weights: `load_from` '
                'instead of `--resume`')


def _schedules(runner: Runner, checkpoint: Dict) -> Iterator[str]:
    own, saved = runner.param_schedulers, checkpoint.get('param_schedulers')
    if not isinstance(own, list) or not isinstance(saved, list):
        return
    if len(own) != len(saved):
        yield f'{len(saved)} `param_scheduler` there, {len(own)} here'
    for scheduler, there in zip(own, saved):
        here = scheduler.state_dict()
        differ = [f'`{key}` {there[key]} there, {here[key]} here'
                  for key in here if key in there and key not in RUNNING
                  and there[key] != here[key]]
        if differ:
            yield f'{type(scheduler).__name__} has {", ".join(differ)}'


def _rates(runner: Runner, checkpoint: Dict) -> List[str]:
    groups = (checkpoint.get('optimizer') or {}).get('param_groups', [])
    own = getattr(runner.optim_wrapper, 'param_groups', [])
    pairs = {(a.get('initial_lr', a.get('lr')), b.get('initial_lr', b['lr']))
             for a, b in zip(groups, own)}
    return [f'a learning rate of {there:g} there, {here:g} here'
            for there, here in sorted(pairs) if there != here]


def _epochs(runner: Runner, checkpoint: Dict) -> str:
    text = (checkpoint.get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        return ''
    try:
        there = Config.fromstring(text, '.py').train_cfg.max_epochs
    except Exception:  # the text of any other version
        return ''
    here = getattr(runner.train_loop, 'max_epochs', there)
    return (f' Its `max_epochs` was {there}, it now ends after {here}.'
            if there != here else '')
