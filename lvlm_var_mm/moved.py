"""Old import paths, which work for one release and name the new one.

Goes with version 0.3.
"""
import sys
import warnings
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any, Optional, Sequence

# Modules, within the package.
MODULES = {
    'datasets.custom': 'preparation.custom',
    'datasets.custom_config': 'preparation.custom_config',
    'datasets.custom_skeleton': 'preparation.custom_skeleton',
    'datasets.custom_table': 'preparation.custom_table',
    'datasets.ntu_census': 'datasets.ntu.census',
    'datasets.ntu_paired': 'datasets.ntu.paired',
    'datasets.ntu_splits': 'datasets.ntu.splits',
    'datasets.persons': 'datasets.ntu.persons',
    'datasets.prepare': 'preparation.ntu',
    'datasets.reencode': 'preparation.reencode',
    'datasets.rgb_transforms': 'datasets.transforms.video',
    'datasets.sample': 'synthetic.make',
    'datasets.sample_body': 'synthetic.body',
    'datasets.sample_events': 'synthetic.events',
    'datasets.sample_motion': 'synthetic.motion',
    'datasets.sample_performance': 'synthetic.performance',
    'datasets.sample_render': 'synthetic.render',
    'datasets.skeleton_io': 'datasets.ntu.skeleton_io',
    'datasets.skeleton_scan': 'datasets.ntu.skeleton_scan',
    'datasets.workers': 'preparation.workers',
    'models.code_names': 'models.vst.code_names',
    'models.description': 'checkpoint.description',
    'models.fingerprint': 'checkpoint.fingerprint',
    'models.keyframes': 'models.lvlm.keyframes',
    'models.label_trie': 'models.lvlm.label_trie',
    'models.linear_head': 'models.heads.linear_head',
    'models.logprobs': 'models.lvlm.logprobs',
    'models.lora': 'models.lvlm.build',
    'models.lvlm_head': 'models.heads.lvlm_head',
    'models.narrative': 'models.heads.narrative',
    'models.negatives': 'models.heads.negatives',
    'models.pass_codes': 'models.vst.pass_codes',
    'models.prefix_cache': 'models.lvlm.prefix_cache',
    'models.prompt': 'models.lvlm.prompt',
    'models.quantizers': 'models.vst.quantizers',
    'models.reader': 'models.lvlm.reader',
    'models.scoring': 'models.heads.scoring',
    'models.vst_losses': 'models.vst.losses',
    'models.vst_neck': 'models.vst.neck',
    'smollm2': 'models.lvlm.smollm2',
    'token_pictures': 'visualization.tokens',
}
# Single names of modules that are still there.
NAMES = {
    'compat': {'CheckpointError': 'checkpoint.loading'},
}
PACKAGE = __name__.rpartition('.')[0]


class MovedModules(MetaPathFinder, Loader):
    """Finds a module under its old name, with a ``DeprecationWarning``."""

    def find_spec(self, name: str, path: Optional[Sequence[str]],
                  target: Optional[ModuleType] = None
                  ) -> Optional[ModuleSpec]:
        package, _, old = name.partition('.')
        if package == PACKAGE and old in MODULES:
            return spec_from_loader(name, self)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = f'{PACKAGE}.{MODULES[spec.name.partition(".")[2]]}'
        _warn(spec.name, new)
        module = import_module(new)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # It ran under its own name; only its spec was put in place of that.
        module.__spec__ = module.__spec__.loader_state


def keep_old_paths() -> None:
    """Let the old import paths work."""
    sys.meta_path.insert(0, MovedModules())
    for place, names in NAMES.items():
        sys.modules[f'{PACKAGE}.{place}'].__getattr__ = _moved_name(
            f'{PACKAGE}.{place}', names)


def _moved_name(place: str, names: dict):
    def find(name: str):
        if name not in names:
            raise AttributeError(f'module {place!r} has no attribute '
                                 f'{name!r}')
        new = f'{PACKAGE}.{names[name]}'
        _warn(f'{place}.{name}', f'{new}.{name}')
        return getattr(import_module(new), name)

    return find


def _warn(old: str, new: str) -> None:
    warnings.warn(f'{old} is now {new}; the old path goes with version 0.3',
                  DeprecationWarning, stacklevel=3)


def renamed(owner: str, old: str, new: str, value: Any) -> Any:
    """Return the value of an argument under its old name, and warn."""
    warnings.warn(f'`{old}` of {owner} is now `{new}`; the old name goes with '
                  'version 0.3', DeprecationWarning, stacklevel=3)
    return value
