"""The class whose description the joints bear out."""
import numpy as np
from bodies import measured

from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.apis.zero_shot import NOTE, UNDECIDED
from lvlm_var_mm.layouts import LAYOUTS

HANDS = [('wave', 'one hand waves'), ('drink', 'one hand rises')]
SIT = ('sit down', 'the body sinks')


def answer(keypoint, classes):
    outcome, = measured_answers(dict(keypoint=keypoint), classes)
    return outcome.prediction


def without_arms(keypoint):
    arms = [i for i, name in enumerate(LAYOUTS['ntu25'].joints) if any(
        part in name for part in ('elbow', 'wrist', 'hand', 'thumb'))]
    keypoint = np.array(keypoint)
    keypoint[:, :, arms] = 0
    return keypoint


def test_the_truest_description_wins():
    found = answer(measured(8), [('kick', 'one foot kicks'), SIT])
    assert found['class'] == 'sit down' and found['notes'][0] == NOTE


def test_what_cannot_be_decided_does_not_win():
    """A claim about a hand that nobody sees is better than a false one, and
    no reason to choose its class."""
    found = answer(without_arms(measured(9)), [*HANDS, SIT])
    assert found['class'] == 'sit down'
    assert [c['true'] for c in found['claims']] == [False]


def test_no_class_where_nothing_is_decided():
    found = answer(without_arms(measured(9)), HANDS)
    assert 'class' not in found and 'reason' not in found
    assert found['notes'][0] == UNDECIDED and found['measured']
