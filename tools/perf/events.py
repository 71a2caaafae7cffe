"""Measure how well body-part events are found, and how fast.

    python tools/perf/events.py [--performers 10] [--real nucla_3d.pkl]

On made skeletons, as a sensor measures them (noise of a centimetre, bodies
that are none, lost frames), read and chosen as those of NTU RGB+D are: the ten
actions of the made sample, and nine motions that are easily mistaken (boxing,
jogging, arm curls, slow waves, ...), by ten performers before three cameras.
Which events happen, and when, is known by construction: see
lvlm_var_mm/synthetic/events.py. Where it leaves an event to the draw,
the true joints, without noise, decide if the part goes a quarter more or less
than the event's size; what lies between counts neither way, and `undecided`
is its share of all that is found.

`precision` is the share of events found that happen, `recall` the share of
events that happen that are found, each at its time give or take 0.15 s, with
half of the shorter one in common. `hard_false_rate` is the share of the clips
of easily mistaken motions in which anything is found that does not happen.
`perturbed_*` are the same after a random turn about the vertical, a body up to
10 % larger or smaller and further noise of a centimetre on each coordinate;
`worst_*` the least over mirrored clips, joints of Kinect v1, and 7 to 60
frames a second.

On real skeletons, Northwestern-UCLA in the pickle of `--real` or NUCLA_PKL,
nobody knows when what happens, but who sits down sinks: `real_recall` is the
mean share of clips of an action in which its event is found, `real_opposite`
that in which the opposite event is found and is the larger one, both of the
third camera, which no threshold was chosen on (`real_opposite_at_all` counts
it whatever its size); the tables give both views.

`clips_per_s` counts clips of 64 frames, one person, in one process, by the
processor time that it takes, which is that of the wall clock on a machine with
nothing else to do; `clips_per_s_wall` by the wall clock. Medians over the
repeats. The last line is JSON.
"""
import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import mean, median
from typing import Dict, Iterable, List, Sequence, Tuple, Union


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--performers', type=int,
                        help='of the made clips (default: all)')
    parser.add_argument('--seed', type=int, default=0,
                        help='of the made clips (default: %(default)s)')
    parser.add_argument('--real', default=os.environ.get('NUCLA_PKL'),
                        help='pickle of Northwestern-UCLA (default: '
                        'NUCLA_PKL); without, real_* are null')
    parser.add_argument('--clips', type=int, default=256,
                        help='clips in the timed batch (default: '
                        '%(default)s)')
    parser.add_argument('--repeats', type=int, default=5,
                        help='timed runs (default: %(default)s)')
    parser.add_argument('--mistakes', action='store_true',
                        help='list the events that are wrong or missed')
    args = parser.parse_args()
    if args.clips < 1 or args.repeats < 1:
        parser.error('--clips and --repeats must be at least 1')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import numpy as np
from terminaltables import AsciiTable

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton, write_skeleton
from lvlm_var_mm.datasets.skeleton import read_pickle
from lvlm_var_mm.kinematics import Observation, mirrored, observe_all
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.events import (HARD_SCRIPTS, SCRIPTS, Script,
                                          events_of)
from lvlm_var_mm.synthetic.hard import HARD
from lvlm_var_mm.synthetic.make import ANGLES, PERFORMERS, capture
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.synthetic.truth import decide

TOLERANCE = .15  # seconds
RATES = 7, 10, 15, 60  # frames a second, beside the 30 of the made clips
ALL = {**SCRIPTS, **HARD_SCRIPTS}
REAL_FPS = 12  # by the pace at which people walk; the pickle says none
# What an action shows whoever does it, and the opposite; `one` is either side.
REAL = (
    ('sit down', 'body sinks', 'body rises'),
    ('sit down', 'body moves back', 'body moves forward'),
    ('stand up', 'body rises', 'body sinks'),
    ('stand up', 'body moves forward', 'body moves back'),
    ('walk around', 'legs step in turn', None),
    ('walk around', 'body moves forward', 'body moves back'),
    ('pick up with one hand', 'torso bends forward', 'torso leans back'),
    ('pick up with one hand', 'one hand lowers', None),
    ('pick up with two hands', 'torso bends forward', 'torso leans back'),
    ('pick up with two hands', 'knees bend', None),
    ('throw', 'one hand rises', None),
    ('throw', 'one arm stretches', None),
    ('throw', 'one hand moves forward', None),
)
# What nobody does there.
NEVER = 'hands clap', 'one hand waves', 'one foot kicks', 'body lies'
CLASSES = ('pick up with one hand', 'pick up with two hands', 'drop trash',
           'walk around', 'sit down', 'stand up', 'donning', 'doffing',
           'throw', 'carry')


def make_clips(performers: Sequence[int], seed: int = 0) -> List[tuple]:
    """(action, keypoint (M, T, 25, 3), script of each of its persons)."""
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'clip.skeleton'
        for action in ALL:
            for performer in performers:
                performance = action, performer, 1
                people = perform(*performance, seed)
                scripts = decide(events_of(*performance, seed), people)
                for camera in ANGLES:
                    seen, measured, _ = capture(people, camera, performance,
                                                seed)
                    write_skeleton(path, measured)
                    keypoint = real_persons(read_skeleton(path))['keypoint']
                    clips.append((action, keypoint, [
                        scripts[who_is(person, seen)]
                        for person in keypoint]))
    return clips


def who_is(person: np.ndarray, people: np.ndarray) -> int:
    """The true person whose place is nearest to that of a measured one."""
    place = person[person.any((1, 2))].mean((0, 1))
    return int(np.linalg.norm(people.mean((1, 2)) - place, axis=1).argmin())


def perturb(keypoint: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Seen from elsewhere, on a body of another size, by a worse sensor."""
    angle, there = rng.uniform(0, 2 * np.pi), keypoint.any(-1)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    moved = keypoint @ turn.T * rng.uniform(.9, 1.1)
    return (moved + rng.normal(0, .01, moved.shape)) * there[..., None]


def mirror(keypoint: np.ndarray) -> np.ndarray:
    """Left and right changed over, as in a mirror."""
    return keypoint[:, :, _swap(LAYOUTS['ntu25'])] * np.array([-1, 1, 1])


def _swap(layout):
    return [layout.index(mirrored(joint.replace('_', ' ')).replace(' ', '_'))
            for joint in layout.joints]


def mirror_script(script: Script) -> Script:
    return script._replace(
        does=[(mirrored(name), *when) for name, *when in script.does],
        may={mirrored(name) for name in script.may})


def as_kinect20(keypoint: np.ndarray) -> np.ndarray:
    """Without a neck, the fingers and the thumbs."""
    names = LAYOUTS['ntu25'].joints
    return keypoint[:, :, [names.index(n) for n in LAYOUTS['kinect20'].joints]]


def resample(keypoint: np.ndarray, fps: float) -> np.ndarray:
    """From 30 to ``fps`` frames a second; a person whom either of two frames
    lacks is absent between them."""
    at = np.arange(0, keypoint.shape[1] - 1 + 1e-6, 30 / fps)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, keypoint.shape[1] - 1)
    weight = (at - low)[:, None, None]
    there = keypoint.any(-1, keepdims=True)
    mixed = keypoint[:, low] * (1 - weight) + keypoint[:, high] * weight
    return mixed * (there[:, low] & (there[:, high] | (weight < 1e-6)))


def common(start: float, end: float, other_start: float,
           other_end: float) -> bool:
    """Return whether two stretches share half of the shorter one."""
    shared = min(end, other_end) - max(start, other_start)
    return 2 * shared >= min(end - start, other_end - other_start)


def judge(clips: Sequence[tuple], seen: Sequence[Observation]
          ) -> Tuple[Dict[int, Counter], Counter]:
    """Counts by action: events right, wrong, undecided, happened and found;
    clips, and those with a wrong event."""
    counts = {action: Counter() for action in ALL}
    mistakes = Counter()
    for (action, _, scripts), observation in zip(clips, seen):
        found = [set() for _ in scripts]
        before = counts[action]['wrong']
        for event in observation.events:
            script = scripts[event.person]
            hits = [i for i, (name, start, end) in enumerate(script.does)
                    if name == event.name and common(
                        start - TOLERANCE, end + TOLERANCE, event.start,
                        event.end)]
            found[event.person].update(hits)
            verdict = ('right' if hits else 'undecided'
                       if event.name in script.may else 'wrong')
            counts[action][verdict] += 1
            if verdict == 'wrong':
                mistakes[action, 'wrong', event.name] += 1
        counts[action]['clips'] += 1
        counts[action]['false'] += counts[action]['wrong'] > before
        for hits, script in zip(found, scripts):
            counts[action]['happened'] += len(script.does)
            counts[action]['found'] += len(hits)
            for i, (name, *_) in enumerate(script.does):
                if i not in hits:
                    mistakes[action, 'missed', name] += 1
    return counts, mistakes


def shares(counts: Iterable[Counter]) -> Tuple[float, float, float]:
    """Precision, recall and share of what is undecided."""
    total = sum(counts, Counter())
    decided = total['right'] + total['wrong']
    return (total['right'] / max(decided, 1),
            total['found'] / max(total['happened'], 1),
            total['undecided'] / max(decided + total['undecided'], 1))


def false_rate(counts: Iterable[Counter]) -> float:
    """The share of clips with a wrong event."""
    total = sum(counts, Counter())
    return total['false'] / total['clips']


def look_otherwise(clips: Sequence[tuple]
                   ) -> Dict[str, Tuple[float, float, float]]:
    """Precision and recall of the same clips, as other sensors see them."""
    keypoints, scripts = [k for _, k, _ in clips], [s for *_, s in clips]
    ways = {'mirrored': ([mirror(k) for k in keypoints], 'ntu25', 30, [
        [mirror_script(s) for s in each] for each in scripts])}
    ways['joints of Kinect v1'] = (
        [as_kinect20(k) for k in keypoints], 'kinect20', 30, scripts)
    for fps in RATES:
        ways[f'{fps} frames a second'] = (
            [resample(k, fps) for k in keypoints], 'ntu25', fps, scripts)
    figures = {}
    for way, (seen, layout, fps, told) in ways.items():
        counts, _ = judge([(a, k, s) for (a, *_), k, s in zip(
            clips, seen, told)], observe_all(seen, layout, fps))
        figures[way] = (*shares(counts.values())[:2],
                        false_rate([counts[a] for a in HARD_SCRIPTS]))
    return figures


def look_at_real(path: Union[str, Path]) -> List[Tuple[list, list]]:
    """Return, for each view, (clips, recall, opposite is larger, opposite at
    all) of each row of `REAL`, then the share of all clips with each of
    `NEVER`."""
    annotations, splits = read_pickle(path)
    rows = []
    for split in 'xview_train', 'xview_val':
        chosen = set(splits[split])
        clips = [a for a in annotations
                 if a['frame_dir'] in chosen and a['total_frames'] > 4]
        seen = observe_all([a['keypoint'] for a in clips], 'kinect20',
                           REAL_FPS)
        rows.append(([_shares_of(action, names, clips, seen)
                      for action, *names in REAL],
                     [(_sizes_of([name], seen) > 0).mean()
                      for name in NEVER]))
    return rows


def _shares_of(action, names, clips, seen):
    some = [i for i, clip in enumerate(clips)
            if CLASSES[clip['label']] == action]
    event, opposite = _sizes_of(names, seen)[some].T
    return (len(some), (event > 0).mean(), (opposite > event).mean(),
            (opposite > 0).mean())


def _sizes_of(names, seen):
    """(clips, names) the largest size of an event, 0 where there is none."""
    return np.array([
        [max((e.magnitude for e in observation.events
              if name in (e.name, f'one {e.name.partition(" ")[2]}')),
             default=0) for name in names] for observation in seen])


def measure_speed(clips: Sequence[tuple], number: int,
                  repeats: int) -> List[float]:
    """Return clips of 64 frames and one person per second, by the processor
    and by the wall clock."""
    pool = [keypoint[:1] for _, keypoint, scripts in clips
            if len(scripts) == 1]
    batch = np.stack([
        k[:, np.linspace(0, k.shape[1] - 1, 64).round().astype(int)]
        for k in (pool * -(-number // len(pool)))[:number]])
    observe_all(batch)  # warm-up
    times = []
    for _ in range(repeats):
        start = time.process_time(), time.perf_counter()
        observe_all(batch)
        times.append((time.process_time() - start[0],
                      time.perf_counter() - start[1]))
    return [number / median(each) for each in zip(*times)]


def main() -> None:
    args = parse_args()
    number = len(PERFORMERS) if args.performers is None else args.performers
    if args.real and not Path(args.real).is_file():
        raise FileNotFoundError(f'no file {args.real}: give --real the pickle '
                                'of Northwestern-UCLA, or unset NUCLA_PKL')
    if not 1 <= number <= len(PERFORMERS):
        raise ValueError(f'--performers must be 1 to {len(PERFORMERS)}')
    clips = make_clips(PERFORMERS[:number], args.seed)
    rng = np.random.default_rng(args.seed)
    plain, mistakes = judge(clips, observe_all([k for _, k, _ in clips]))
    rough, rough_mistakes = judge(
        clips, observe_all([perturb(k, rng) for _, k, _ in clips]))
    if args.mistakes:
        for title, listed in ('plain', mistakes), ('perturbed',
                                                   rough_mistakes):
            for (action, how, name), number in listed.most_common():
                print(f'{title} A{action} {how} {number:4} {name}')

    def row(title, *counts):
        figures = [value for c in counts for value in shares(c)]
        return [title, *_percent(*figures)]

    heads = 'precision', 'recall', 'undecided'
    rows = [('action', *heads, *(f'perturbed {head}' for head in heads))]
    rows += [row(_title(a), [plain[a]], [rough[a]]) for a in ALL]
    rows.append(row('all', plain.values(), rough.values()))
    print(AsciiTable(rows, title=f'{len(clips)} clips').table)
    others = look_otherwise(clips)
    rows = [('seen otherwise', 'precision', 'recall', 'hard_false_rate')]
    rows += [(way, *_percent(*figures)) for way, figures in others.items()]
    print(AsciiTable(rows).table)
    real = look_at_real(args.real) if args.real else None
    if real:
        views = [f'{head}, {view}' for view in ('training views', 'test view')
                 for head in ('clips', 'found', 'opposite larger',
                              'opposite at all')]
        rows = [('action', 'event', 'opposite', *views)]
        for (action, event, opposite), *figures in zip(
                REAL, *(shown for shown, _ in real)):
            cells = []
            for number, found, *against in figures:
                cells += [number, *_percent(found), *(
                    _percent(*against) if opposite else '--')]
            rows.append((action, event, opposite or '', *cells))
        print(AsciiTable(rows, title='Northwestern-UCLA').table)
        rows = [('what nobody does', 'training views', 'test view')]
        rows += zip(NEVER, *(_percent(*never) for _, never in real))
        print(AsciiTable(rows).table)
    else:
        print('real skeletons: not measured, give --real or set NUCLA_PKL')
    precision, recall, undecided = shares(plain.values())
    perturbed_precision, perturbed_recall, _ = shares(rough.values())
    test = real[1][0] if real else []
    against = [t for t, (*_, opposite) in zip(test, REAL) if opposite]
    by_processor, by_wall = measure_speed(clips, args.clips, args.repeats)
    print(json.dumps(dict(
        precision=precision,
        recall=recall,
        perturbed_precision=perturbed_precision,
        perturbed_recall=perturbed_recall,
        undecided=undecided,
        hard_false_rate=false_rate([plain[a] for a in HARD_SCRIPTS]),
        worst_precision=min(p for p, *_ in others.values()),
        worst_recall=min(r for _, r, _ in others.values()),
        real_recall=mean(t[1] for t in test) if test else None,
        real_opposite=mean(t[2] for t in against) if test else None,
        real_opposite_at_all=mean(t[3] for t in against) if test else None,
        clips_per_s=by_processor,
        clips_per_s_wall=by_wall,
        clips=len(clips),
        seed=args.seed,
        repeats=args.repeats)))


def _percent(*figures):
    return [f'{100 * value:.1f}' for value in figures]


def _title(action):
    return (f'A{action}' if action in SCRIPTS else
            HARD[action][0].__name__.replace('_', ' '))


if __name__ == '__main__':
    with user_errors():
        main()
