"""Names of samples, and lists of samples to leave out."""
import os.path as osp
import re
from typing import Collection, Iterable, List, Sequence, Union

from mmengine.logging import print_log

from lvlm_var_mm.text_files import read_text

NTU_NAME = r'S\d{3}C\d{3}P\d{3}R\d{3}A\d{3}'


def plain_name(name: str) -> str:
    """Return the name of a sample without the ``_rgb`` of its video, which
    MMAction2's pose extractor for NTU RGB+D keeps in ``frame_dir``."""
    name = str(name)
    return name[:-4] if re.fullmatch(f'{NTU_NAME}_rgb', name) else name


def is_excluded(name: str, exclude: Collection[str]) -> bool:
    """Tell whether a sample is in a list of :func:`read_exclude`."""
    return name in exclude or plain_name(name) in exclude


def without_copies(stems: Iterable[str], place: str) -> List[str]:
    """Leave out files whose name goes on behind that of a sample, such as
    ``S001C001P001R001A001 (1)``, the second copy of a download: what they
    hold is counted already, or was given another name with a purpose. The log
    names them."""
    stems = list(stems)
    copies = [s for s in stems if re.match(NTU_NAME, s)
              and not re.fullmatch(NTU_NAME, s)]
    if copies:
        print_log(f'{place}: left out, for they are not named just '
                  f'SsssCcccPpppRrrrAaaa: {len(copies)} files, '
                  f'{", ".join(sorted(copies)[:5])}' +
                  (' ...' if len(copies) > 5 else ''), 'current', 30)
    gone = set(copies)
    return [s for s in stems if s not in gone]


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
        names = set(exclude or ())
        return names | set(map(plain_name, names))
    if not osp.isfile(exclude):
        raise FileNotFoundError(
            f'no file {exclude}: set `exclude` to the list of samples to '
            'leave out, or to None')
    text = read_text(exclude)
    return set(re.findall(NTU_NAME, text)) | {
        line.strip() for line in text.split('\n') if line.strip()
    }
