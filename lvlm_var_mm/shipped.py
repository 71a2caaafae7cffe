"""Find the configs and tools that come with the package, by name.

A wheel carries them in ``lvlm_var_mm/.mim``, where OpenMMLab's packages have
theirs; in a checkout they lie beside the package. Imports no framework: what
looks for a tool may only want its ``--help``.
"""
import difflib
from pathlib import Path
from typing import Dict, Optional, Tuple

PACKAGE = Path(__file__).resolve().parent
INSTALLED = (PACKAGE / '.mim').is_dir()
ROOT = PACKAGE / '.mim' if INSTALLED else PACKAGE.parent
CONFIGS, TOOLS = ROOT / 'configs', ROOT / 'tools'
SCOPE = 'lvlm_var_mm::'


def find_config(name: str) -> str:
    """Find a config: a file, or one of the package's own by name.

    Args:
        name (str): A path; or as below ``configs/``, with or without ``.py``,
            such as ``lvlmvar_quickstart`` or ``scale/NAME``, whose folder may
            be left out where no other config has the name. The prefixes
            ``configs/`` and ``lvlm_var_mm::`` are allowed.

    Returns:
        str: The path of the file.

    Raises:
        FileNotFoundError: No such config; the message lists the nearest.
        ValueError: Several configs in different folders have the name.
    """
    if Path(name).is_file():
        return name
    return str(_find(name.removeprefix(SCOPE), CONFIGS, 'config file',
                     ('.py', )))


def find_tool(name: str) -> str:
    """Find a tool as :func:`find_config` finds a config: ``train``,
    ``perf/codebook``, ``dist_train.sh``; or a file that ends in ``.py``.

    Raises:
        FileNotFoundError: No such tool; the message lists the nearest.
        ValueError: Several tools in different folders have the name.
    """
    if name.endswith('.py') and Path(name).is_file():
        return name
    return str(_find(name, TOOLS, 'tool', ('.py', '.sh')))


def _find(name: str, root: Path, kind: str,
          endings: Tuple[str, ...]) -> Path:
    files = {f.relative_to(root).as_posix(): f
             for f in sorted(root.rglob('*')) if f.suffix in endings}
    # A path as written in the documentation.
    wanted = name.removeprefix(f'{root.name}/')
    for path in (wanted, *(wanted + end for end in endings)):
        if path in files:
            return files[path]
    same = {path: f for path, f in files.items()
            if wanted in (f.stem, f.name) and '_base_/' not in path}
    if len(same) == 1:
        return next(iter(same.values()))
    if same:
        raise ValueError(f'{kind} {name}: there are {", ".join(same)}')
    raise FileNotFoundError(f'no {kind} {name}' + _nearest(
        wanted, files, endings))


def _nearest(wanted: str, files: Dict[str, Path],
             endings: Tuple[str, ...]) -> str:
    """Name the nearest of the package's own, by path or by last part."""
    names = {}
    for path in files:
        if '_base_/' in path:
            continue
        short = path.removesuffix('.py')
        names[short] = names[short.rpartition('/')[2]] = short
    for end in endings:
        wanted = wanted.removesuffix(end)
    near = dict.fromkeys(
        names[n] for n in difflib.get_close_matches(wanted, names, 5, .6))
    return f'; the nearest of the package: {", ".join(near)}' if near else ''


def scope_in_bases() -> None:
    """Let ``_base_`` of a config begin with ``lvlm_var_mm::``.

    MMEngine resolves such prefixes for a fixed list of packages, and by a
    metafile that must name each config. Its ``scope`` would send every
    ``type`` to a registry of ours, while ours are entries of MMAction2's:
    so none is returned.
    """
    from mmengine.config import Config
    get_path = Config._get_cfg_path
    if getattr(get_path, 'knows', None) == SCOPE:
        return

    def get_path_of_ours(cfg_path: str,
                         filename: str) -> Tuple[str, Optional[str]]:
        if cfg_path.startswith(SCOPE):
            return find_config(cfg_path), None
        return get_path(cfg_path, filename)

    get_path_of_ours.knows = SCOPE
    Config._get_cfg_path = staticmethod(get_path_of_ours)
