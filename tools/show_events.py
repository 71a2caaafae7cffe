"""Tell what the persons of a clip do, by their joints: the command
``python -m lvlm_var_mm.kinematics``, whose help comes at once here."""
import runpy
from pathlib import Path

if __name__ == '__main__':
    runpy.run_path(str(Path(__file__).parents[1]
                       / 'lvlm_var_mm/kinematics/__main__.py'),
                   run_name='__main__')
