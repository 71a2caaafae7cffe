"""Measure how well body-part events are found, and how fast.

    python tools/perf/events.py [--performers 10] [--seed 0] [--clips 256]

On the skeletons of the made sample, as its sensor measures them (noise of a
centimetre, bodies that are none, lost frames), read and chosen as those of
NTU RGB+D are: ten actions by ten performers before three cameras. Which
events happen, and when, is known by construction: see
lvlm_var_mm/synthetic/events.py. Where it leaves an event to the draw,
the true joints, without noise, decide if the part goes a quarter more or less
than the event's size; what lies between counts neither way, and `undecided`
is its share of all that is found.

`precision` is the share of events found that happen, `recall` the share of
events that happen that are found, each at its time give or take 0.15 s, with
half of the shorter one in common. `perturbed_*` are the same after a random
turn about the vertical, a body up to 10 % larger or smaller and further noise
of a centimetre on each coordinate. `clips_per_s` counts clips of 64 frames,
one person, in one process; wall clock, median over the repeats. The last line
is JSON.
"""
import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('--performers', type=int,
                        help='of the sample (default: all)')
    parser.add_argument('--seed', type=int, default=0,
                        help='of the sample (default: %(default)s)')
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
from lvlm_var_mm.kinematics import KINDS, observe_all
from lvlm_var_mm.kinematics.body import Body
from lvlm_var_mm.kinematics.signals import curves
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.events import SCRIPTS, events_of
from lvlm_var_mm.synthetic.make import ANGLES, PERFORMERS, capture
from lvlm_var_mm.synthetic.performance import perform

TOLERANCE = .15  # seconds


def make_clips(performers, seed=0):
    """(action, keypoint (M, T, 25, 3), script of each of its persons)."""
    clips = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'clip.skeleton'
        for action in SCRIPTS:
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


def decide(scripts, people):
    """Settle what the draw decides where it is plain: by how far the true
    joints climb or drop in all, a quarter more or less than is asked for."""
    body = Body(people[None], LAYOUTS['ntu25'], 30, (0, 1, 0))
    last = people.shape[1] / 30
    for person, script in enumerate(scripts):
        for kind in KINDS:
            if kind.name not in script.may or kind.rule not in (
                    'rises', 'falls') or kind.part == 'persons':
                continue
            way = curves(body, [kind.signal])[0, :, person]
            way = way if kind.rule == 'rises' else -way
            climb = np.max(way - np.fmin.accumulate(way)) / kind.size
            if climb > 1.25:
                script.does.append((kind.name, 0, last))
            if not .75 <= climb <= 1.25:
                script.may.remove(kind.name)
    return scripts


def who_is(person, people):
    """The true person whose place is nearest to that of a measured one."""
    place = person[person.any((1, 2))].mean((0, 1))
    return int(np.linalg.norm(people.mean((1, 2)) - place, axis=1).argmin())


def perturb(keypoint, rng):
    """Seen from elsewhere, on a body of another size, by a worse sensor."""
    angle, there = rng.uniform(0, 2 * np.pi), keypoint.any(-1)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    moved = keypoint @ turn.T * rng.uniform(.9, 1.1)
    return (moved + rng.normal(0, .01, moved.shape)) * there[..., None]


def common(start, end, other_start, other_end):
    """Return whether two stretches share half of the shorter one."""
    shared = min(end, other_end) - max(start, other_start)
    return 2 * shared >= min(end - start, other_end - other_start)


def judge(clips, seen):
    """Counts by action: right, wrong, undecided, happened and found."""
    counts = {action: Counter() for action in SCRIPTS}
    mistakes = Counter()
    for (action, _, scripts), observation in zip(clips, seen):
        found = [set() for _ in scripts]
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
        for hits, script in zip(found, scripts):
            counts[action]['happened'] += len(script.does)
            counts[action]['found'] += len(hits)
            for i, (name, *_) in enumerate(script.does):
                if i not in hits:
                    mistakes[action, 'missed', name] += 1
    return counts, mistakes


def shares(counts):
    """Precision, recall and share of what is undecided."""
    total = sum(counts, Counter())
    decided = total['right'] + total['wrong']
    return (total['right'] / max(decided, 1),
            total['found'] / max(total['happened'], 1),
            total['undecided'] / max(decided + total['undecided'], 1))


def measure_speed(clips, number, repeats):
    """Clips of 64 frames and one person a second."""
    pool = [keypoint[:1] for _, keypoint, scripts in clips
            if len(scripts) == 1]
    batch = np.stack([
        k[:, np.linspace(0, k.shape[1] - 1, 64).round().astype(int)]
        for k in (pool * -(-number // len(pool)))[:number]])
    observe_all(batch)  # warm-up
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        observe_all(batch)
        times.append(time.perf_counter() - start)
    return number / median(times)


def main():
    args = parse_args()
    number = len(PERFORMERS) if args.performers is None else args.performers
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
        return [title, *(f'{100 * value:.1f}' for value in figures)]

    heads = 'precision', 'recall', 'undecided'
    rows = [('action', *heads, *(f'perturbed {head}' for head in heads))]
    rows += [row(f'A{a}', [plain[a]], [rough[a]]) for a in SCRIPTS]
    rows.append(row('all', plain.values(), rough.values()))
    print(AsciiTable(rows, title=f'{len(clips)} clips').table)
    precision, recall, undecided = shares(plain.values())
    perturbed_precision, perturbed_recall, _ = shares(rough.values())
    print(json.dumps(dict(
        precision=precision,
        recall=recall,
        perturbed_precision=perturbed_precision,
        perturbed_recall=perturbed_recall,
        undecided=undecided,
        clips_per_s=measure_speed(clips, args.clips, args.repeats),
        clips=len(clips),
        seed=args.seed,
        repeats=args.repeats)))


if __name__ == '__main__':
    with user_errors():
        main()
