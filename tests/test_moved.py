"""Old import paths work for one release, and name the new one."""
import importlib
import sys

import pytest

from lvlm_var_mm.moved import MODULES, NAMES


@pytest.mark.parametrize('old', MODULES)
def test_old_module(old):
    name, new = f'lvlm_var_mm.{old}', f'lvlm_var_mm.{MODULES[old]}'
    sys.modules.pop(name, None)
    with pytest.warns(DeprecationWarning, match=f'{name} is now {new};') as w:
        module = importlib.import_module(name)
    assert module is importlib.import_module(new)
    assert module.__name__ == module.__spec__.name == new
    assert w[0].filename == importlib.__file__  # whoever asked for it


def test_old_name():
    from lvlm_var_mm import compat
    for name, new in NAMES['compat'].items():
        with pytest.warns(DeprecationWarning, match=f'lvlm_var_mm.{new}'):
            found = getattr(compat, name)
        assert found.__module__ == f'lvlm_var_mm.{new}'
    with pytest.raises(AttributeError, match='lvlm_var_mm.compat.*nothing'):
        compat.nothing
