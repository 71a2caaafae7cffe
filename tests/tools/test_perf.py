"""The measurement tools at small size; what they time is not judged."""
import json
import runpy
import subprocess
import sys

import pytest
from helpers import NUCLA, REPO, TOOLS
from mmengine.config import Config

from lvlm_var_mm.models.lvlm.smollm2 import default_dir, is_complete


@pytest.mark.smollm2
@pytest.mark.skipif(
    not is_complete(default_dir()),
    reason=f'no SmolLM2 in {default_dir()}: python tools/fetch_smollm2.py')
def test_label_scores_are_exact(run_tool):
    done = run_tool('perf/label_scores.py', '--clips', '2', '--repeats', '1',
                    '--labels', '2', '--batch', '1')
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert figures['max_abs_diff'] <= 3e-4  # of sums of tens of nats, float32
    assert figures['labels'] == 60 and figures['clips'] == 2
    assert figures['token_ratio'] > 1
    assert figures['with_candidates']['prompt_positions'] > 200
    assert [row['prompt'] for row in figures['seconds_a_clip']] == [
        'short', 'candidates']
    for key in ('speedup_vs_per_label', 'cost_vs_prompt'):
        assert figures[key] > 0 and figures['with_candidates'][key] > 0


@pytest.mark.smollm2
@pytest.mark.skipif(
    not is_complete(default_dir()),
    reason=f'no SmolLM2 in {default_dir()}: python tools/fetch_smollm2.py')
def test_train_step_has_the_plain_loss():
    # In a process of its own: it measures the memory of a process.
    done = subprocess.run(
        [sys.executable, str(TOOLS / 'perf/train_step.py'), '--clips', '2',
         '--labels', '3', '--repeats', '1'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures['loss_diff'] <= 1e-3 and figures['lm_loss_diff'] <= 1e-3
    for key in ('speedup', 'lm_speedup', 'peak_mb', 'plain_peak_mb'):
        assert figures[key] > 0


def test_label_scores_without_the_model(run_tool, tmp_path):
    done = run_tool('perf/label_scores.py', '--lvlm', tmp_path / 'nowhere')
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert last.startswith('error: no model folder')
    assert 'lvlm_var_mm fetch_smollm2' in last


def test_events_are_found(run_tool, monkeypatch):
    monkeypatch.delenv('NUCLA_PKL', raising=False)
    done = run_tool('perf/events.py', '--performers', '2', '--clips', '8',
                    '--repeats', '1')
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert figures['clips'] == 114
    assert figures['precision'] >= .95 and figures['recall'] >= .95
    assert figures['perturbed_precision'] >= .9
    assert figures['perturbed_recall'] >= .9
    assert figures['undecided'] < .2 and figures['clips_per_s'] > 0
    assert figures['hard_false_rate'] < .1
    assert figures['worst_precision'] >= .95
    assert figures['worst_recall'] >= .95
    assert figures['real_recall'] is None and 'not measured' in done.out


@pytest.mark.nucla
def test_events_of_real_skeletons(run_tool):
    if not NUCLA.is_file():
        pytest.skip(f'no {NUCLA}: set NUCLA_PKL')
    done = run_tool('perf/events.py', '--performers', '1', '--clips', '8',
                    '--repeats', '1', '--real', NUCLA)
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert figures['real_recall'] >= .9
    assert figures['real_opposite'] <= .1


def test_events_of_real_skeletons_that_are_not_there(run_tool):
    done = run_tool('perf/events.py', '--real', 'nowhere.pkl')
    assert done.code == 2 and 'no file nowhere.pkl' in done.err


def test_negatives_learn_the_made_task():
    tool = runpy.run_path(str(TOOLS / 'perf/negatives.py'))
    classes = [(name, 'so') for name in ('drink', 'sit down', 'sit up')]
    top1, seconds = tool['top1'](classes, 1, 30, noise=0., seed=0)
    assert top1 > .6 and seconds > 0
    task = tool['Task'](4, .5, 0)
    feats, labels = task.clips(500)
    same = (feats.ids == task.classes[labels]).float().mean()
    assert .45 < same < .56  # half is replaced, sometimes by the same
    differ = (task.classes[0] != task.classes[1]).nonzero().flatten()
    assert set(differ.tolist()) <= {4, 5, 6}
    # Fewer names are read, and cost less.
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_ntu60_xsub.py')
    some, whole = tool['cost'](cfg, 15), tool['cost'](cfg, 0)
    assert some['names'] < whole['names']
    assert some['tflop'] < .8 * whole['tflop']
