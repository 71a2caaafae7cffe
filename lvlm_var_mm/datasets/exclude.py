"""Lists of samples to leave out."""
import os.path as osp
import re
from typing import Sequence, Union

from lvlm_var_mm.text_files import read_text


def read_exclude(exclude: Union[str, Sequence[str], None]) -> set:
    """Names of samples to leave out, from a list or a text file.

    In a file, each line that is a name counts, and everything in it that
    looks like ``SsssCcccPpppRrrrAaaa``: the authors' lists of NTU RGB+D have
    headings and endings of their own.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It is no text.
    """
    if not isinstance(exclude, str):
        return set(exclude or ())
    if not osp.isfile(exclude):
        raise FileNotFoundError(
            f'no file {exclude}: set `exclude` to the list of samples to '
            'leave out, or to None')
    text = read_text(exclude)
    return set(re.findall(r'S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}', text)) | {
        line.strip() for line in text.split('\n') if line.strip()
    }
