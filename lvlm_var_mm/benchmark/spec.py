"""Read the specification of a benchmark and check it."""
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

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
    cfg = Config.fromfile(path)
    unknown = sorted(set(cfg) - KEYS)
    if unknown:
        raise ValueError(f'{path}: {unknown[0]!r} is no key of a benchmark; '
                         f'it has {", ".join(sorted(KEYS))}')
    if not cfg.get('entries'):
        raise ValueError(f'{path}: `entries` lists no method')
    runs = [run for entry in cfg.entries
            for run in _runs(path, entry, cfg.get('options') or {})]
    keys = [run.key for run in runs]
    twice = sorted({k for k in keys if keys.count(k) > 1})
    if twice:
        raise ValueError(f'{path}: two entries are called {twice[0]}')
    dumps = [path for run in runs for path in (run.dump, run.part_dump)
             if path]
    twice = sorted({d for d in dumps if dumps.count(d) > 1})
    if twice:
        raise ValueError(f'{path}: {twice[0]} is the dump of several runs: '
                         'let `{seed}` and `{stream}` stand in its name')
    spec = Spec(
        cfg.get('title') or Path(path).stem, tuple(runs),
        tuple(Fusion(f.name, tuple(f.of)) for f in cfg.get('fusions') or ()),
        tuple(tuple(pair) for pair in cfg.get('comparisons') or ()),
        tuple(dict(p) for p in cfg.get('published') or ()),
        float(cfg.get('part', .1)))
    known = {*spec.members, *(f.name for f in spec.fusions)}
    for kind, names in (*((f'fusion {f.name!r}', f.of)
                          for f in spec.fusions),
                        *(('comparisons', pair)
                          for pair in spec.comparisons)):
        lost = [n for n in names if n not in known]
        if lost:
            raise ValueError(f'{path}: {kind} names {lost[0]!r}; there are '
                             f'{", ".join(sorted(known))}')
    if not 0 < spec.part < 1:
        raise ValueError(f'{path}: `part` is {spec.part}, must be between 0 '
                         'and 1')
    return spec


def _runs(path: str, entry: dict, options: dict) -> Sequence[Run]:
    unknown = sorted(set(entry) - ENTRY)
    if unknown or not {'name', 'config'} <= set(entry):
        raise ValueError(
            f'{path}: entry {entry.get("name")!r} '
            + (f'has {unknown[0]!r}' if unknown else 'lacks name or config')
            + f'; it takes {", ".join(sorted(ENTRY))}')
    given = {'checkpoint', 'dump'} & {k for k in entry if entry[k]}
    if len(given) > 1 or (entry.get('part_dump') and 'dump' not in given):
        raise ValueError(
            f'{path}: entry {entry["name"]!r} takes `checkpoint`, or `dump` '
            'with or without `part_dump`')
    seeds = list(entry.get('seeds', [0]))
    streams = entry.get('streams') or ['']
    if not isinstance(streams, dict):
        streams = {stream: seeds for stream in streams}
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
    return path and path.format(stream=stream, seed=seed)
