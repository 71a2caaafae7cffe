"""The schedule of a config: epochs of each stage, clips of each epoch."""
import bisect
from typing import Iterator, NamedTuple, Optional

from mmengine.config import Config
from mmengine.runner.utils import calc_dynamic_intervals

from lvlm_var_mm.datasets.ntu.census import PUBLISHED
from mmaction.registry import DATASETS
from .shapes import innermost


class Schedule(NamedTuple):
    """Epochs of a training."""
    waiting: int  # of backbone and neck alone
    reading: int  # of the whole model
    val_waiting: int  # validations after an epoch of the first kind
    val_reading: int  # and of the second

    @classmethod
    def of(cls, cfg: Config) -> 'Schedule':
        """Read the schedule of a config.

        Raises:
            ValueError: It counts iterations.
        """
        train = cfg.train_cfg
        if 'max_epochs' not in train:
            raise ValueError('`train_cfg` has no `max_epochs`: training that '
                             'is counted in iterations has no stages')
        epochs = train.max_epochs
        waiting = min(epochs, sum(hook.epochs for hook in warmup_hooks(cfg)))
        starts, intervals = calc_dynamic_intervals(
            train.get('val_interval', 1), train.get('dynamic_intervals'))
        validated = [
            e for e in range(train.get('val_begin', 1), epochs + 1)
            if e == epochs or
            e % intervals[bisect.bisect(starts, e + 1) - 1] == 0
        ] if cfg.get('val_dataloader') else []
        early = sum(e <= waiting for e in validated)
        return cls(waiting, epochs - waiting, early, len(validated) - early)


def warmup_hooks(cfg: Config) -> Iterator[dict]:
    """Yield the settings of the hook by which the language model waits."""
    for hook in cfg.get('custom_hooks') or ():
        if hook.get('type') == 'LVLMWarmupHook':
            yield hook


def clips_of(cfg: Config, loader: str = 'train_dataloader') -> Optional[int]:
    """Return the clips of an epoch: of the data set, or where it is not there
    of its published split; None if that is not known either. A made sample
    is not made for this."""
    dataset = cfg[loader].dataset.copy()
    made = dataset.pop('make_sample', False)
    try:
        return len(DATASETS.build(dataset))
    except (FileNotFoundError, ValueError):
        inner = innermost(dataset)
        if made or inner.get('actions'):  # a part of the split
            return None
        size = PUBLISHED.get(inner.get('benchmark'), {}).get(
            inner.get('split'))
        return size and size * dataset.get('times', 1)
