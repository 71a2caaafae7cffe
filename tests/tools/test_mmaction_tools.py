"""MMAction2's own tools on our configs and models."""
import pickle
import re
import runpy
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from mmengine.fileio import load
from mmengine.logging import HistoryBuffer
from mmengine.runner import Runner
from recognizers import build, recognizer

import mmaction
from lvlm_var_mm.__main__ import _tool_of_mmaction
from lvlm_var_mm.checkpoint.loading import load_checkpoint_file
from lvlm_var_mm.mmaction_tools import prepare
from lvlm_var_mm.models import VSTNeck
from mmaction.utils.gradcam_utils import GradCAM

THEIRS = Path(mmaction.__file__).parent / '.mim/tools'
CHANGED = ((Config, 'fromfile'), (Runner, '__init__'), (torch, 'load'),
           (VSTNeck, '__init__'), (GradCAM, '__init__'))


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a tool as ``python -m lvlm_var_mm`` does;
    what is prepared for it goes with the test."""
    for owner, name in CHANGED:
        monkeypatch.setattr(owner, name, owner.__dict__[name])
    matplotlib.use('agg')

    def run(name, *args):
        tool = _tool_of_mmaction(name)
        prepare(tool)
        monkeypatch.setattr('sys.argv', [tool, *map(str, args)])
        runpy.run_path(tool, run_name='__main__')
        return capsys.readouterr().out

    yield run
    plt.close('all')


@pytest.mark.parametrize('name, file', [
    ('get_flops', 'analysis_tools/get_flops.py'),
    ('vis_cam.py', 'visualizations/vis_cam.py'),
    ('misc/flow_extraction.py', 'misc/flow_extraction.py'),
    ('train', None), ('doctor', None), ('nothing', None)])
def test_by_name(name, file):
    assert _tool_of_mmaction(name) == (file and str(THEIRS / file))


def test_table_names_them_all():
    text = (REPO / 'docs/mmaction2.md').read_text(encoding='utf-8')
    table = text.partition('\n| tool |')[2].partition('\n\n')[0]
    named = {name for line in table.splitlines()
             for name in re.findall(r'`(\w+)`', line.split('|')[1])}
    assert named == {f.stem for f in THEIRS.rglob('*.py')
                     if 'data' not in f.relative_to(THEIRS).parts}


def test_get_flops(run, tiny_llava, tmp_path):
    Config(dict(model=recognizer(tiny_llava))).dump(tmp_path / 'cfg.py')
    said = run('get_flops', tmp_path / 'cfg.py', '--shape', 1, 2, 16, 25, 3)
    assert re.search(r'Flops: \d', said) and 'backbone' in said


def test_print_config(run):
    assert 'VSTNeck' in run('print_config', 'lvlmvar_quickstart')


def test_vis_scheduler_draws_each_part(run, tmp_path):
    out = tmp_path / 'rates.png'
    run('vis_scheduler', 'lvlmvar_quickstart', '--dataset-size', 64,
        '--not-show', '--save-path', out, '--cfg-options',
        f'work_dir={tmp_path}')
    assert out.stat().st_size
    backbone, head = (line.get_ydata() for line in plt.gcf().axes[0].lines)
    # The head begins to learn when the backbone is almost at its end.
    assert backbone.argmax() < np.flatnonzero(head == head.max())[-1]
    assert head[-1] < head.max()


def test_vis_scheduler_of_a_baseline(run, tmp_path):
    run('vis_scheduler', 'stgcnpp_quickstart', '--dataset-size', 64,
        '--not-show', '--cfg-options', f'work_dir={tmp_path}')
    assert len(plt.gcf().axes[0].lines) == 1


def test_vis_cam_says_why_not(run, tiny_llava):
    prepare(_tool_of_mmaction('vis_cam'))
    with pytest.raises(ValueError, match='choice of codes.*show_tokens'):
        GradCAM(build(recognizer(tiny_llava)), 'backbone/gcn')


def test_publish_model(run, tmp_path):
    torch.save(dict(
        state_dict=dict(a=torch.ones(2)), optimizer=dict(),
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.], [1])))),
        tmp_path / 'epoch_1.pth')
    run('publish_model', tmp_path / 'epoch_1.pth', tmp_path / 'out.pth')
    out, = tmp_path.glob('out_*.pth')
    assert list(load_checkpoint_file(str(out))) == ['state_dict']


def test_analyze_logs(run, tmp_path):
    pytest.importorskip('seaborn')
    log = tmp_path / 'scalars.json'
    log.write_text('{"epoch": 1, "iter": 1, "time": 0.5, "loss": 2.0}\n'
                   '{"epoch": 1, "iter": 2, "time": 0.3, "loss": 1.0}\n')
    assert '0.4' in run('analyze_logs', 'cal_train_time', log,
                        '--include-outliers')


@pytest.fixture
def dump(tmp_path):
    """Write what ``tools/test.py --dump`` does; two of three are right."""
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps([
        dict(gt_label=torch.tensor([label]), pred_label=torch.tensor([said]),
             pred_score=torch.eye(8)[said], pred_tokens=torch.arange(4),
             pred_num_codes=torch.tensor(16))
        for label, said in ((0, 0), (1, 1), (2, 1))]))
    return path


@pytest.mark.slow
def test_tools_that_read_a_dump(run, dump, tmp_path):
    said = run('report_accuracy', '--preds', dump, dump)
    assert 'Top 1 Accuracy: 0.6667' in said
    run('confusion_matrix', 'stgcnpp_quickstart', dump, '--out',
        tmp_path / 'matrix.pkl')
    assert load(tmp_path / 'matrix.pkl').trace() == 2
    for config in ('stgcnpp_quickstart', 'lvlmvar_quickstart'):
        assert '0.66' in run('eval_metric', config, dump)
