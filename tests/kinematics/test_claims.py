"""Sentences of body-part events, and what sentences claim of a body."""
import pytest
from bodies import body, measured

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.kinematics import (KINDS, Claim, Event, check, claims,
                                    describe, observe)
from lvlm_var_mm.kinematics.language import PLURALS, plural
from lvlm_var_mm.synthetic.motion import MOTIONS


def test_the_whole_vocabulary_is_read_back():
    for kind in KINDS:
        assert claims(f'The {kind.name}.') == [Claim(kind.part, kind.motion)]
        side, _, word = kind.part.partition(' ')
        if side == 'left':
            both = f'both {PLURALS[word]}'
            said = f'{both} {plural(kind.motion)}'.capitalize()
            assert claims(said) == [Claim(both, kind.motion)]


def event(part, motion, start, end, magnitude=1., person=0):
    return Event(person, part, motion, start, end, magnitude)


def test_sentences():
    rises = event('right hand', 'rises', 0., .5, 1.4)
    face = event('right hand', 'stays at the face', .6, 1.2, .1)
    lowers = event('right hand', 'lowers', 1.3, 1.7, 1.4)
    assert describe([rises, face, lowers]) == (
        'The right hand rises, then stays at the face, then lowers.')
    assert describe([rises, face, lowers], limit=1) == 'The right hand rises.'
    left = event('left hand', 'rises', .1, .6, 1.2)
    assert describe([rises, left]) == 'Both hands rise.'
    bends = event('torso', 'bends forward', .1, .7)
    assert describe([rises, bends]) == (
        'The right hand rises while the torso bends forward.')
    sinks = event('body', 'sinks', .2, .6)
    assert describe([rises, bends, sinks]) == (
        'The right hand rises, the torso bends forward and the body sinks.')
    # What a kick is made of is not told apart from it.
    kick = [event('left foot', 'lifts', .1, .4), event('left foot', 'kicks',
                                                       .2, .7)]
    assert describe(kick) == 'The left foot kicks.'
    # Other people have hands, too.
    other = event('left hand', 'rises', 1., 1.4, person=1)
    assert describe([rises, other]) == (
        "The first person's right hand rises, then the second person's left "
        'hand rises.')
    both = [other, event('right hand', 'rises', 1., 1.4, person=1)]
    assert describe([rises, *both]) == (
        "The first person's right hand rises, then both hands of the second "
        'person rise.')


@pytest.mark.parametrize('action', MOTIONS)
def test_what_is_told_of_the_sample_is_true(action):
    for performer in range(1, 5):
        seen = observe(measured(action, performer))
        text = describe(seen.events)
        made = claims(text)
        assert 1 <= len(made) <= 8, text
        assert all(check(claim, seen) is True for claim in made), text


def test_wrong_claims_are_false():
    """What one action is about is not claimed with success of others."""
    seen = {a: [observe(measured(a, p)) for p in (1, 2, 3)] for a in MOTIONS}
    for claim, actions in {
            'One hand waves.': {23},
            'The hands clap.': {10},
            'One foot kicks.': {24, 43},  # who falls may fling a leg up
            'The body jumps.': {26},
            'The body falls.': {43},
            'The body lies.': {43},
            'The body moves back.': {8, 43},
            'One hand stays at the face.': {1},
            'The torso turns.': {50},
            'Both knees bend.': {6, 8, 26, 43}}.items():
        for action in MOTIONS:
            truths = {any(check(c, o) for c in (
                [claim] if claim != 'The torso turns.' else
                ['The torso turns left.', 'The torso turns right.']))
                for o in seen[action]}
            if action not in actions:
                assert truths == {False}, (claim, action)
            elif action != 43 and action != 26:
                assert truths == {True}, (claim, action)


@pytest.mark.parametrize('text, made', (
    ('She raises one hand to her mouth.',
     [('hand', 'rises'), ('hand', 'stays at the face')]),
    ('The person bends forward, then stands up.',
     [('torso', 'bends forward'), ('body', 'rises')]),
    ('He lifts both arms above his head and lowers them again.',
     [('both hands', 'rises'), ('both hands', 'stays above the head'),
      ('both hands', 'lowers')]),
    ('A man sits down while the knees bend.',
     [('body', 'sinks'), ('knees', 'bend')]),
    ('The right leg kicks forward.', [('right foot', 'kicks')]),
    ('The left leg bends.', [('left knee', 'bends')]),
    ('Both palms meet, then move apart.',
     [('hands', 'come together'), ('hands', 'move apart')]),
    ('One hand swings from side to side beside the head.',
     [('hand', 'waves'), ('hand', 'stays at the head')]),
    ('The hand moves up and down; the head turns to the left.',
     [('hand', 'moves up and down'), ('head', 'turns left')]),
    ('His right arm is raised and waves.',
     [('right hand', 'rises'), ('right hand', 'waves')]),
    ('The person walks.', [('legs', 'step in turn')]),
    ('Two persons walk towards each other.', [('persons', 'approach')]),
    ("The hand hits the other person's head.",
     [('hand', 'touches the other person')]),
    ('The body falls to the floor and lies there.',
     [('body', 'falls'), ('body', 'lies')]),
    ('The trunk leans to the left.', [('torso', 'leans left')]),
    ('The left hand moves.', [('left hand', 'moves')]),
    ('Both feet stay still.', [('both feet', 'stays still')]),
    ('He picks up the phone and looks down.', [('head', 'tilts down')]),
    ('A glass is full of water.', []),
    ('', [])))
def test_plain_english(text, made):
    assert [claim[:2] for claim in claims(text)] == made


def test_negation():
    made = claims('The right hand does not rise, and the knees do not bend.')
    assert made == [Claim('right hand', 'rises', True),
                    Claim('knees', 'bend', True)]
    seen = observe(measured(8))  # sits down
    assert check('The knees do not bend.', seen) is False
    assert check('The person does not jump.', seen) is True
    assert check("The head doesn't shake.", seen) is None
    assert check('The left foot stays still.', observe(body())) is True
    assert check('The right hand moves.', observe(body())) is False
    assert check('The body stays still.', seen) is False


@pytest.mark.parametrize('said, truth', [
    ('The knees move.', True), ('Both knees move.', True),
    ('The knees bend.', True), ('The knees do not move.', False),
    ('The knees stay still.', False)])
def test_knees(said, truth):
    assert check(said, observe(measured(8))) is truth  # sits down


def test_claims_that_cannot_be_checked():
    seen = observe(body())
    with pytest.raises(ValueError, match='makes 2 claims'):
        check('The right hand rises and lowers.', seen)
    with pytest.raises(ValueError, match='makes 0 claims'):
        check('It rains.', seen)
    with pytest.raises(ValueError, match="no 'flies' of 'left hand'"):
        check(Claim('left hand', 'flies'), seen)
    with pytest.raises(ValueError, match="no part 'tail'"):
        check(Claim('tail', 'moves'), seen)


def test_descriptions_of_classes_can_be_checked():
    seen = [observe(measured(a)) for a in (1, 50)]
    for source in ('ntu120', 'nucla'):
        made = [claims(text) for text in load_classes(source).descriptions]
        assert all(made)
        for claim in sum(made, []):
            for observation in seen:
                assert check(claim, observation) in (True, False, None)
