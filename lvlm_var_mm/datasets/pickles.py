"""Read pickles of annotations, whatever NumPy wrote them."""
import pickle
from typing import Any


class _Unpickler(pickle.Unpickler):
    """NumPy 2 calls ``numpy.core`` ``numpy._core``. NumPy 1.26 knows the new
    name of some of its modules, but not of those that protocol 5 asks for.
    Goes when NumPy 2 is the oldest that is supported."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except ModuleNotFoundError:
            if not module.startswith('numpy._core'):
                raise
            return super().find_class(
                module.replace('numpy._core', 'numpy.core', 1), name)


def load_pickle(path: str) -> Any:
    """Load a pickle, only from where you trust: it may run any code.

    Args:
        path (str): The file.

    Returns:
        Any: Its content.

    Raises:
        ValueError: It is damaged, or needs a module that is not here; says
            which.
    """
    try:
        with open(path, 'rb') as f:
            return _Unpickler(f).load()
    except OSError:
        raise
    except ModuleNotFoundError as e:
        raise ValueError(
            f'{path} is a pickle of objects of the module {e.name!r}, which '
            'is not installed: install it, or write the annotations anew as '
            'plain dicts, lists and arrays') from e
    except Exception as e:  # a damaged pickle may raise anything
        raise ValueError(f'{path} cannot be read as a pickle: '
                         f'{type(e).__name__}: {e}') from e
