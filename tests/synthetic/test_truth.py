"""Truth of made clips: what their script says happens."""
import numpy as np
import pytest

from lvlm_var_mm.kinematics import KINDS, check, observe
from lvlm_var_mm.synthetic.motion import MOTIONS
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.synthetic.truth import truth_of

CLAP = 'S001C001P003R001A010'


@pytest.mark.parametrize('claim, truth', [
    ('the hands clap', True), ('both hands rise', True),
    ('the right foot kicks', False), ('no foot kicks', True),
    ('the left arm bends', None)])  # as far as the draw has it
def test_claims_of_a_clap(claim, truth):
    assert check(claim, truth_of(CLAP)) is truth


@pytest.mark.parametrize('action', sorted(MOTIONS))
def test_noiseless_joints_tell_the_truth(action):
    truth = truth_of(f'S001C002P006R002A{action:03}')
    seen = observe(perform(action, 6, 2), 'ntu25', 30)
    assert truth.frames == seen.frames
    assert len(truth.decidable) == perform(action, 6, 2).shape[0]
    pairs = [(check(kind.name, truth), check(kind.name, seen))
             for kind in KINDS]
    told = [t == s for t, s in pairs if None not in (t, s)]
    assert len(told) > 40 and np.mean(told) > .97


def test_every_seed_is_another_performance():
    assert truth_of(CLAP) != truth_of(CLAP, seed=1)
    assert truth_of(CLAP).events == truth_of(CLAP.replace('C001', 'C003')
                                             ).events


@pytest.mark.parametrize('name', ['clip', 'S001C001P003R001A011'])
def test_clips_of_no_made_action(name):
    with pytest.raises(ValueError, match=name):
        truth_of(name)
