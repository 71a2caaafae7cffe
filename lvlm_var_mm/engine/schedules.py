"""Learning rate schedules of single parts of a model.

The language model begins to read when the schedule of the backbone is almost
at its end, so it has one of its own. Each schedule names the parts it is for::

    optim_wrapper = dict(
        constructor='PartwiseOptimWrapperConstructor',
        paramwise_cfg=dict(parts={'cls_head': dict(lr=2e-4)}))
    param_scheduler = [
        dict(type='PartCosineAnnealingLR', parts=['rest'], end=30,
             convert_to_iter_based=True),
        dict(type='PartLinearLR', parts=['cls_head'], begin=26, end=27,
             convert_to_iter_based=True),
        dict(type='PartCosineAnnealingLR', parts=['cls_head'], begin=26,
             end=30, convert_to_iter_based=True)
    ]

In epochs, converted to iterations, a schedule means the same whatever the
batch size, the number of GPUs and the gradient accumulation.
"""
from typing import Dict, List, Sequence

import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler import CosineAnnealingLR, LinearLR

from mmaction.registry import PARAM_SCHEDULERS
from .optim import REST, part_settings


class OfParts:
    """Keep a scheduler of MMEngine away from all but some parameter groups.

    Args:
        optimizer (OptimWrapper): From ``PartwiseOptimWrapperConstructor``.
        parts (Sequence[str]): Names of parts; what lies within one of them
            belongs to it, ``cls_head.lvlm`` to ``cls_head``.

    Raises:
        ValueError: A part that the optimizer does not have.
    """

    def __init__(self, optimizer: OptimWrapper, *args, parts: Sequence[str],
                 **kwargs) -> None:
        # MMEngine adds a group of the optimizer's defaults, to log them.
        groups = [group.get('part', REST) for group in optimizer.param_groups]
        for part in parts:
            if not any(_within(group, part) for group in groups):
                raise ValueError(
                    f'`param_scheduler`: the optimizer has no part {part!r}, '
                    f'it has {sorted(set(groups))}: set '
                    '`optim_wrapper.constructor` to '
                    "'PartwiseOptimWrapperConstructor' and name the part in "
                    'its `paramwise_cfg.parts`')
        self.others = [
            i for i, group in enumerate(groups)
            if not any(_within(group, part) for part in parts)
        ]
        super().__init__(optimizer, *args, **kwargs)

    def step(self) -> None:
        groups = self.optimizer.param_groups
        kept = [groups[i][self.param_name] for i in self.others]
        super().step()
        for i, value in zip(self.others, kept):
            groups[i][self.param_name] = self._last_value[i] = value


def _within(group: str, part: str) -> bool:
    return group == part or group.startswith(f'{part}.')


@PARAM_SCHEDULERS.register_module()
class PartLinearLR(OfParts, LinearLR):
    """``LinearLR`` of some parts, see :class:`OfParts`."""


@PARAM_SCHEDULERS.register_module()
class PartCosineAnnealingLR(OfParts, CosineAnnealingLR):
    """``CosineAnnealingLR`` of some parts, see :class:`OfParts`."""


def learning_rates(cfg: Config, epoch_length: int) -> Dict[str, List[float]]:
    """Run the schedules of a config without training.

    Args:
        cfg (Config): With ``optim_wrapper``, ``param_scheduler`` and
            ``train_cfg`` by epochs.
        epoch_length (int): Iterations of an epoch.

    Returns:
        dict[str, list[float]]: By the name of a part, its learning rate in
        every iteration.
    """
    parts = cfg.optim_wrapper.get('paramwise_cfg', {}).get('parts', {})
    groups = [
        dict(params=[torch.zeros(1, requires_grad=True)], part=part,
             **part_settings(cfg.optim_wrapper.optimizer, part, parts))
        for part in (REST, *parts)
    ]
    optimizer = torch.optim.SGD(groups, lr=0.)
    epochs, schedules = cfg.train_cfg.max_epochs, []
    for settings in cfg.param_scheduler:
        by_epoch = settings.get('by_epoch', True)
        schedules.append(PARAM_SCHEDULERS.build(
            {'end': epochs if by_epoch else epochs * epoch_length,
             **settings},
            default_args=dict(optimizer=optimizer,
                              epoch_length=epoch_length)))
    rates = {group['part']: [] for group in groups}
    for iteration in range(1, 1 + epochs * epoch_length):
        for group in optimizer.param_groups:
            rates[group['part']].append(group['lr'])
        optimizer.step()
        for schedule in schedules:
            if not schedule.by_epoch or iteration % epoch_length == 0:
                schedule.step()
    return rates
