"""Kinds of events against the motions that are taken for them."""
import numpy as np
import pytest

from lvlm_var_mm.kinematics import (KINDS, NAMES, check, mirrored, observe,
                                    observe_all)
from lvlm_var_mm.kinematics.rules import beats, swings
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic import body as sample_body
from lvlm_var_mm.synthetic import hard
from lvlm_var_mm.synthetic.events import HARD_SCRIPTS, events_of
from lvlm_var_mm.synthetic.motion import ease, hold
from lvlm_var_mm.synthetic.performance import perform, script_of

NTU, KINECT = LAYOUTS['ntu25'], LAYOUTS['kinect20']
FRAMES = 75
S = np.linspace(-.1, 1.1, FRAMES).clip(0, 1)  # at rest at both ends
LEFT, RIGHT = sample_body.LEFT, sample_body.RIGHT
PERFORMANCES = [(who, repeat) for who in (1, 3, 6) for repeat in (1, 2)]


def names(keypoint, layout='ntu25', **kwargs):
    return {e.name for e in observe(keypoint, layout, **kwargs).events}


def mirror(keypoint):
    swap = [NTU.index(mirrored(j.replace('_', ' ')).replace(' ', '_'))
            for j in NTU.joints]
    return keypoint[:, :, swap] * [-1, 1, 1]


def as_kinect20(keypoint):
    return keypoint[:, :, [NTU.index(n) for n in KINECT.joints]]


def body(change, frames=FRAMES):
    """(1, T, 25, 3) of somebody to whose pose something is done."""
    pose = sample_body.Pose(sample_body.Body(), frames)
    change(pose)
    return sample_body.joints_of(pose)[None] * [1, 1, -1]


def hands(gap, height=-.15, ahead=.35):
    """Both hands before the chest, so many metres from each other."""
    def change(pose):
        for side, sign in enumerate(sample_body.SIGN):
            place = np.stack(np.broadcast_arrays(
                sign * (gap / 2 - pose.body.shoulder), height, ahead), -1)
            pose.wrist[side] = place
            pose.elbow_pole[side] = [sign * .8, -.8, -.2]
    return change


# ------------------------------------------------- motions taken for another

CALLED = {  # what each is, and what it was taken for
    hard.BOXING: ('used hand moves to and fro', 'hands clap|hand waves|head|'
                  'moves up and down|kicks'),
    hard.JOGGING: ('feet lift in turn', 'hands clap|legs step in turn|kicks|'
                   'waves|body jumps|head'),
    hard.MARCHING: ('feet lift in turn', 'kicks|legs step in turn|clap|'
                    'body jumps|body sinks'),
    hard.CURL: ('used hand moves up and down', 'head|waves|clap|torso'),
    hard.SLOW_WAVE: ('used hand waves', 'hands|clap|torso|feet'),
    hard.SIDE_KICK: ('used foot moves outward', 'other foot|body jumps|'
                     'body falls|in turn'),
    hard.BOW: ('torso bends forward', 'leans back|body sinks|knees|head|'
               'body falls|foot'),
    hard.THROW: ('used hand moves forward', 'waves|clap|head'),
    hard.SWIPE: ('used hand moves inward', 'waves|clap|torso'),
}


@pytest.mark.parametrize('layout', ('ntu25', 'kinect20'))
@pytest.mark.parametrize('action', CALLED)
def test_what_is_easily_taken_for_another(action, layout):
    own, others = CALLED[action]
    for who, repeat in PERFORMANCES:
        keypoint = perform(action, who, repeat)
        used = ('left', 'right')[script_of(action, who, repeat).sides[0]]
        for seen, side in ((keypoint, used), (mirror(keypoint),
                                              mirrored(used))):
            if layout == 'kinect20':
                seen = as_kinect20(seen)
            found = names(seen, layout)
            assert own.replace('used', side) in found
            for other in others.replace('other', mirrored(side)).split('|'):
                assert not any(other in name for name in found), (who, found)


def test_hard_scripts_are_of_the_hard_motions():
    assert set(HARD_SCRIPTS) == set(hard.HARD) == set(hard.SECONDS)
    for action in hard.HARD:
        script, = events_of(action, 1, 1)
        told = {name for name, *_ in script.does} | script.may
        assert told <= set(NAMES)
        assert not {name for name, *_ in script.does} & script.may


def test_a_performance_does_not_depend_on_the_hard_ones():
    """What was made before is made again."""
    np.testing.assert_allclose(
        perform(1, 1, 1)[0, 20, 11],
        [0.249329, 1.590971, 0.004122], atol=1e-6)


@pytest.mark.parametrize('fps', (7, 10, 15, 60))
def test_at_other_rates(fps):
    for action in (hard.SLOW_WAVE, hard.MARCHING, hard.BOW):
        keypoint = perform(action, 2, 1)
        at = np.arange(0, keypoint.shape[1] - 1, 30 / fps)
        low, weight = at.astype(int), (at % 1)[:, None, None]
        clip = (keypoint[:, low] * (1 - weight)
                + keypoint[:, low + 1] * weight)
        used = ('left', 'right')[script_of(action, 2, 1).sides[0]]
        own, others = CALLED[action]
        found = names(clip, fps=fps)
        assert own.replace('used', used) in found
        assert not any(other in name for name in found
                       for other in others.split('|'))


def test_at_seven_frames_a_second_a_beat_may_pass_unseen():
    bow = perform(hard.BOW, 1, 1)[:, ::4]
    for claim in ('The hands clap.', 'One foot kicks.', 'One hand waves.'):
        assert check(claim, observe(bow, fps=7.5)) is None
        assert check(claim, observe(bow, fps=15)) is False
    wave = perform(hard.SLOW_WAVE, 1, 1)[:, ::4]
    assert check('One hand waves.', observe(wave, fps=7.5)) is True


# -------------------------------------------------------------- kind by kind


def test_claps_need_contact_and_parting():
    beat = .5 + .5 * np.cos(8 * np.pi * S)
    assert 'hands clap' in names(body(hands(.04 + .3 * beat)))
    assert 'hands clap' in names(body(hands(.04 + .8 * beat)))
    assert 'hands clap' not in names(body(hands(.35 + .4 * beat)))
    assert 'hands clap' not in names(body(hands(.05 + .03 * beat)))


def test_a_picture_does_not_tell_if_hands_meet():
    clap = perform(10, 1, 1)
    assert check('The hands clap.', observe(clap)) is True
    picture = clap[..., :2] * [300, -300]
    assert check('The hands clap.', observe(picture)) is None
    assert check('The hands come together.', observe(picture)) is True


def test_the_head_of_a_layout_without_a_neck():
    """Shoulders that go up lower no head; a head that tilts is seen."""
    def shrug(pose):
        pose.shrug += .05 * (.5 - .5 * np.cos(6 * np.pi * S))

    def nod(pose):
        pose.nod += .8 * ease(S, .2, .4)

    for layout, view in (('ntu25', np.asarray), ('kinect20', as_kinect20)):
        assert not any('head' in n for n in names(view(body(shrug)), layout))
        assert 'head tilts down' in names(view(body(nod)), layout)


@pytest.mark.parametrize('rest', (-.2, 0., .2))
def test_leaning_back_is_from_where_this_body_stands(rest):
    """Sensors see many a body lean; who straightens does not lean back."""
    def stoop(pose):
        pose.lean += rest + .9 * hold(S, .1, .4, .5, .8)

    def arch(pose):
        pose.lean += rest - .4 * hold(S, .3, .5, .6, .8)

    stooped, arched = names(body(stoop)), names(body(arch))
    assert {'torso bends forward', 'torso straightens'} <= stooped
    assert 'torso leans back' not in stooped
    assert 'torso leans back' in arched
    assert 'torso bends forward' not in arched


def test_a_lean_of_the_sensor_is_no_bend_of_who_turns():
    """Depth puts all shoulders behind the hips, wherever the body faces."""
    angle = np.pi * ease(S, .5, .9)
    cos, sin = np.cos(angle), np.sin(angle)

    def seen(lean, turning):
        pose = sample_body.Pose(sample_body.Body(), FRAMES)
        pose.lean += lean
        clip = sample_body.joints_of(pose)[None] * [1, 1, -1]
        if turning:
            x, y, z = np.moveaxis(clip, -1, 0)
            c, s = cos[:, None], sin[:, None]
            clip = np.stack([c * x + s * z, y, c * z - s * x], -1)
        hip = clip[:, :, [NTU.index('pelvis')], 1]
        clip[..., 2] += .25 * np.maximum(clip[..., 1] - hip, 0)
        return {n for n in names(clip) if n.startswith('torso')}

    for turning in (False, True):
        assert not seen(0, turning)
    assert not seen(.2, False)  # a posture
    bent = .9 * hold(S, .1, .4, .5, .8)
    assert 'torso bends forward' in seen(bent, False)


def swing(side, aside=0., up=0., ahead=0., height=.15, times=2):
    """A hand beside the head swings; metres."""
    def change(pose):
        beat = np.sin(2 * np.pi * times * S)
        place = np.stack([sample_body.SIGN[side] * (.2 + aside * beat),
                          height + up * beat, .15 + ahead * beat], -1)
        pose.wrist[side] = place
        pose.elbow_pole[side] = [sample_body.SIGN[side], -1., -.3]
    return change


def test_waves_are_high_and_sideways():
    for side, name in ((LEFT, 'left'), (RIGHT, 'right')):
        waves = f'{name} hand waves'
        assert waves in names(body(swing(side, aside=.15)))
        slow = names(body(swing(side, aside=.15)), fps=15)
        assert waves in slow and f'{mirrored(name)} hand waves' not in slow
        for other in (swing(side, up=.15), swing(side, ahead=.15),
                      swing(side, aside=.1, ahead=.2),
                      swing(side, aside=.15, height=-.4)):
            assert waves not in names(body(other))


def test_a_beat_is_of_swings_alike():
    t = np.arange(120) / 30
    steady = np.sin(2 * np.pi * t)
    fading = steady * np.exp(-2.5 * t) * 8
    curves = np.stack([steady, fading], 1)
    found = beats(swings(curves, np.full(2, .05), 30), np.full(2, .8), 30)
    assert found.curve.tolist() == [0]


def test_two_swings_can_be_asked_for():
    t = np.arange(45) / 30
    found = swings(np.sin(2 * np.pi * t)[:, None] * (t < 1.25)[:, None],
                   np.array([1.5]), 30)
    assert len(found.curve) == 2
    assert not len(beats(found, np.array([.8]), 30).curve)
    assert len(beats(found, np.array([.8]), 30, times=2).curve) == 1


def test_the_standing_leg_does_not_move():
    def side_step(pose):
        """The weight goes over the left foot, the right one out."""
        out = hold(S, .1, .4, .6, .9)
        pose.pelvis[:, 0] -= .2 * out
        pose.ankle[RIGHT] += out[:, None] * [.45, .15, 0]

    found = names(body(side_step))
    assert {'right foot moves outward', 'right foot moves inward'} <= found
    assert not any(n.startswith('left foot') for n in found)
    # Nor do feet that are carried along go apart.
    away = names(body(lambda pose: None) + S[:, None, None] * [1.5, 0, 0])
    assert 'body moves right' in away
    assert not any('foot' in name for name in away)


def test_a_body_that_shrinks_was_lost():
    """Some frames in which the sensor puts all joints into one place."""
    def squat(pose):
        pose.pelvis[:, 1] -= .3 * hold(S, .1, .35, .6, .9)

    whole = body(squat)
    lost = whole.copy()
    lost[:, 30:34] = lost[:, 30:34, 1:2] + .3 * (
        lost[:, 30:34] - lost[:, 30:34, 1:2]) - [0, .7, 0]
    assert names(lost) == names(whole)
    assert 'body sinks' in names(lost)
    # Who is seen above the table alone has not shrunk.
    wave = perform(23, 1, 1)
    legless = wave.copy()
    for joint in ('knee', 'ankle', 'foot', 'hip'):
        for side in ('left', 'right'):
            legless[:, 20:, NTU.index(f'{side}_{joint}')] = 0
    seen = observe(legless)
    waves = {n for n in names(wave) if 'waves' in n}
    assert len(waves) == 1 and check(f'The {waves.pop()}.', seen) is not False


def test_a_kick_is_no_march_and_no_step():
    def leg(up, forward, outward=0.):
        def change(pose):
            out = hold(S, .1, .4, .5, .8)[:, None]
            pose.ankle[RIGHT] += out * [outward, up, forward]
        return change

    assert 'right foot kicks' in names(body(leg(.4, .6)))
    assert 'right foot kicks' in names(body(leg(.4, .05, .6)))
    assert 'right foot kicks' not in names(body(leg(.35, .25)))  # a knee
    assert 'right foot kicks' not in names(body(leg(.12, .5)))  # a step
    assert 'right foot kicks' not in names(body(leg(.3, -.4)))


def stride(length, lift=.1, times=4):
    def change(pose):
        beat = np.sin(2 * np.pi * times * S)
        for side, sign in enumerate(sample_body.SIGN):
            pose.ankle[side, :, 2] += sign * length * beat
            pose.ankle[side, :, 1] += lift * np.maximum(0, sign * np.cos(
                2 * np.pi * times * S)) * hold(S, 0, .02, .98, 1)
    return change


@pytest.mark.parametrize('heading', (0, 60, 90, 180))
def test_walking_is_told_from_every_side(heading):
    """By where the feet go, not by where the body faces."""
    walker = body(stride(.2)) + 2.5 * S[:, None, None] * [0, 0, -1]
    angle = np.deg2rad(heading)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    found = names(walker @ turn.T)
    assert 'legs step in turn' in found and 'body moves forward' in found
    there = names(body(stride(.2)) @ turn.T)
    assert 'legs step in turn' not in there


def test_who_shifts_the_hips_does_not_walk():
    def sit(pose):
        down = ease(S, .2, .8)
        pose.pelvis += down[:, None] * [0, -.4, -.35]
        pose.ankle[LEFT, :, 2] += .1 * np.sin(6 * np.pi * S)

    found = names(body(sit))
    assert {'body sinks', 'body moves back'} <= found
    assert 'legs step in turn' not in found


def test_squatting_is_no_fall():
    def squat(pose):
        down = hold(S, .1, .35, .6, .9)
        pose.pelvis[:, 1] -= .55 * down
        pose.lean += .9 * down

    found = names(body(squat))
    assert 'body sinks' in found and 'body falls' not in found
    fallen = perform(43, 1, 1)
    assert 'body falls' in names(fallen)


def test_sideways_to_the_camera_the_knees_tell_where_forward_is():
    """One shoulder hides the other, and the sensor puts both in one place."""
    def sit(pose):
        pose.pelvis += ease(S, .2, .8)[:, None] * [0, -.4, -.35]

    def squashed(keypoint):
        depth = keypoint[:, :, :, 0].copy()
        centre = depth[:, :, :1]
        for joint in ('shoulder', 'hip'):
            both = [NTU.index(f'{side}_{joint}') for side in ('left',
                                                             'right')]
            depth[:, :, both] = centre + .3 * (depth[:, :, both] - centre)
        keypoint = keypoint.copy()
        keypoint[..., 0] = depth
        return keypoint

    found = names(squashed(body(sit)))
    assert 'body moves back' in found and 'body moves forward' not in found


def test_formulas_name_their_sizes():
    for kind in KINDS:
        assert str(kind.size) in kind.formula and '{' not in kind.formula
    walk = KINDS[NAMES.index('legs step in turn')].formula
    assert '2 times or more' in walk and 'level speeds of P' in walk
    clap = KINDS[NAMES.index('hands clap')].formula
    assert '|left hand - right hand|' in clap and '3 times' in clap
    wave = KINDS[NAMES.index('left hand waves')].formula
    assert 'no more than 1.4 times' in wave


def test_many_at_once_are_as_each_alone():
    clips = [perform(action, 1, 1) for action in hard.HARD]
    for one, many in zip(clips, observe_all(clips)):
        assert observe(one).events == many.events
