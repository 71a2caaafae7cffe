"""Run a tool of this package, or one of MMAction2's own, from any folder.

python -m lvlm_var_mm train lvlmvar_quickstart
python -m lvlm_var_mm test lvlmvar_quickstart CHECKPOINT
python -m lvlm_var_mm doctor lvlmvar_quickstart
python -m lvlm_var_mm confusion_matrix CONFIG DUMP ...

Ours are named with or without .py, and so are our configs; each says its
options with --help. Paths of data and work_dirs are relative to the current
folder. Several of MMAction2's tools import ``mmaction.models`` before they
read a config, which the 1.2.0 wheel alone does not survive (see compat.py):
here they run with this package imported, and find our configs by name. Such a
tool is a file, or one inside the ``tools`` that MMAction2's wheel brings: its
name, or its path there.
"""
import importlib.util
import os
import runpy
import sys
from pathlib import Path
from typing import Optional

from lvlm_var_mm.shipped import TOOLS, find_tool

# Of MMAction2's tools that go by their name alone.
FOLDERS = 'analysis_tools', 'visualizations', 'misc', 'convert', 'deployment'


def main() -> None:
    """Run the tool of the command line.

    Raises:
        SystemExit: With code 2: no such tool.
    """
    if len(sys.argv) < 2 or sys.argv[1] in ('-h', '--help'):
        print(__doc__)
        print('Tools:', ', '.join(sorted(
            f.stem for f in TOOLS.glob('[!_]*.py'))))
        return
    name, *args = sys.argv[1:]
    tool = _tool_of_mmaction(name)
    ours = tool is None
    if ours:
        try:
            tool = find_tool(name)
        except (FileNotFoundError, ValueError) as e:
            raise SystemExit(_error(e)) from None
        ours = TOOLS in Path(tool).resolve().parents
    if tool.endswith('.sh'):
        os.execvp('bash', ['bash', tool, *args])
    sys.argv = [tool, *args]
    # As for any script: some import others beside them.
    sys.path.insert(0, str(Path(tool).parent))
    # What has been imported is the package without its registries. Our tools
    # import all of it behind their command lines, others expect it there.
    for module in [m for m in sys.modules
                   if m.partition('.')[0] == 'lvlm_var_mm']:
        del sys.modules[module]
    if ours:
        runpy.run_path(tool, run_name='__main__')
        return
    from lvlm_var_mm.cli import user_errors  # and shims and registries
    from lvlm_var_mm.mmaction_tools import prepare
    prepare(tool)
    with user_errors():
        runpy.run_path(tool, run_name='__main__')


def _tool_of_mmaction(name: str) -> Optional[str]:
    """The path of a tool that is MMAction2's alone, else None."""
    there = importlib.util.find_spec('mmaction')  # does not import it
    if not there or Path(name).is_file():
        return None
    try:
        find_tool(name)
        return None
    except ValueError:
        return None
    except FileNotFoundError:
        pass
    root = Path(there.origin).parent / '.mim/tools'
    # Those of its folders but data/, whose scripts have the same names.
    found = [file for file in (root / name, *(
        root / folder / f'{name.removesuffix(".py")}.py' for folder in FOLDERS
    )) if file.is_file()]
    return str(found[0]) if found else None


def _error(error: Exception) -> int:
    print(f'error: {error}', file=sys.stderr)
    return 2


if __name__ == '__main__':
    main()
