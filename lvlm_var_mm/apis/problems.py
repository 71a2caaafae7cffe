"""Say which input cannot be read, and why."""
from pathlib import Path

from lvlm_var_mm.datasets.corrupt import problem_of
from .inputs import Source


def file_of(name: str, source: Source) -> str:
    """Return the file of an input, or its name where it has none."""
    if isinstance(source, dict):
        return str(source.get('source', name))
    return str(source) if isinstance(source, (str, Path)) else name


def told(where: str, error: Exception, name: str = '') -> str:
    """Return one line that names an input and says what is wrong with it.

    Args:
        where (str): Its file.
        error (Exception): What was raised.
        name (str): Of the clip, if it is one of many in the file.
    """
    problem = problem_of(error)
    if problem is None:
        problem = str(error) or type(error).__name__
        if not isinstance(error, (ValueError, OSError)):
            problem = f'cannot be read ({type(error).__name__}: {problem})'
    first = problem.strip().splitlines()[0]
    if first.startswith(where):
        return first
    return f'{where}: {name} {first}' if name not in where else (
        f'{where} {first}')
