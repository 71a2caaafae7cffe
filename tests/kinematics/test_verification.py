"""What the joints contradict is rewritten or left out."""
import numpy as np
import pytest

from lvlm_var_mm.kinematics import claims, observation_of
from lvlm_var_mm.kinematics.claims import Claim
from lvlm_var_mm.kinematics.verification import (first_repeat, judge, said,
                                                 verified)
from lvlm_var_mm.kinematics.vocabulary import INDEX, KINDS, NAMES


def seen(*names, unknown=()):
    decidable = np.ones(len(INDEX), bool)
    decidable[[INDEX[n] for n in unknown]] = False
    return observation_of(
        np.array([(INDEX[n], i, i + .5, 1, 0) for i, n in enumerate(names)],
                 np.float32).reshape(-1, 5), decidable)


def test_each_claim_has_its_truth():
    text = 'The right hand rises, then nods; the body does not jump.'
    clip = seen('right hand rises', unknown=['body jumps'])
    assert judge(text, clip) == [('right hand rises', True),
                                 ('body does not jump', None)]
    assert judge('The head nods.', clip) == [('head nods', False)]
    assert judge('The head nods.', None) == [('head nods', None)]
    assert judge('Nothing of a body.', clip) == []


def test_words_of_a_claim():
    for name, kind in zip(NAMES, KINDS):
        claim = Claim(kind.part, kind.motion)
        assert said(claim) == name and claims(said(claim)) == [claim]
        denied = claim._replace(negated=True)
        assert claims(said(denied)) == [denied], said(denied)
    assert [said(Claim(*words)) for words in (
        ('right hand', 'rises', True), ('left hand', 'touches the other '
                                        'person', True),
        ('hands', 'clap', True), ('persons', 'stays still', True),
        ('both hands', 'rises'), ('both hands', 'rises', True))] == [
        'right hand does not rise',
        'left hand does not touch the other person', 'hands do not clap',
        'persons do not stay still', 'both hands rise',
        'not: both hands rise']


@pytest.mark.parametrize('names, text, expected', [
    # What is true stays as it is, whatever else is said.
    (['right hand rises'], 'the RIGHT hand rises!', 'the RIGHT hand rises!'),
    (['right hand rises'], 'A glass is on the table.',
     'A glass is on the table.'),
    # Left out at the start, in the middle, at the end.
    (['right hand lowers', 'body sinks'],
     'The head nods, then the right hand lowers while the body sinks.',
     'The right hand lowers while the body sinks.'),
    (['right hand lowers', 'body sinks'],
     'The right hand lowers, the head nods. Then the body sinks.',
     'The right hand lowers. Then the body sinks.'),
    (['right hand lowers'], 'The right hand lowers quickly, then the head '
     'nods twice.', 'The right hand lowers quickly.'),
    # A subject from the clause before.
    (['right hand lowers'], 'The right hand rises, then lowers.',
     'The right hand lowers.'),
    (['right hand rises', 'right hand stays at the face'],
     'The right hand rises, lowers and stays at the face.',
     'The right hand rises and stays at the face.'),
    (['body sinks', 'right hand lowers'],
     'The body sinks, then the head nods, then the right hand lowers.',
     'The body sinks, then the right hand lowers.'),
    # The other side.
    (['left hand rises', 'left hand lowers'],
     'The right hand rises, then lowers.', 'The left hand rises, then lowers.'
     ),
    (['torso turns left'], 'The torso turns right.', 'The torso turns left.'),
    # Nothing is left.
    ([], 'The head nods, then the right hand lowers.', ''),
    # Idioms are not torn apart.
    (['right hand moves up and down'],
     'The head nods while the right hand moves up and down.',
     'The right hand moves up and down.'),
    (['left hand rises'], 'The head does not nod and both hands rise.',
     'The head does not nod.'),
])
def test_rewritten(names, text, expected):
    clip = seen(*names)
    result = verified(text, clip)
    assert result == expected
    assert not any(j.truth is False for j in judge(result, clip))
    assert verified(result, clip) == result


def test_what_cannot_be_told_stays():
    clip = seen('body sinks', unknown=['head nods'])
    text = 'The head nods, then the body sinks.'
    assert verified(text, clip) == text


def test_nothing_false_is_ever_left():
    """Whatever the clauses and their order."""
    rng = np.random.default_rng(0)
    said = ('the right hand rises', 'lowers', 'both hands wave', 'it nods',
            'the head nods', 'the knees bend', 'one foot lifts', 'the body '
            'does not jump', 'she sits down', 'they clap', 'the table')
    joints = ', ', ' and ', ', then ', '. ', ' while ', '; '
    for _ in range(150):
        picked = rng.choice(said, 4)
        text = picked[0] + ''.join(rng.choice(joints) + p for p in picked[1:])
        names = rng.choice(list(INDEX), 6, replace=False)
        clip = seen(*names, 'right hand rises')
        result = verified(text, clip)
        assert not any(j.truth is False for j in judge(result, clip)), text
        assert set(claims(result)) or not result or result == text


@pytest.mark.parametrize('text, rest', [
    ('The body rises far, and then the left hand rises.', None),
    ('The body rises far while the body rises.', 'body rises.'),
    ('First the hands clap, and at the same time the body rises, and at the '
     'same time both hands clap.', 'both hands clap.'),
    ('The right hand rises, then lowers, then rises.', 'rises.'),
    # Other sides and what says the contrary are no repeats, nor are words
    # that claim nothing.
    ('The right hand rises, then the left hand rises.', None),
    ('The right hand rises, then the right hand does not rise.', None),
    ('A cup, a cup.', None), ('', None)])
def test_what_is_told_twice(text, rest):
    place = first_repeat(text)
    assert (None if place is None else text[place:]) == rest
