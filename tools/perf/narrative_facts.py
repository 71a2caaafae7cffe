"""Measure how much of an action a narrative of so many clauses holds.

    NUCLA_PKL=nucla_3d.pkl python tools/perf/narrative_facts.py
        [--clauses 5 9 18] [--brief 16 24] [--protocol xview]

The language model cannot read out of a narrative what is not in it. So plain
classifiers, linear and trees, read the very clauses that it is told, the most
salient first: which motions there are, how often, for how long or, in brief
clauses, in which manner, and at which place. Beside them stand the strengths
of all events, which no clause tells. Trained on all training clips of
Northwestern-UCLA; top-1 of all test clips and of those that are no copies of
training clips. The last line is JSON: `clean` and `all` by facts and
classifier.
"""
import argparse
import json
import os
import re
from typing import Dict, List, Sequence


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--data', default=os.environ.get('NUCLA_PKL'),
                        help='pickle (default: NUCLA_PKL)')
    parser.add_argument('--protocol', choices=['xview', 'xsub'],
                        default='xview')
    parser.add_argument('--clauses', type=int, nargs='+', default=[5, 9, 18],
                        help='of a narrative; SmolLM2 reads nine in 128 '
                        'positions, eighteen in 256')
    parser.add_argument('--brief', type=int, nargs='+', default=[16, 24],
                        help='brief clauses of a narrative '
                        '(`narrative.brief`) in as many positions')
    args = parser.parse_args()
    if min(*args.clauses, *args.brief) < 1:
        parser.error('--clauses and --brief must be at least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
from terminaltables import AsciiTable
from tqdm import tqdm

from lvlm_var_mm.benchmark.nucla_events import read_event_clips
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.evaluation.event_counts import KINDS_OF, EventClassifier
from lvlm_var_mm.kinematics.language import THIRDS, clauses

MANNERS = 'far', 'a little', 'long', 'briefly'
CLAUSE = re.compile(r'(?:(?P<start>[\d.]+)-(?P<end>[\d.]+) s )?(?P<motion>.*?)'
                    rf'(?: (?P<manner>{"|".join(MANNERS)}))?'
                    rf'(?: (?:{"|".join(THIRDS)}))?(?: x(?P<times>\d+))?$')


def facts(told: Sequence[Sequence[str]], limit: int) -> np.ndarray:
    """Turn narratives into numbers.

    Args:
        told (sequence): The clauses of each of N clips, most salient first.
        limit (int): So many of them are read.

    Returns:
        array: (N, 7 x motions): whether each motion is told, how often it
        happens, one over its place, and its seconds or each manner.
    """
    read = [[CLAUSE.fullmatch(clause).groupdict() for clause in some[:limit]]
            for some in told]
    motions = {motion: i for i, motion in enumerate(sorted(
        {clause['motion'] for some in read for clause in some}))}
    found = np.zeros((len(read), len(motions), 3 + len(MANNERS)))
    for row, some in zip(found, read):
        for place, said in enumerate(some):
            how = ([float(said['end']) - float(said['start'])]
                   if said['start'] else
                   [said['manner'] == manner for manner in MANNERS])
            row[motions[said['motion']], :3 + len(how)] = (
                1, int(said['times'] or 1), 1 / (1 + place), *how)
    return found.reshape(len(read), -1)


def main() -> None:
    args = parse_args()
    clips = read_event_clips(args.data, args.protocol)
    told = [clauses(s.events) for s in clips.seen]
    inputs = {f'{limit} clauses': facts(told, limit)
              for limit in args.clauses}
    brief = [clauses(s.events, brief=True) for s in clips.seen]
    inputs.update({f'{limit} brief clauses': facts(brief, limit)
                   for limit in args.brief})
    inputs['strengths of all events'] = clips.found
    figures: Dict[str, Dict[str, Dict[str, float]]] = dict(clean={}, all={})
    rows: List[Sequence] = []
    for name, found in tqdm(inputs.items(), disable=None):
        for kind in KINDS_OF:
            right = EventClassifier(kind).fit(
                found[clips.train],
                clips.labels[clips.train]).predict(found) == clips.labels
            for key, part in ('clean', clips.clean), ('all', clips.test):
                figures[key].setdefault(name, {})[kind] = float(
                    100 * right[part].mean())
        rows.append((name, *(f'{figures["all"][name][k]:.1f} '
                             f'({figures["clean"][name][k]:.1f})'
                             for k in KINDS_OF)))
    print(AsciiTable([('facts', *KINDS_OF), *rows],
                     title=f'{clips.test.sum()} clips '
                     f'({clips.clean.sum()} clean)').table)
    print(json.dumps(dict(
        figures, protocol=args.protocol, clips=int(clips.test.sum()),
        clean_clips=int(clips.clean.sum()),
        clauses_a_clip=float(np.mean([len(some) for some in told])))))


if __name__ == '__main__':
    with user_errors():
        main()
