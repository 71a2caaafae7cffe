"""A small share of tools/perf/fuzz.py; videos in their own process are
tests/datasets/ntu/test_skeleton_fuzz.py's."""
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from lvlm_var_mm.trials.fuzzed import NAMED, RIGHT, outcome
from lvlm_var_mm.trials.fuzzed_text import KINDS


@pytest.mark.parametrize('name', [k for k in KINDS if k != 'videos'])
def test_damaged_files_are_read_right_or_named(name, tmp_path):
    kind, seen = KINDS[name](tmp_path), set()

    @seed(len(name))
    @settings(max_examples=60, deadline=None, database=None,
              phases=[Phase.generate], suppress_health_check=HealthCheck)
    @given(st.data())
    def read(data):
        kind.draw(data)
        how, said = outcome(kind)
        assert how in (RIGHT, NAMED), said
        seen.add(how)

    read()
    assert NAMED in seen
