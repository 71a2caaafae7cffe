"""The judge of reasons is judged by what truly happens in made clips."""
import runpy

import pytest
from helpers import TOOLS

from lvlm_var_mm.kinematics import observe
from lvlm_var_mm.synthetic.performance import perform

CLAP = 'S001C001P003R001A010'


@pytest.fixture(scope='module')
def judged():
    return runpy.run_path(str(TOOLS / 'perf/explanations.py'))['judged']


def clip(raw, verified, action=10):
    return dict(name=CLAP, raw=raw, verified=verified,
                seen=observe(perform(action, 3, 1), 'ntu25', 30))


def test_a_judge_that_is_right(judged):
    assert judged([clip('The hands clap, and a foot kicks.',
                        'The hands clap.')], 0) == dict(
        judge_right=1, verified_truth=1, verified_truth_chance=1,
        dropped_though_true=0)


def test_a_judge_that_sees_another_clip(judged):
    figures = judged([clip('The hands clap, and a foot kicks.',
                           'A foot kicks.', action=24)], 0)
    assert figures['judge_right'] == figures['verified_truth'] == 0
    assert figures['dropped_though_true'] == 1


def test_nothing_said(judged):
    assert judged([clip('Because.', '')], 0) == {}
