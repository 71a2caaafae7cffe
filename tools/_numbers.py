"""Numbers that options take. Imports nothing slow: --help passes through
here."""
import argparse
from typing import Callable, Union

Number = Union[int, float]


def above_zero(text: str) -> float:
    """Parse a number above 0."""
    return _checked(float(text), lambda x: x > 0, 'above 0')


def at_least_one(text: str) -> int:
    """Parse a whole number of 1 or more."""
    return _checked(int(text), lambda x: x >= 1, '1 or more')


def share(text: str) -> float:
    """Parse a number of 0 to 1."""
    return _checked(float(text), lambda x: 0 <= x <= 1, '0 to 1')


def _checked(number: Number, fits: Callable[[Number], bool],
             what: str) -> Number:
    if not fits(number):
        raise argparse.ArgumentTypeError(f'{number:g} is not {what}')
    return number
