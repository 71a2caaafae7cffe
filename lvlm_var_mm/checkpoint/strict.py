"""Refuse a checkpoint of another model, by the names and shapes of its
weights."""
import re
from contextlib import contextmanager
from typing import Iterator, List, Union

from mmengine.logging import print_log
from mmengine.runner import FlexibleRunner, Runner

from lvlm_var_mm.models.lvlm.reader import PromptReader

SHOWN = 3  # weights of a kind that a message names
# What MMEngine's load_state_dict(strict=True) says.
MISMATCH = 'The model and loaded state dict do not match exactly'


@contextmanager
def another_model_refused(path: str, surplus: bool = False) -> Iterator[None]:
    """Turn MMEngine's complaint about a strict load into an error that names
    the file and says what to do.

    Args:
        path (str): The checkpoint.
        surplus (bool): Whether weights that the model does not have are
            logged instead.

    Raises:
        ValueError: The weights are not those of the model.
    """
    try:
        yield
    except RuntimeError as e:
        if not str(e).startswith(MISMATCH):
            raise
        missing, other, more = _differences(str(e))
        if surplus and not missing and not other:
            print_log(f'{path}: {more[0]}', logger='current', level=30)
            return
        raise ValueError(
            f'{path} is of another model: {"; ".join(missing + other + more)}'
            '. Give the config that it was trained with, such as its copy in '
            'the work dir') from None


def load_strictly(runner: Union[Runner, FlexibleRunner]) -> None:
    """Let a runner refuse a ``load_from`` of another model: MMEngine would
    log it, and go on with the random weights of what is missing.

    Weights that a stock model does not have are logged: published checkpoints
    hold some that only training needs.
    """
    owner = getattr(runner, 'strategy', runner)
    load = owner.load_checkpoint

    def strict(filename: str, *args, **kwargs):
        model = getattr(owner.model, 'module', owner.model)
        stock = not isinstance(getattr(model, 'cls_head', None), PromptReader)
        with another_model_refused(filename, surplus=stock):
            return load(filename, *args, **{**kwargs, 'strict': True})

    owner.load_checkpoint = strict


def _differences(message: str) -> List[List[str]]:
    """Sentences about missing weights, such of another shape, and such that
    are too many; each none or one."""
    missing = _names(message, 'missing keys in source state_dict')
    more = _names(message, 'unexpected key in source state_dict')
    other = [f'{name} {shape}, model {own}' for name, shape, own in re.findall(
        r'size mismatch for (\S+): .* torch\.Size\((.*)\) from checkpoint, '
        r'.* torch\.Size\((.*)\)', message)]
    return [
        [f'{len(found)} weights {what}: {_some(found)}'] if found else []
        for found, what in ((missing, 'of the model are not in it'),
                            (other, 'have another shape'),
                            (more, 'are not of the model'))]


def _names(message: str, start: str) -> List[str]:
    line = re.search(rf'{start}: (.*)', message)
    return line[1].strip().split(', ') if line else []


def _some(names: List[str]) -> str:
    more = len(names) - SHOWN
    return ', '.join(names[:SHOWN]) + (f' and {more} more' if more > 0 else '')
