"""From the files of the runs to the numbers of the report."""
import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from .data import Clips
from .runs import COST, Runner, record_of
from .scores import Scores, as_ordered, figures, fit_weights, fuse, recalls
from .spec import Fusion, Run
from .statistics import compare, summary

EXAMPLES = 3  # clips shown of a class


class Method(NamedTuple):
    """A row of the table: a member or a fusion, over its seeds."""
    name: str
    kind: str  # 'model' or 'fusion'
    scores: Dict[int, Scores]  # by seed
    weights: Optional[Dict[int, List[float]]] = None


def collect(runner: Runner) -> Dict[str, Any]:
    """Return everything the report says, as JSON has it.

    Runs without results are listed in ``missing``; fusions and comparisons
    that need them are left out.

    Raises:
        ValueError: No run has results yet, or runs of different test sets are
            fused or compared.
    """
    spec = runner.spec
    done = [run for run in spec.runs if runner.done(run)]
    if not done:
        raise ValueError(f'{runner.out}: no run has results yet')
    clips = {}
    methods: Dict[str, Method] = {}
    for run in done:
        if run.member not in clips:
            clips[run.member] = runner.clips(run)
        method = methods.setdefault(
            run.member, Method(run.member, 'model', {}))
        method.scores[run.seed] = runner.scores(run, clips[run.member])
    for fusion in spec.fusions:
        for method in _fused(runner, fusion, methods):
            methods[method.name] = method
            clips[method.name] = clips[fusion.of[0]]
    return dict(
        title=spec.title,
        copies=[name for name, c in clips.items() if not c.clean.any()],
        runs=[_run(runner, run) for run in done],
        missing=[run.key for run in spec.runs if run not in done],
        methods=[_row(m, clips[m.name]) for m in methods.values()],
        costs={run.member: json.loads((runner.folder(run) /
                                       COST).read_text())
               for run in reversed(done)
               if not run.dump and (runner.folder(run) / COST).exists()},
        comparisons=[
            _pair(methods[a], methods[b], clips[a])
            for a, b in spec.comparisons if {a, b} <= set(methods)],
        published=list(spec.published))


def subsets(clips: Clips) -> List[Tuple[str, np.ndarray]]:
    """All clips and, if some are training clips, those that are not."""
    everything = np.ones(len(clips.names), bool)
    found = [('all', everything)]
    if 0 < clips.clean.sum() < len(clips.clean):
        found.append(('clean', clips.clean))
    return found


def _run(runner: Runner, run: Run) -> Dict[str, Any]:
    folder = runner.folder(run)
    return dict(key=run.key, member=run.member, seed=run.seed,
                config=run.config, checkpoint=run.checkpoint,
                dump=run.dump, **({} if run.dump else record_of(folder)))


def _row(method: Method, clips: Clips) -> Dict[str, Any]:
    figs = {}
    for name, keep in subsets(clips):
        by_seed = [figures(s, keep) for s in method.scores.values()]
        figs[name] = {key: summary([f[key] for f in by_seed])
                      for key in by_seed[0]}
    return dict(name=method.name, kind=method.kind,
                seeds=list(method.scores), figures=figs,
                weights=method.weights)


def _fused(runner: Runner, fusion: Fusion,
           methods: Dict[str, Method]) -> List[Method]:
    """The fusion with equal weights, and with those that suit a part of the
    training set."""
    if not set(fusion.of) <= set(methods):
        return []
    by_member: Dict[str, Dict[int, Run]] = {}
    for run in runner.spec.runs:
        if runner.done(run):
            by_member.setdefault(run.member, {})[run.seed] = run
    seeds = sorted(set.intersection(
        *(set(methods[m].scores) for m in fusion.of)))
    plain, fitted, weights = {}, {}, {}
    try:
        for seed in seeds:
            several = [methods[m].scores[seed] for m in fusion.of]
            plain[seed] = fuse(several)
            parts = [runner.part_scores(by_member[m][seed])
                     for m in fusion.of if seed in by_member.get(m, ())]
            if len(parts) == len(several) and None not in parts:
                weights[seed] = fit_weights(parts)
                fitted[seed] = fuse(several, weights[seed])
    except ValueError as e:
        raise ValueError(f'fusion {fusion.name!r}: {e}') from e
    found = [Method(fusion.name, 'fusion', plain)] if plain else []
    if fitted:
        found.append(Method(f'{fusion.name}, weighted', 'fusion', fitted,
                            weights))
    return found


def _pair(first: Method, second: Method, clips: Clips) -> Dict[str, Any]:
    seeds = [s for s in first.scores if s in second.scores]
    # Seeds that only one has say nothing about a pair; without a common one
    # all of either count.
    a = [first.scores[s] for s in seeds] or list(first.scores.values())
    b = [second.scores[s] for s in seeds] or list(second.scores.values())
    try:
        b = [as_ordered(scores, a[0]) for scores in b]
    except ValueError as e:
        raise ValueError(f'{first.name} and {second.name}: {e}; take the '
                         'pair out of `comparisons`') from e
    tests = {
        name: compare([s.right[keep] for s in a], [s.right[keep] for s in b]
                      )._asdict() for name, keep in subsets(clips)}
    return dict(first=first.name, second=second.name, seeds=seeds,
                tests=tests, classes=_classes(a, b, clips))


def _classes(first: Sequence[Scores], second: Sequence[Scores],
             clips: Clips) -> List[Dict[str, Any]]:
    """Recall of each class by both, the largest difference first, with clips
    of the first seed that only one has right."""
    one, two = first[0], second[0]
    rows = []
    for k in recalls(one):
        a, b = ([100 * recalls(s)[k] for s in some]
                for some in (first, second))
        own = one.labels == k
        rows.append(dict(
            name=clips.classes[k],
            clips=int(own.sum()),
            first=float(np.mean(a)),
            second=float(np.mean(b)),
            only_first=_examples(own & one.right & ~two.right, two, clips),
            only_second=_examples(own & two.right & ~one.right, one, clips)))
    return sorted(rows, key=lambda r: -abs(r['first'] - r['second']))


def _examples(chosen: np.ndarray, wrong: Scores,
              clips: Clips) -> List[Dict[str, str]]:
    names = dict(enumerate(clips.classes))
    return [dict(clip=clips.names[i],
                 taken_for=names.get(k := int(wrong.answers[i]), f'class {k}'))
            for i in np.flatnonzero(chosen)[:EXAMPLES]]
