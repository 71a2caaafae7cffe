"""The doctor: looks at the machine, the data, the model and a checkpoint
before training does, and says what to do about what is wrong.

Each check is a function that yields findings; :func:`examine` runs them all.
"""
from typing import List, Optional

from mmengine.config import Config
from mmengine.registry import init_default_scope

from lvlm_var_mm.layouts import layout_of
from . import bodies
from . import checkpoint as checkpoint_checks
from . import data, environment, fit, model, samples, schedule
from .findings import Finding, exit_code, failure, summary, table

__all__ = ['Finding', 'examine', 'exit_code', 'summary', 'table']


def examine(cfg: Optional[Config] = None,
            checkpoint: Optional[str] = None,
            number: Optional[int] = 300,
            progress: bool = True) -> List[Finding]:
    """Look at everything that a training run or a test would use.

    Args:
        cfg (Config, optional): As ``tools/train.py`` reads it. Without, only
            the environment is looked at.
        checkpoint (str, optional): A file, or a folder of
            ``tools/export.py``; by default ``load_from`` of the
            config, if any.
        number (int, optional): Samples of each data set to read; None for
            all.
        progress (bool): Show progress bars, on a terminal.

    Returns:
        list[Finding]: In the order of looking.
    """
    found = list(environment.check_environment())
    if cfg is None:
        return found
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    loaders = [cfg.get(f'{p}_dataloader') or {} for p in data.PARTS]
    found += environment.check_work_dir(cfg.get('work_dir') or 'work_dirs')
    found += environment.check_shared_memory(
        max(loader.get('num_workers', 0) for loader in loaders))
    if not cfg.get('model'):
        return found + [Finding('error', 'config', 'it has no `model`',
                                'give a config that trains')]
    try:
        body = layout_of(cfg)
    except ValueError as e:
        body = None
        found.append(failure('model', e,
                             'correct `model.backbone.graph_cfg.layout`'))
    splits = data.splits_of(cfg)
    found += model.check_classes(cfg, splits)
    found += schedule.check_schedule(cfg)
    built, about_model = _examine_model(cfg)
    found += about_model
    found += _examine_data(cfg, splits, body, built, number, progress)
    initial = not checkpoint and not cfg.get('resume')
    checkpoint = checkpoint or cfg.get('load_from')
    if checkpoint:
        found += checkpoint_checks.check_checkpoint(checkpoint, built, initial)
    return found


def _examine_model(cfg):
    head = cfg.model.get('cls_head') or {}
    found = []
    if head.get('lvlm'):
        found += model.check_lvlm(head)
        # Building would say the same again, less clearly; and what is not
        # here is not fetched to be looked at.
        if not found or found[-1].level != 'ok':
            return None, found
        found += model.check_lora(head)
        if any(f.level == 'error' for f in found):
            return None, found
    built, about = model.build_model(cfg)
    return built, found + about


def _examine_data(cfg, splits, body, built, number, progress):
    found, opened = [], []
    classes = (cfg.model.get('cls_head') or {}).get('num_classes')
    for split in splits:
        split, problems = data.open_split(split)
        found += problems
        if split.dataset is None:
            continue
        found += data.check_labels(split, classes)
        found += data.check_size(split, cfg[split.loader])
        found += data.check_repeats(split)
        found += data.check_published(split)
        found += data.check_exclude(split)
        joints = bodies.layout_of_split(split, body)
        some = samples.read_samples(split, number, joints, progress)
        opened.append((split, some))
        found += samples.check_files(split, some)
        found += samples.check_joints(split, some, body)
        found += samples.check_coordinates(split, some)
        found += samples.check_unit(split, some)
        found += bodies.check_bodies(split, some, joints)
        good = [s.index for s in some if s.usable]
        if good:
            found += fit.check_fit(cfg, split, good[0], built)
    for train in opened:
        for other in opened:
            if train[0].trains and not other[0].trains:
                found += samples.check_leak(*train, *other)
    return found
