"""Body-part events: found where they were made, the same from every side."""
import pickle

import numpy as np
import pytest
from bodies import (NTU, SIDEWAYS, S, body, in_layout, measured, mirror,
                    tilted, turned)

from lvlm_var_mm.datasets.transforms.skeleton import AlignSkeleton3D
from lvlm_var_mm.kinematics import (KINDS, NAMES, Claim, check, claims,
                                    describe, mirrored, observe, observe_all)
from lvlm_var_mm.kinematics.rules import beats, stays, swings
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic import body as sample_body
from lvlm_var_mm.synthetic.events import SCRIPTS, events_of
from lvlm_var_mm.synthetic.motion import MOTIONS, ease, hold
from lvlm_var_mm.synthetic.performance import perform, script_of
from lvlm_var_mm.synthetic.render import project, to_camera


def names(observation):
    return {event.name for event in observation.events}


# ---------------------------------------------------------------- the rules


def test_a_swing_is_found_where_it_is():
    curve = np.r_[np.zeros(10), np.linspace(0, 1, 11), np.ones(10),
                  np.linspace(1, .2, 9)]
    found = swings(curve[:, None], np.array([.5]), 30)
    assert found.curve.tolist() == [0, 0]
    assert found.start.tolist() == [11, 31] and found.end.tolist() == [19, 39]
    np.testing.assert_allclose(found.magnitude, [1, -.8])


def test_what_is_smaller_than_asked_for_is_no_swing():
    rng = np.random.default_rng(0)
    noise = rng.uniform(-.2, .2, (200, 50))
    assert not len(swings(noise, np.full(50, .45), 30).curve)


def test_swings_go_through_gaps_and_not_through_teleports():
    curve = np.r_[np.zeros(20), np.ones(20)][:, None] * 40
    assert not len(swings(curve, np.array([.5]), 30).curve)
    curve = np.linspace(0, 1, 40)[:, None]
    curve[15:20] = np.nan
    assert len(swings(curve, np.array([.5]), 30).curve) == 1


def test_three_quick_swings_are_a_beat():
    t = np.arange(90) / 30
    curves = np.stack([np.sin(2 * np.pi * t), np.sin(np.pi * t),
                       np.where(t < .5, np.sin(2 * np.pi * t), 0)], 1)
    found = beats(swings(curves, np.full(3, .5), 30), np.full(3, .6), 30)
    assert found.curve.tolist() == [0]  # the second is slow, the third brief
    assert 1.5 < found.magnitude[0] <= 2


def test_a_stay_passes_its_threshold_and_lasts():
    curve = np.zeros((30, 4)) - .1
    curve[5:12, 0] = .2
    curve[5:8, 1] = .2  # too short
    curve[5:12, 2] = .04  # not far enough
    curve[20:, 3] = .2  # up to the end
    curve[7, 0] = .01  # flickers
    found = stays(curve, .05, np.full(4, 5))
    assert found.curve.tolist() == [0, 3]
    assert found.start.tolist() == [5, 20] and found.end.tolist() == [11, 29]


# ----------------------------------------------------------- the vocabulary


def test_each_event_has_its_own_name_and_formula():
    assert len(set(NAMES)) == len(NAMES) > 80
    for kind in KINDS:
        assert str(kind.size) in kind.formula
        assert mirrored(mirrored(kind.name)) == kind.name
        assert mirrored(kind.name) in NAMES
    formula = KINDS[NAMES.index('right hand waves')].formula
    assert 'o.(wrist - S)' in formula and 'u.(wrist - shoulder)' in formula


def put_hand(side, outward, up, forward):
    """One hand goes to a place seen from the shoulder, metres."""
    def change(pose):
        place = np.array([sample_body.SIGN[side] * outward, up, forward])
        weight = ease(S, 0, .4)
        pose.wrist[side] = sample_body.blend(pose.wrist[side], place, weight)
    return change


def beat(part, side, axis, size):
    def change(pose):
        getattr(pose, part)[side][:, axis] += size * np.sin(
            6 * np.pi * S) * hold(S, 0, .1, .9, 1)
    return change


def change_of(**angles):
    def change(pose):
        for name, size in angles.items():
            setattr(pose, name, getattr(pose, name) + size * ease(S, .2, .7))
    return change


def move_foot(side, outward=0., up=0., forward=0., back=True):
    def change(pose):
        place = np.array([sample_body.SIGN[side] * outward, up, forward])
        pose.ankle[side] += place * (
            hold(S, .1, .4, .8, 1) if back else ease(S, .1, .4))[:, None]
    return change


def walk(pose):
    """Three steps in place of four seconds' way."""
    for side, sign in enumerate(sample_body.SIGN):
        pose.ankle[side, :, 2] += .3 * sign * np.sin(6 * np.pi * S)


def sink(depth):
    def change(pose):
        pose.pelvis[:, 1] -= depth * ease(S, .1, .6)
    return change


def fly(pose):
    up = .25 * np.sin(np.pi * S.clip(.4, .6) * 5 - 2 * np.pi).clip(0)
    pose.pelvis[:, 1] += up
    pose.ankle[:, :, 1] += up


RIGHT, LEFT = sample_body.RIGHT, sample_body.LEFT
MADE = {
    'right hand rises': put_hand(RIGHT, .2, .1, .2),
    'left hand moves forward': put_hand(LEFT, 0, -.1, .5),
    'left hand moves back': put_hand(LEFT, 0, -.3, -.35),
    'left hand moves outward': put_hand(LEFT, .5, 0, .1),
    'right hand moves inward': put_hand(RIGHT, -.25, -.2, .35),
    'right arm bends': put_hand(RIGHT, .1, -.2, .15),
    'left hand stays at the face': put_hand(LEFT, -.15, .13, .2),
    'right hand stays at the head': put_hand(RIGHT, -.12, .3, .05),
    'right hand stays above the head': put_hand(RIGHT, .05, .5, .1),
    'right hand stays at the chest': put_hand(RIGHT, -.12, -.16, .18),
    'left hand stays behind the back': put_hand(LEFT, -.12, -.3, -.3),
    'left hand moves up and down': beat('wrist', LEFT, 1, .12),
    'right foot lifts': move_foot(RIGHT, up=.25),
    'left foot steps forward': move_foot(LEFT, forward=.4, back=False),
    'right foot steps back': move_foot(RIGHT, forward=-.4, back=False),
    'right foot moves outward': move_foot(RIGHT, outward=.5),
    'left foot kicks': move_foot(LEFT, up=.35, forward=.55),
    'left knee bends': move_foot(LEFT, up=.25, back=False),
    'head tilts down': change_of(nod=.8),
    'head tilts up': change_of(nod=-.8),
    'torso bends forward': change_of(lean=.9),
    'torso leans back': change_of(lean=-.4),
    'torso leans left': change_of(roll=-.5),
    'torso leans right': change_of(roll=.5),
    'torso turns left': change_of(twist=.8),
    'torso turns right': change_of(twist=-.8),
    'knees bend': sink(.4),
    'body sinks': sink(.4),
    'body jumps': fly,
}


@pytest.mark.parametrize('name', MADE)
def test_made_motions(name):
    seen = observe(body(MADE[name]))
    assert name in names(seen)
    # The other side, and what turns the other way, are not found.
    other = mirrored(name)
    assert other == name or other not in names(seen)
    assert check(name, seen) is True
    text = describe(seen.events)
    assert all(check(claim, seen) is True for claim in claims(text)), text


@pytest.mark.parametrize('tall', (1.2, 1.72, 2.1))
def test_walking_turning_and_going(tall):
    way = ease(S, .1, .9)[:, None, None]
    walker = body(walk, tall) - way * [0, 0, 2]
    seen = names(observe(walker))
    assert {'legs step in turn', 'body moves forward'} <= seen
    assert 'body moves back' not in seen
    assert 'legs step in turn' not in names(observe(body(walk, tall)))
    assert 'body moves left' in names(observe(body() - way * SIDEWAYS))
    spin = names(observe(turned(body(tall=tall), 150 * way[:, 0, 0])))
    assert 'body turns left' in spin and 'body turns right' not in spin


def test_between_persons():
    way = ease(S, .1, .9)[:, None, None]
    one = turned(body(put_hand(RIGHT, 0, 0, .6)), -90) - .33 * SIDEWAYS
    two = turned(body(), 90) + .33 * SIDEWAYS
    seen = observe(np.concatenate([one, two]))
    touches = [e for e in seen.events if 'touches' in e.motion]
    assert [(e.person, e.part) for e in touches] == [(0, 'right hand')]
    assert not {'persons approach', 'persons move apart'} & names(seen)
    far = np.concatenate([one, two + way * SIDEWAYS])
    assert 'persons move apart' in names(observe(far))
    assert 'persons approach' in names(observe(far[:, ::-1]))
    alone = observe(one)
    assert check('The hand touches the other person.', alone) is None
    assert check('The persons approach.', alone) is None


# ------------------------------------------------------------ the made sample


def test_the_script_is_what_is_performed():
    assert set(SCRIPTS) == set(MOTIONS)
    for action, roles in SCRIPTS.items():
        assert len(roles) == len(MOTIONS[action])
        for performer in (1, 2):
            script = script_of(action, performer, 1)
            assert len(script.sides) == len(roles)
            for person in events_of(action, performer, 1):
                told = {name for name, *_ in person.does} | person.may
                assert told <= set(NAMES)
                assert not {name for name, *_ in person.does} & person.may


@pytest.mark.parametrize('action', MOTIONS)
def test_a_mirror_swaps_left_and_right_exactly(action):
    keypoint = measured(action)
    plain, other = observe(keypoint), observe(mirror(keypoint))
    swapped = [e._replace(part=mirrored(e.part), motion=mirrored(e.motion))
               for e in plain.events]
    assert len(swapped) > 3
    assert sorted(swapped) == sorted(other.events)
    order = [NAMES.index(mirrored(name)) for name in NAMES]
    assert (plain.decidable[:, order] == other.decidable).all()
    assert (plain.activity()[:, order] == other.activity()).all()


@pytest.mark.parametrize('action', MOTIONS)
def test_events_do_not_depend_on_the_view_or_the_unit(action):
    keypoint = perform(action, 4, 1)

    def seen(changed, **kwargs):
        return sorted((e.person, e.part, e.motion, round(e.start, 1))
                      for e in observe(changed, **kwargs).events)

    plain = seen(keypoint)
    assert seen(turned(keypoint, 77) + [.3, -1, 3]) == plain
    assert seen(keypoint * 1000) == plain  # millimetres
    aligned = AlignSkeleton3D(1, (0, 20)).transform(dict(keypoint=keypoint))
    assert seen(aligned['keypoint']) == plain
    z_up = keypoint[..., [0, 2, 1]] * [1, -1, 1]
    assert seen(z_up, up=(0, 0, 1)) == plain
    levelled = {entry[:3] for entry in seen(tilted(keypoint, 12) + 2)}
    assert len(levelled ^ {entry[:3] for entry in plain}) <= .1 * len(plain)


def test_who_stands_still_does_nothing():
    rng = np.random.default_rng(0)
    for seed in range(8):
        still = perform(1, 1 + seed, 1)[:, :1].repeat(90, 1)
        still = still + rng.normal(0, .01, still.shape)
        lost = rng.random(still.shape[:3]) < .03
        still[lost] = 0 if seed % 2 else np.nan
        still[0, 40:42] += rng.normal(0, .02)
        seen = observe(still)
        assert not seen.events
        assert describe(seen.events) == 'The body stays still.'
        assert check('The body stays still.', seen) is True
        assert check('The right hand rises.', seen) is False
        assert not seen.activity().any()


def test_activity_holds_during_the_events():
    keypoint = measured(23)
    seen = observe(keypoint)
    activity = seen.activity()
    assert activity.shape == (keypoint.shape[1], len(NAMES))
    assert {NAMES[i] for i in np.flatnonzero(activity.any(0))} == names(seen)
    event = next(e for e in seen.events if e.motion == 'waves')
    column = activity[:, NAMES.index(event.name)]
    assert np.flatnonzero(column)[0] == round(event.start * 30)
    assert np.flatnonzero(column)[-1] == round(event.end * 30)
    assert (seen.activity(0) == activity).all()
    assert not seen.activity(1).any()


def test_many_clips_at_once_are_like_each_alone():
    clips = [measured(1), measured(50), measured(24, camera=1),
             measured(1)[:, :30], measured(1)]
    alone = [observe(keypoint) for keypoint in clips]
    for one, many in zip(alone, observe_all(clips)):
        assert one.events == many.events
        assert (one.decidable == many.decidable).all()
        assert one.frames == many.frames
    assert observe_all([]) == []


def test_frames_a_second_matter():
    keypoint = measured(1)
    fast, slow = observe(keypoint, fps=30), observe(keypoint, fps=15)
    start = {e.name: e.start for e in slow.events}
    for event in fast.events:
        if event.motion == 'rises':
            assert start[event.name] == pytest.approx(2 * event.start)


# ------------------------------------------------- missing joints and layouts


def test_a_missing_joint_leaves_the_rest():
    keypoint = measured(10)
    whole = observe(keypoint)
    for lost in (0, np.nan):
        partial = keypoint.copy()
        partial[:, :, NTU.index('left_wrist')] = lost
        seen = observe(partial)
        assert check('The right hand rises.', seen) is True
        assert check('The left hand rises.', seen) is None
        assert check('The left hand does not rise.', seen) is None
        assert check('Both hands rise.', seen) is None
        assert check('One hand rises.', seen) is True
        assert check('The left foot lifts.', seen) is False
        assert [e for e in whole.events if 'right hand' in e.part] == [
            e for e in seen.events if 'right hand' in e.part]
        assert not any('left hand' in e.part and e.motion == 'rises'
                       for e in seen.events)


def test_short_gaps_are_bridged_and_long_ones_not_decided():
    keypoint = perform(1, 1, 1)
    script = script_of(1, 1, 1)
    hand = NTU.index(f'{("left", "right")[script.sides[0]]}_wrist')
    part = f'{("left", "right")[script.sides[0]]} hand'
    broken = keypoint.copy()
    broken[:, 3::7, hand] = 0
    assert names(observe(keypoint)) == names(observe(broken))
    broken[:, :40, hand] = 0
    assert check(Claim(part, 'rises'), observe(broken)) is None


def test_an_absent_person_counts_for_nothing():
    keypoint = np.concatenate([measured(1), np.zeros_like(measured(1))])
    seen = observe(keypoint)
    assert seen.events == observe(measured(1)).events
    assert not seen.decidable[1].any()
    assert check('The body jumps.', seen) is False
    nobody = observe(np.zeros((2, 40, 25, 3)))
    assert not nobody.events and check('The body jumps.', nobody) is None


@pytest.mark.parametrize('shape', ((1, 1), (2, 2), (3, 5)))
def test_very_short_clips(shape):
    keypoint = np.random.default_rng(0).normal(size=(*shape, 25, 3))
    observe(keypoint)
    observe(np.zeros((*shape, 25, 3)))
    assert not observe(np.ones((*shape, 25, 3))).events


@pytest.mark.parametrize('name', ('kinect20', 'coco17', 'openpose18'))
@pytest.mark.parametrize('action', (1, 6, 8, 10, 23))
def test_other_layouts_see_the_same(name, action):
    people = perform(action, 2, 1)
    seen = observe(in_layout(people, name), name)
    for person in events_of(action, 2, 1):
        assert {n for n, *_ in person.does} <= names(seen)
    assert check('The right hand touches the other person.', seen) is None
    nose = name != 'kinect20'
    assert check('The head shakes.', seen) is (False if nose else None)


@pytest.mark.parametrize('name', ('coco17', 'openpose18'))
def test_pictures(name):
    """y counts pixels downwards; there is no forward."""
    people = to_camera(in_layout(perform(23, 1, 1), name), 2)
    picture = project(people)
    rng = np.random.default_rng(0)
    seen = observe(picture + rng.normal(0, .3, picture.shape), name)
    side = ('left', 'right')[script_of(23, 1, 1).sides[0]]
    assert {f'{side} hand rises', f'{side} hand waves', f'{side} hand lowers',
            f'{side} arm bends'} <= names(seen)
    assert check(f'The {mirrored(side)} hand rises.', seen) is False
    assert check('The knees bend.', seen) is False
    for hidden in ('The hand moves forward.', 'The torso bends forward.',
                   'The torso turns left.', 'The body turns right.'):
        assert check(hidden, seen) is None
    upright = observe(picture * [1, -1], name, up=(0, 1))
    assert names(upright) == names(observe(picture, name))
    # Of a body seen down to the knees, nobody knows if it bounces.
    legless = picture.copy()
    for joint in ('left_ankle', 'right_ankle'):
        legless[:, :, LAYOUTS[name].index(joint)] = 0
    seen = observe(legless, name)
    assert f'{side} hand waves' in names(seen)
    for hidden in ('The body bounces.', 'The left knee bends.'):
        assert check(hidden, seen) is None


def test_a_head_with_a_nose_turns_and_shakes():
    keypoint = in_layout(body(), 'coco17')
    coco = LAYOUTS['coco17']
    face = [coco.index(n) for n in ('nose', 'left_eye', 'right_eye')]
    keypoint[:, :, face] += (.1 * np.sin(6 * np.pi * S))[
        None, :, None, None] * SIDEWAYS
    seen = names(observe(keypoint, 'coco17'))
    assert {'head shakes', 'head turns left', 'head turns right'} <= seen
    down = in_layout(body(), 'coco17')
    down[:, :, face, 1] -= (.1 * ease(S, .2, .5))[None, :, None]
    assert 'head tilts down' in names(observe(down, 'coco17'))


def test_ones_own_layout():
    keep = [i for i, n in enumerate(NTU.joints) if 'foot' not in n]
    joints = tuple(NTU.joints[i] for i in keep)
    layout = dict(num_node=len(keep), center=0, joints=joints,
                  inward=[(i, 0) for i in range(1, len(keep))])
    keypoint = measured(6)[:, :, keep]
    assert names(observe(keypoint, layout)) == names(observe(measured(6)))
    nameless = dict(layout, joints=None)
    seen = observe(keypoint, nameless)
    assert not seen.events and not seen.decidable.any()


@pytest.mark.parametrize('keypoint, kwargs, message', (
    (np.zeros((1, 9, 17, 3)), {}, r'\(1, 9, 17, 3\).*25 joints of ntu25'),
    (np.zeros((9, 25, 3)), {}, 'not .persons, frames'),
    (np.zeros((1, 0, 25, 3)), {}, 'not .persons, frames'),
    (np.zeros((1, 9, 25, 4)), {}, '4 coordinates'),
    (np.zeros((1, 9, 25, 2)), dict(up=(0, 1, 0)), '2 coordinates'),
    (np.zeros((1, 9, 25, 3)), dict(fps=0), '`fps` is 0'),
    (np.zeros((1, 9, 25, 3)), dict(layout='ntu'), 'unknown joint layout')))
def test_what_cannot_be_observed(keypoint, kwargs, message):
    with pytest.raises(ValueError, match=message):
        observe(keypoint, **kwargs)


# ------------------------------------------------------------------ real data


@pytest.mark.nucla
def test_northwestern_ucla(nucla):
    annotations = [a for a in pickle.loads(nucla.read_bytes())['annotations']
                   if a['total_frames'] > 4]
    # Their walkers go at a human speed if it is 15 frames a second.
    seen = observe_all([a['keypoint'] for a in annotations], 'kinect20', 15)
    labels = np.array([a['label'] for a in annotations])
    found = np.array([[name in names(o) for name in NAMES] for o in seen])

    def share(name, *classes):
        return found[np.isin(labels, classes), NAMES.index(name)].mean()

    pick_up, walk_around, sit, stand = (0, 1), 3, 4, 5
    assert share('torso bends forward', *pick_up) > .75
    assert share('torso bends forward', walk_around) < .1
    for name in ('knees bend', 'body sinks', 'torso straightens'):
        assert share(name, *pick_up) > .95
    for name in ('knees bend', 'body sinks', 'body moves back'):
        assert share(name, sit) > .9
        assert share('body moves back', stand) < .1
    for name in ('knees straighten', 'body rises', 'body moves forward'):
        assert share(name, stand) > .9
    assert share('body moves forward', sit) < .15
    steps = 'legs step in turn'
    assert share(steps, walk_around) > 10 * share(steps, sit, stand)
    assert share('body falls', *range(10)) < .03
    for observation in seen[::10]:
        made = claims(describe(observation.events))
        assert made and all(check(c, observation) is True for c in made)
