"""Run one of MMAction2's own tools with this package imported.

python -m lvlm_var_mm analysis_tools/confusion_matrix.py CONFIG DUMP ...

Several of them import ``mmaction.models`` before they read a config, which
the 1.2.0 wheel alone does not survive (see ``compat.py``). The tool is a file,
or the path of one inside the ``tools`` that the wheel brings.
"""
import os.path as osp
import runpy
import sys

import lvlm_var_mm  # noqa: F401  shims and registries
import mmaction
from .cli import user_errors

TOOLS = osp.join(osp.dirname(mmaction.__file__), '.mim', 'tools')


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ('-h', '--help'):
        print(__doc__)
        return
    name = sys.argv[1]
    tool = name if osp.isfile(name) else osp.join(TOOLS, name)
    if not osp.isfile(tool):
        raise FileNotFoundError(f'no tool {name}, here or in {TOOLS}')
    sys.argv = [tool, *sys.argv[2:]]
    runpy.run_path(tool, run_name='__main__')


if __name__ == '__main__':
    with user_errors():
        main()
