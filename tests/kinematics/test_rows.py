"""What a data sample carries says as much as what was observed."""
import numpy as np
import pytest
from bodies import measured

from lvlm_var_mm.kinematics import (NAMES, check, claims, describe,
                                    observation_of, observe)
from lvlm_var_mm.kinematics.claims import Claim
from lvlm_var_mm.kinematics.rows import to_decidable, to_rows
from lvlm_var_mm.kinematics.strengths import strengths_of_rows

readers = pytest.mark.parametrize('read', [observation_of, strengths_of_rows])


def both(keypoint, **kwargs):
    seen = observe(keypoint, 'ntu25', **kwargs)
    return seen, observation_of(to_rows(seen), to_decidable(seen))


@pytest.mark.parametrize('change', (
    lambda k: k,
    lambda k: np.concatenate([k, 0 * k]),  # nobody in the second row
    lambda k: k * (np.arange(25) != 7)[:, None],  # without the left hand
    lambda k: np.concatenate([k, k * (np.arange(25) < 12)[:, None]]),
    lambda k: 0 * k), ids=['one', 'absent', 'hand', 'legs', 'nobody'])
@pytest.mark.parametrize('fps', (30, 6))
def test_every_claim_is_judged_alike(change, fps):
    seen, again = both(change(measured(50)[:1]), fps=fps)
    assert describe(again.events) == describe(seen.events)
    assert [e.name for e in again.events] == [e.name for e in seen.events]
    np.testing.assert_allclose([e[3:] for e in again.events],
                               [e[3:] for e in seen.events], rtol=1e-6)
    made = [Claim(*_parted(name), negated) for name in NAMES
            for negated in (False, True)]
    made += claims('one hand rises, the body stays still, both feet move')
    assert [check(c, again) for c in made] == [check(c, seen) for c in made]


def _parted(name):
    words = name.split()
    at = 2 if words[0] in ('left', 'right') else 1
    return ' '.join(words[:at]), ' '.join(words[at:])


def test_where_nothing_is_decidable_nothing_is_false():
    seen, _ = both(measured(6))
    again = observation_of(to_rows(seen), np.zeros(len(NAMES), bool))
    truths = {check(Claim(*_parted(name)), again) for name in NAMES}
    assert truths == {True, None}


ALL = np.ones(len(NAMES), bool)


@readers
@pytest.mark.parametrize('events, decidable', [
    (np.zeros((2, 3)), ALL), ([(999, 0, 1, 1, 0)], ALL),
    (np.zeros((0, 5)), [True])])
def test_rows_of_an_older_version_are_refused(read, events, decidable):
    with pytest.raises(ValueError, match='older version.*BodyPartEvents'):
        read(events, decidable)


@readers
def test_both_are_needed(read):
    with pytest.raises(ValueError, match='without `decidable`.*`meta_keys`'):
        read([(0, 0, 1, 1, 0)], None)
