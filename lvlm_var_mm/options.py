"""Find ``--cfg-options`` that change nothing: a typo costs days."""
import difflib
import inspect
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import FlexibleRunner, Runner
from torch.utils.data import DataLoader

import mmaction.registry

# What is read of a config beside the arguments of its runner.
READ = {
    'activation_checkpointing', 'auto_scale_lr', 'custom_imports',
    'efficient_conv_bn_eval', 'find_unused_parameters', 'gpu_ids',
    'model_wrapper_cfg', 'runner_type', 'sync_bn', 'compile', 'strategy'
}
LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'
CLOSE = .75  # as difflib counts it


def idle_options(cfg: Config, options: Dict[str, Any]) -> List[str]:
    """Say which options change nothing in a training or a test.

    An option is one if it names a setting of the config, or an argument of
    what stands there by ``type``. One that names a variable of the config
    comes too late: its value has been used already.

    Args:
        cfg (Config): Before the options.
        options (dict): Dotted key -> value.

    Returns:
        list[str]: A sentence for each, with the nearest key if there is one.
    """
    paths = list(_paths(cfg._cfg_dict.to_dict()))
    return [text for key in options for text in _idle(cfg, key, paths)]


def _idle(cfg, key: str, paths) -> Iterator[str]:
    first, *rest = key.split('.')
    used = _runner_keys()
    if first in used:
        lacking = _lacking(cfg, [first, *rest])
        if lacking is None:
            return
        parent, siblings = lacking
        near = difflib.get_close_matches(
            key.split('.')[parent.count('.') + 1 if parent else 0],
            siblings, 1, CLOSE)
        yield f'`{key}` names nothing in the config' + (
            f': do you mean `{".".join([parent] * bool(parent) + near)}`?'
            if near else _nearest(key, [p for p, _ in paths]))
    elif first in cfg:
        value, same = cfg[first], []
        if not rest:
            same = [p for p, v in paths if p.split('.')[0] in used
                    and p.split('.')[-1] == first and v == value]
        yield (f'`{key}` is a variable of the config, which has been used '
               'already' + (f': set {_some(same)}' if same else
                            ': set what it went into'))
    else:
        yield f'`{key}` names nothing in the config' + _nearest(
            key, [p for p, _ in paths if p.split('.')[0] in used])


def _nearest(key: str, paths: List[str]) -> str:
    near = difflib.get_close_matches(key, paths, 1, CLOSE)
    return f': do you mean `{near[0]}`?' if near else ''


def _some(keys: List[str]) -> str:
    return ', '.join(f'`{key}`' for key in keys[:4])


def _lacking(cfg, parts: List[str]) -> Optional[Tuple[str, Set[str]]]:
    """The place at which a key leads nowhere, and what there is; None if it
    leads somewhere."""
    node = cfg
    for i, part in enumerate(parts):
        if isinstance(node, (list, tuple)):
            if not part.isdigit() or int(part) >= len(node):
                return '.'.join(parts[:i]), set(map(str, range(len(node))))
            node = node[int(part)]
        elif hasattr(node, 'keys'):
            if part not in node:
                known = _arguments(node, parts[:i])
                if known is None or part in known[0]:
                    return None
                names = known[0] | set(node)
                # What takes any argument may take this one, unless it looks
                # like a typo.
                if known[1] and not difflib.get_close_matches(
                        part, names, 1, CLOSE):
                    return None
                return '.'.join(parts[:i]), names
            node = node[part]
        else:  # a value takes the place of another kind of value
            return None
    return None


def _arguments(node, parts: List[str]) -> Optional[Tuple[Set[str], bool]]:
    """Arguments of what a dict of the config builds, and whether it takes any
    others; None if that is not known."""
    if not parts:
        return _runner_keys(), False
    if parts[-1] in LOADERS:
        return _signature(DataLoader)[0] | {'dataset', 'num_batch_per_epoch'
                                            }, False
    name = node.get('type')
    kinds = [name] if inspect.isclass(name) else _registered(name)
    if not kinds:
        return None
    known = [_signature(kind) for kind in kinds]
    return (set.union(*(names for names, _ in known)),
            any(more for _, more in known))


def _registered(name) -> list:
    """What is called so in any registry, mostly one thing."""
    found = []
    for registry in vars(mmaction.registry).values():
        if isinstance(registry, Registry) and isinstance(name, str):
            try:
                found.append(registry.get(name))
            except ImportError:  # a dotted name, or a part not installed
                pass
    return [kind for kind in found if kind is not None]


def _signature(kind) -> Tuple[Set[str], bool]:
    """Names of the arguments of a class or function, those that a class hands
    on to its bases among them, and whether others are taken."""
    names: Set[str] = {'type', '_delete_', '_scope_'}
    calls = [vars(c)['__init__'] for c in kind.__mro__[:-1]
             if '__init__' in vars(c)] if inspect.isclass(kind) else [kind]
    more = False
    for i, call in enumerate(calls):
        try:
            arguments = inspect.signature(call).parameters.values()
        except (TypeError, ValueError):
            return names, True
        names |= {a.name for a in arguments}
        more = any(a.kind is a.VAR_KEYWORD for a in arguments)
        if not more:
            # A base that takes less than was handed on: the rest is for
            # something else, as the stages of a backbone.
            more = i > 0
            break
    return names, more


def _runner_keys() -> Set[str]:
    return READ | {name for kind in (Runner, FlexibleRunner)
                   for name in inspect.signature(kind).parameters}


def _paths(node, before: str = '') -> Iterator[Tuple[str, Any]]:
    """Dotted keys of all that is in a config, with the values."""
    items = (node.items() if isinstance(node, dict) else enumerate(node)
             if isinstance(node, (list, tuple)) else ())
    for key, value in items:
        path = f'{before}{key}'
        yield path, value
        yield from _paths(value, f'{path}.')
