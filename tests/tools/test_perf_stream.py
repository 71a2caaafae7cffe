"""The measurement of live answers, at small size; times are not judged."""
import json

import pytest
from recognizers import inference_config

from lvlm_var_mm.pose import blazepose


@pytest.mark.slow
def test_stream_is_equal_dies_returns_and_ends(tiny_llava, run_tool, tmp_path,
                                               monkeypatch):
    monkeypatch.setattr(blazepose, 'available', lambda: False)
    config = tmp_path / 'config.py'
    inference_config(tiny_llava).dump(config)
    done = run_tool('perf/stream.py', '--config', config, '--seconds', 3,
                    '--window', .6, '--every', .2, '--minutes', .02,
                    '--life', .3)
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert figures['equal'] is True and figures['max_abs_diff'] <= 1e-4
    assert figures['windows'] == 13 and figures['pose_fps'] is None
    for key in ('fps', 'fps_cpu', 'latency_ms_p50', 'latency_ms_p95'):
        assert figures[key] > 0
    assert figures['answers_per_s'] >= 0  # one answer alone has no rate
    assert figures['soak']['frames'] > 0
    assert 'the dying camera: it died; trying again' in done.err
    assert figures['ctrl_c'][0] == 130
