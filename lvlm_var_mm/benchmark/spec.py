"""Read the specification of a benchmark and check it."""
import re
from collections import Counter
from pathlib import Path
from typing import (Any, Dict, Iterable, List, NamedTuple, Optional, Sequence,
                    Set, Tuple)

from mmengine.config import Config

from lvlm_var_mm.shipped import find_config
from .streams import parse_stream

KEYS = {
    'title', 'entries', 'fusions', 'comparisons', 'published', 'options',
    'part'
}
ENTRY = {
    'name', 'config', 'seeds', 'streams', 'checkpoint', 'dump', 'part_dump',
    'options'
}
FUSION = {'name', 'of'}
PUBLISHED = {'name', 'streams', 'top1', 'top1_clean', 'source'}


class Run(NamedTuple):
    """One training and test.

    Attributes:
        entry (str): Name of the method in the tables.
        config (str): Path.
        stream (str): As :func:`.streams.parse_stream` takes it; empty for the
            input that the config has.
        seed (int): Of all random numbers.
        checkpoint (str | None): Tested in the place of a training.
        dump (str | None): Scores of the test clips, in the place of training
            and test.
        part_dump (str | None): Scores of the part of the training clips on
            which the weights of fusions are set, beside ``dump``.
        options (dict): Dotted keys over the config.
    """
    entry: str
    config: str
    stream: str
    seed: int
    checkpoint: Optional[str]
    dump: Optional[str]
    part_dump: Optional[str]
    options: Dict[str, Any]

    @property
    def member(self) -> str:
        """Name without the seed, as fusions and comparisons have it."""
        return f'{self.entry}/{self.stream}' if self.stream else self.entry

    @property
    def key(self) -> str:
        """Name of its folder."""
        return re.sub(r'[^\w.+-]+', '_', f'{self.member}-seed{self.seed}')


class Fusion(NamedTuple):
    """Scores of several members, added.

    Attributes:
        name (str): In the tables.
        of (tuple[str]): Members.
    """
    name: str
    of: Tuple[str, ...]


class Spec(NamedTuple):
    """A whole benchmark; see ``docs/benchmark.md`` for the keys."""
    title: str
    runs: Tuple[Run, ...]
    fusions: Tuple[Fusion, ...]
    comparisons: Tuple[Tuple[str, str], ...]
    published: Tuple[dict, ...]
    part: float

    @property
    def members(self) -> List[str]:
        return list(dict.fromkeys(run.member for run in self.runs))


def read_spec(path: str) -> Spec:
    """Read a specification, a file or a name below ``configs/``.

    Raises:
        FileNotFoundError: No such file, or one of its configs.
        ValueError: A key, a stream or a name in it that is none; says which.
    """
    path = find_config(path)
    try:
        return _spec(Config.fromfile(path), Path(path).stem)
    except ValueError as e:
        raise ValueError(f'{path}: {e}') from e


def _spec(cfg: Config, stem: str) -> Spec:
    unknown = sorted(set(cfg) - KEYS)
    if unknown:
        raise ValueError(f'{unknown[0]!r} is no key of a benchmark; it has '
                         f'{", ".join(sorted(KEYS))}')
    entries = _dicts(cfg, 'entries', {'name', 'config'}, ENTRY)
    if not entries:
        raise ValueError('`entries` lists no method')
    options = cfg.get('options') or {}
    if not isinstance(options, dict):
        raise ValueError('`options` must be a dict of dotted keys')
    runs = [run for entry in entries for run in _runs(entry, options)]
    twice = _twice(run.key for run in runs)
    if twice:
        raise ValueError(f'two entries are called {twice}')
    twice = _twice(dump for run in runs for dump in (run.dump, run.part_dump)
                   if dump)
    if twice:
        raise ValueError(f'{twice} is the dump of several runs: let `{{seed}}`'
                         ' and `{stream}` stand in its name')
    spec = Spec(
        cfg.get('title') or stem, tuple(runs),
        tuple(Fusion(f['name'], tuple(f['of']))
              for f in _dicts(cfg, 'fusions', FUSION, FUSION)),
        tuple(tuple(pair) for pair in cfg.get('comparisons') or ()),
        tuple(_dicts(cfg, 'published', {'name'}, PUBLISHED)),
        float(cfg.get('part', .1)))
    _check_names(spec)
    for figures in spec.published:
        for key in ('top1', 'top1_clean'):
            if not isinstance(figures.get(key), (int, float, type(None))):
                raise ValueError(f'published {figures["name"]!r}: `{key}` is '
                                 f'{figures[key]!r}, must be a number')
    if not 0 < spec.part < 1:
        raise ValueError(f'`part` is {spec.part}, must be between 0 and 1')
    return spec


def _dicts(cfg: Config, key: str, needed: Set[str],
           known: Set[str]) -> List[dict]:
    """A list of dicts, each with what it needs and nothing unknown."""
    found = cfg.get(key) or []
    if not isinstance(found, (list, tuple)) or not all(
            isinstance(each, dict) for each in found):
        raise ValueError(f'`{key}` must be a list of dicts')
    for each in found:
        unknown = sorted(set(each) - known)
        lacking = sorted(needed - set(each))
        if unknown or lacking:
            raise ValueError(
                f'{each.get("name")!r} of `{key}` '
                + (f'has {unknown[0]!r}' if unknown else f'lacks {lacking[0]}')
                + f'; it takes {", ".join(sorted(known))}')
    return [dict(each) for each in found]


def _twice(names: Iterable[str]) -> Optional[str]:
    """The first name, by the alphabet, that is there twice."""
    return min((n for n, often in Counter(names).items() if often > 1),
               default=None)


def _check_names(spec: Spec) -> None:
    """Each member and fusion has a name of its own, and those that a fusion
    or a pair takes stand before it.

    Raises:
        ValueError: It is not so.
    """
    known = list(spec.members)
    for fusion in spec.fusions:
        if fusion.name in known:
            raise ValueError(f'two methods are called {fusion.name!r}')
        if not fusion.of:
            raise ValueError(f'fusion {fusion.name!r} is `of` nothing')
        _check_known(f'fusion {fusion.name!r}', fusion.of, known)
        known.append(fusion.name)
    for pair in spec.comparisons:
        if len(pair) != 2:
            raise ValueError(f'`comparisons` has {list(pair)}, which is no '
                             'pair of names')
        _check_known('comparisons', pair, known)


def _check_known(kind: str, names: Sequence[str], known: List[str]) -> None:
    lost = [n for n in names if n not in known]
    if lost:
        raise ValueError(f'{kind} names {lost[0]!r}; before it there are '
                         f'{", ".join(sorted(known))}')


def _runs(entry: dict, options: dict) -> Sequence[Run]:
    given = {'checkpoint', 'dump'} & {k for k in entry if entry[k]}
    if len(given) > 1 or (entry.get('part_dump') and 'dump' not in given):
        raise ValueError(
            f'entry {entry["name"]!r} takes `checkpoint`, or `dump` with or '
            'without `part_dump`')
    if not isinstance(entry.get('options') or {}, dict):
        raise ValueError(f'entry {entry["name"]!r}: `options` must be a dict '
                         'of dotted keys')
    seeds, streams = entry.get('seeds', [0]), entry.get('streams') or ['']
    if not isinstance(streams, dict):
        streams = {stream: seeds for stream in streams}
    for some in streams.values():
        if not isinstance(some, (list, tuple)):
            raise ValueError(f'entry {entry["name"]!r}: seeds are a list, '
                             f'such as [{some}], and not {some!r}')
    for stream in streams:
        if stream:
            parse_stream(stream)
    config = find_config(entry['config'])
    return [
        Run(entry['name'], config, stream, int(seed),
            *(_filled(entry.get(key), stream, seed)
              for key in ('checkpoint', 'dump', 'part_dump')),
            {**options, **(entry.get('options') or {})})
        for stream, some in streams.items() for seed in some
    ]


def _filled(path: Optional[str], stream: str, seed: int) -> Optional[str]:
    """``{stream}`` and ``{seed}`` in a path."""
    try:
        return path and path.format(stream=stream, seed=seed)
    except (KeyError, IndexError, ValueError) as e:
        raise ValueError(f'{path}: only `{{seed}}` and `{{stream}}` may stand '
                         f'in a path ({e})') from e
