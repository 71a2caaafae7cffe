"""A small share of tools/perf/kill.py."""
import os
import runpy

import pytest
from helpers import TOOLS

from lvlm_var_mm.trials.kill_works import Works


@pytest.fixture(scope='module')
def works(tmp_path_factory):
    before = dict(os.environ)
    yield Works(tmp_path_factory.mktemp('works'))
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize('name, kills', [
    pytest.param('training', 1, marks=pytest.mark.slow),
    pytest.param('tokens', 1, marks=pytest.mark.slow),
    ('export', 1), ('preparation', 2)])
def test_killed_work_has_the_same_result(works, name, kills):
    tool = runpy.run_path(str(TOOLS / 'perf/kill.py'))
    figures, points = tool['try_out'](works, name, kills, seed=1)
    assert figures == (kills, kills, 0)
    assert 'write' in points and 'rename' in points
    if name == 'training':
        for kind in ('iteration', 'validation', 'naming'):
            assert kind in points
