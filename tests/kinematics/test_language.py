"""Clauses of a narrative: with both times, or brief, with the manner."""
import pytest

from lvlm_var_mm.kinematics import KINDS, claims
from lvlm_var_mm.kinematics.events import Event
from lvlm_var_mm.kinematics.language import clauses
from lvlm_var_mm.kinematics.vocabulary import INDEX


def event(name, start, end, times=1., person=0):
    """A motion of so many times the size that makes it one."""
    kind = KINDS[INDEX[name]]
    return Event(person, kind.part, kind.motion, start, end,
                 times * kind.size)


@pytest.mark.parametrize('events, told, brief', [
    ([event('torso bends forward', .4, 1.1, 4)],
     ['0.4-1.1 s torso bends forward'], ['torso bends forward far early']),
    ([event('torso bends forward', .4, 1.1, 2)],
     ['0.4-1.1 s torso bends forward'], ['torso bends forward early']),
    ([event('torso bends forward', .4, 1.1, 3.2),
      event('torso bends forward', 2.4, 3.1, 1.1)],
     ['0.4-1.1 s torso bends forward x2'],
     ['torso bends forward far early x2']),
    ([event(f'{side} hand rises', .4, 1.1, 1.2)
      for side in ('left', 'right')],
     ['0.4-1.1 s both hands rise'], ['both hands rise a little early']),
    ([event('right hand stays at the face', 1., 3.)],
     ['1.0-3.0 s right hand stays at the face'],
     ['right hand stays at the face long midway']),
    ([event('right hand stays at the face', 1., 1.5)],
     ['1.0-1.5 s right hand stays at the face'],
     ['right hand stays at the face briefly midway']),
    ([event('head nods', 1., 3., 9)], ['1.0-3.0 s head nods'],
     ['head nods midway']),
    ([event('head nods', 1., 3.), event('head nods', 2., 3., person=1)],
     ["1.0-3.0 s first person's head nods",
      "2.0-3.0 s second person's head nods"],
     ["first person's head nods midway", "second person's head nods late"]),
    ([], [], [])])
def test_clauses(events, told, brief):
    assert clauses(events) == told
    assert clauses(events, brief=True, span=(0., 3.3)) == brief


def test_thirds_of_the_clip():
    some = [event('knees bend', .8, 1.), event('head nods', 2.8, 3.)]
    told = ['knees bend a little {}', 'head nods {}']
    for span, thirds in (None, ('early', 'late')), ((0., 12.), (
            'early', 'early')), ((.9, 3.1), ('early', 'late')), (
                (-3., 3.), ('midway', 'late')), ((1., 1.), ('early', 'late')):
        assert sorted(clauses(some, brief=True, span=span)) == sorted(
            line.format(when) for line, when in zip(told, thirds))


@pytest.mark.parametrize('times', [1., 2., 4.])
def test_brief_clauses_claim_the_same(times):
    for kind in KINDS:
        some = [event(kind.name, at, at + 1.2, times) for at in (.4, 2.4)]
        said, = clauses(some, brief=True)
        assert said.endswith(' x2')
        assert [c[:] for c in claims(said)] == [
            (kind.part, kind.motion, False)], said
