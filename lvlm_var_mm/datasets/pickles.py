"""Read pickles of annotations, whatever NumPy wrote them, without running
what a stranger may have put into them.

A pickle names functions, and loading it calls them. Here only those are found
that arrays and plain containers need.
"""
import collections
import os
import pickle
from typing import Any, Callable, Dict, Tuple

import numpy as np

try:
    from numpy._core import multiarray
except ImportError:  # NumPy before 1.26
    from numpy.core import multiarray

# Set to 1, pickles may name anything: as dangerous as running a program.
TRUST = 'LVLM_VAR_TRUST_PICKLES'


class _Ndarray:
    """Stands for ``numpy.ndarray``, which pickles name but never call: it
    would make arrays of any size."""


def _reconstruct(kind: Any, shape: Any, dtype: Any) -> np.ndarray:
    """Return the empty array that the state of an array is then put into.
    NumPy asks for no other shape."""
    if kind is not _Ndarray:
        raise pickle.UnpicklingError('it holds a subclass of numpy.ndarray')
    return np.ndarray((0, ), 'b')


def _scalar(dtype: Any, value: Any) -> Any:
    """Return a number of NumPy. Without a value it would be of any size."""
    return multiarray.scalar(dtype, value)


ALLOWED: Dict[Tuple[str, str], Callable] = {
    ('numpy', 'ndarray'): _Ndarray,
    ('numpy', 'dtype'): np.dtype,
    # Of containers and numbers that have no code of their own.
    ('builtins', 'set'): set,
    ('builtins', 'frozenset'): frozenset,
    ('builtins', 'complex'): complex,
    ('collections', 'OrderedDict'): collections.OrderedDict,
    # Bytes and arrays of Python 2 and of old protocols.
    ('_codecs', 'encode'): lambda text, coding='latin1': str.encode(
        text, coding if coding in ('latin1', 'utf-8', 'ascii') else 'ascii'),
}
ALLOWED.update({('__builtin__', name): ALLOWED['builtins', name]
                for name in ('set', 'frozenset', 'complex')})
for _core in ('core', '_core'):  # as NumPy 1 and as NumPy 2 calls it
    ALLOWED.update({
        (f'numpy.{_core}.multiarray', '_reconstruct'): _reconstruct,
        (f'numpy.{_core}.multiarray', 'scalar'): _scalar,
        (f'numpy.{_core}.numeric', '_frombuffer'):
            lambda buffer, dtype, shape, order: np.frombuffer(
                buffer, dtype).reshape(shape, order=order),
    })


class _Plain(pickle.Unpickler):
    """Finds what arrays and plain containers need, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise Refused(module, name) from None


class _Trusting(pickle.Unpickler):
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


class Refused(Exception):
    """A pickle asks for something else than arrays and plain containers."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(f'{module}.{name}')


def load_pickle(path: str) -> Any:
    """Load a pickle of arrays and plain containers.

    Args:
        path (str): The file.

    Returns:
        Any: Its content.

    Raises:
        ValueError: It is damaged, or asks for something else, which could run
            any code; says what, and what to do. The environment variable
            ``LVLM_VAR_TRUST_PICKLES=1`` lets it.
    """
    trusted = os.environ.get(TRUST, '0') not in ('', '0')
    try:
        with open(path, 'rb') as f:
            return (_Trusting if trusted else _Plain)(f).load()
    except OSError:
        raise
    except Refused as e:
        raise ValueError(
            f'{path} is a pickle that asks for {e}: loading it could run any '
            'code. Arrays, numbers, text, dicts and lists are read: write it '
            'anew as such or, if you trust who made it, set '
            f'{TRUST}=1') from None
    except ModuleNotFoundError as e:
        raise ValueError(
            f'{path} is a pickle of objects of the module {e.name!r}, which '
            'is not installed: install it, or write the annotations anew as '
            'plain dicts, lists and arrays') from e
    except Exception as e:  # a damaged pickle may raise anything
        raise ValueError(f'{path} cannot be read as a pickle: '
                         f'{type(e).__name__}: {e}') from e
