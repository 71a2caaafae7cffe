"""The whole way of a benchmark on a tiny data set, and over kills."""
import json
import os
import pickle
import re
import runpy
import shutil
import sys

import numpy as np
import pytest
import torch
from bodies import measured
from filelock import FileLock
from helpers import REPO
from mmengine.fileio import dump, load
from mmengine.hooks import Hook
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.benchmark import runs
from lvlm_var_mm.benchmark.cost import measure
from lvlm_var_mm.benchmark.data import clips_of
from lvlm_var_mm.benchmark.hooks import RECORD, read_record
from lvlm_var_mm.benchmark.scores import keep_scores
from mmaction.registry import HOOKS

SPEC = """
title = 'tiny'
options = {
    'model.backbone.base_channels': 8, 'model.backbone.num_stages': 2,
    'model.backbone.inflate_stages': [], 'model.backbone.down_stages': [],
    'model.cls_head.in_channels': 8, 'train_cfg.max_epochs': 2,
    'train_dataloader.batch_size': 4, 'train_dataloader.dataset.times': 1,
    'train_dataloader.num_workers': 0, 'val_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'val_dataloader.persistent_workers': False,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False, 'param_scheduler': []
}
entries = [dict(name='A', config='stgcnpp_recipe_nucla_xview',
                streams=['j', 'b'])]
fusions = [dict(name='two', of=['A/j', 'A/b'])]
comparisons = [('A/j', 'A/b')]
published = [dict(name='others', streams=4, top1=97., source='a paper')]
part = 0.5
"""


@HOOKS.register_module(force=True)
class KillHook(Hook):
    """End the process of a training in the middle of its second epoch."""
    armed = False

    def after_train_iter(self, runner, batch_idx, **kwargs):
        if self.armed and runner.epoch == 1 and batch_idx == 1:
            KillHook.armed = False
            raise KeyboardInterrupt


class InProcess:
    """Popen that runs a tool in this process: another one would import
    everything anew, for seconds."""

    def __init__(self, command, **kwargs):
        old, self.returncode = sys.argv, 0
        try:
            if command[1] == '-m':
                sys.argv = command[2:]
                runpy.run_module(command[2], run_name='__main__')
            else:
                sys.argv = command[1:]
                runpy.run_path(command[1], run_name='__main__')
        except SystemExit as end:
            self.returncode = end.code or 0
            if self.returncode == 130:
                raise KeyboardInterrupt from None
        finally:
            sys.argv = old

    def poll(self):
        return self.returncode


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Ten test clips, of which two train as well."""
    rng = np.random.default_rng(0)
    clips = [dict(frame_dir=f'clip{i}', label=i % 3, total_frames=12,
                  keypoint=(rng.normal(size=(1, 12, 20, 3)) + i % 3
                            ).astype('f4')) for i in range(26)]
    for i in (16, 17):
        clips[i]['keypoint'] = clips[i - 15]['keypoint']
    names = [c['frame_dir'] for c in clips]
    file = tmp_path / 'nucla.pkl'
    file.write_bytes(pickle.dumps(dict(
        split=dict(xview_train=names[:16], xview_val=names[16:]),
        annotations=clips)))
    monkeypatch.setenv('NUCLA_PKL', str(file))
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(runs, 'Popen', InProcess)
    # Neither the layout of configs nor latency is of interest here.
    monkeypatch.setattr('mmengine.config.config.FormatCode',
                        lambda text, **kwargs: (text, True))
    monkeypatch.setattr(measure, '__defaults__', (None, 0.))
    spec = tmp_path / 'spec.py'
    spec.write_text(SPEC)
    return spec


def what_counts(out):
    """The report without times and places."""
    found = json.loads((out / 'report.json').read_text())
    return {k: found[k] for k in ('methods', 'comparisons', 'published')}


@pytest.mark.slow
def test_killed_and_restarted_gives_the_same_table(data, tmp_path, run_tool,
                                                   monkeypatch):
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    said = run_tool('benchmark.py', data, '--out', whole)
    assert said.code == 0, said.err
    for word in ('A/j', 'two, weighted', 'top-1 clean', 'others', 'GFLOPs'):
        assert word in said.out
    found = json.loads((whole / 'report.json').read_text())
    figs = found['methods'][0]['figures']
    assert figs['all']['clips']['mean'] == 10
    assert figs['clean']['clips']['mean'] == 8
    assert figs['all']['top1']['n'] == 1
    assert found['costs']['A/j']['gflops'] > 0
    assert found['runs'][0]['train_seconds'] > 0
    assert {'report.md', 'accuracy.png', 'classes_1.png'} <= set(
        os.listdir(whole))

    real = runs.run_config

    def with_kill(run):
        cfg = real(run)
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='KillHook')]
        return cfg

    monkeypatch.setattr(runs, 'run_config', with_kill)
    KillHook.armed = True
    said = run_tool('benchmark.py', data, '--out', broken)
    assert said.code == 130 and 'same command' in said.err
    assert max(read_record(broken / 'runs/A_j-seed0/train')) == 1
    said = run_tool('benchmark.py', data, '--out', broken)
    assert said.code == 0, said.err
    assert what_counts(broken) == what_counts(whole)
    # The scores that it keeps, and MMAction2's dumps, stand for the runs.
    runs_of = whole / 'runs/A_{stream}-seed{seed}'
    popen = runs.Popen
    monkeypatch.setattr(runs, 'Popen', None)
    for kind in ('json', 'pkl'):
        data.write_text(SPEC.replace(
            "streams=['j', 'b']", f"streams=['j', 'b'], dump={str(runs_of)!r}"
            f"'/test.{kind}', part_dump={str(runs_of)!r}'/part.{kind}'"))
        said = run_tool('benchmark.py', data, '--out', tmp_path / kind)
        assert said.code == 0, said.err
        again, first = what_counts(tmp_path / kind), what_counts(whole)
        assert again['comparisons'] == first['comparisons']
        for one, two in zip(again['methods'], first['methods']):
            for subset, figs in two['figures'].items():
                for key in ('top1', 'top5', 'mean_class'):
                    assert one['figures'][subset][key] == figs[key]
    data.write_text(SPEC)
    # What an older version did not keep.
    kept = broken / 'runs/A_j-seed0/test.json'
    before = kept.read_text()
    kept.unlink()
    assert run_tool('benchmark.py', data, '--out', broken).code == 0
    assert kept.read_text() == before
    monkeypatch.setattr(runs, 'Popen', popen)
    # Nothing is left to be done.
    monkeypatch.setattr(runs, 'Popen', None)
    assert run_tool('benchmark.py', data, '--out', broken).code == 0
    # Not in another place, and without weights, either.
    moved = broken.rename(tmp_path / 'moved')
    shutil.rmtree(moved / 'runs/A_j-seed0/train')
    assert run_tool('benchmark.py', data, '--out', moved).code == 0
    assert what_counts(moved) == what_counts(whole)
    # Not the same part of the training clips, and not the same runs.
    data.write_text(SPEC.replace('part = 0.5', 'part = 0.9'))
    said = run_tool('benchmark.py', data, '--out', moved)
    assert said.code and 'other settings' in said.err
    broken = moved
    data.write_text(SPEC.replace("max_epochs': 2", "max_epochs': 3"))
    said = run_tool('benchmark.py', data, '--out', broken)
    assert said.code == 2 and 'other settings' in said.err


def test_a_run_that_fails_does_not_stop_the_others(data, tmp_path, run_tool):
    data.write_text("""
entries = [dict(name='none', config='stgcnpp_recipe_nucla_xview',
                checkpoint='nowhere.pth')]
""")
    said = run_tool('benchmark.py', data, '--out', tmp_path / 'out')
    assert said.code == 2 and 'no run has results' in said.err
    assert 'none-seed0: no checkpoint nowhere.pth' in said.err


def test_a_process_takes_the_runs_that_no_other_is_at(data, tmp_path, run_tool,
                                                      monkeypatch):
    out, taken = tmp_path / 'out', []
    monkeypatch.setattr(runs.Runner, 'run',
                        lambda self, run, title: taken.append(run.key))
    (out / 'runs/A_j-seed0').mkdir(parents=True)
    with FileLock(str(out / 'runs/A_j-seed0/.lock')):
        said = run_tool('benchmark.py', data, '--out', out)
    assert taken == ['A_b-seed0']
    assert 'another process is at A_j-seed0' in said.err
    run_tool('benchmark.py', data, '--out', out)
    assert taken[1:] == ['A_j-seed0', 'A_b-seed0']


def test_scores_of_others_stand_in_the_place_of_runs(data, tmp_path,
                                                     run_tool, monkeypatch):
    """Dumps of MMAction2's test, and JSON; nothing is trained or tested."""
    monkeypatch.setattr(runs, 'Popen', None)
    rng = np.random.default_rng(1)
    labels = [i % 3 for i in range(16, 26)]
    for stream, right in (('j', 8), ('b', 6)):
        scores = rng.random((10, 10)) + 3 * np.eye(10)[labels]
        scores[right:, 9] += 9
        dump([dict(pred_score=torch.tensor(s), gt_label=torch.tensor([k]))
              for s, k in zip(scores, labels)],
             str(tmp_path / f'{stream}.pkl'))
    keep_scores(tmp_path / 'b.pkl', tmp_path / 'b.json')
    text = f"""
options = {{'test_dataloader.num_workers': 0}}
entries = [
    dict(name='A', config='stgcnpp_recipe_nucla_xview', streams=['j'],
         dump={str(tmp_path)!r} + '/{{stream}}.pkl'),
    dict(name='B', config='stgcnpp_recipe_nucla_xview',
         dump={str(tmp_path / 'b.json')!r})]
fusions = [dict(name='two', of=['A/j', 'B'])]
comparisons = [('A/j', 'B')]
"""
    data.write_text(text)
    said = run_tool('benchmark.py', data, '--out', tmp_path / 'out')
    assert said.code == 0, said.err
    found = json.loads((tmp_path / 'out/report.json').read_text())
    assert [(m['name'], m['figures']['all']['top1']['mean'])
            for m in found['methods']][:2] == [('A/j', 80.), ('B', 60.)]
    assert found['comparisons'][0]['tests']['all']['only_first'] == 2
    assert 'weighted' not in said.out  # no scores of training clips
    assert 'given, of a training' in (tmp_path / 'out/report.md').read_text()
    rows = load(str(tmp_path / 'b.json'))
    dump(rows[::-1], str(tmp_path / 'other.json'))
    # One more class than the list has names: answered by nobody's name.
    dump([dict(r, pred_score=[*r['pred_score'], 0.]) for r in rows],
         str(tmp_path / 'wide.json'))
    (tmp_path / 'bad.json').write_text('[')
    for name, words in (('lost', r"entry 'B': no dump at .*lost.json"),
                        ('other', 'other.json: clip 1 has label'),
                        ('wide', 'fusion of tests with 10 and 11 classes'),
                        ('bad', 'bad.json holds no scores')):
        data.write_text(text.replace('b.json', f'{name}.json'))
        said = run_tool('benchmark.py', data, '--out', tmp_path / 'out')
        assert said.code == 2 and re.search(words, said.err), said.err


@pytest.mark.nucla
def test_the_measured_table_comes_from_the_kept_scores(nucla, tmp_path,
                                                       run_tool, monkeypatch):
    monkeypatch.setenv('NUCLA_PKL', str(nucla))
    monkeypatch.chdir(REPO)
    said = run_tool('benchmark.py',
                    REPO / 'configs/benchmarks/nucla_xview_kept.py', '--out',
                    tmp_path)
    assert said.code == 0, said.err
    made, told = (json.loads(path.read_text()) for path in (
        tmp_path / 'report.json',
        REPO / 'docs/results/recipe_full_nucla_xview.json'))
    found = {method['name']: method['figures'] for method in made['methods']}
    for method in told['methods']:
        for subset in ('all', 'clean'):
            assert method['figures'][subset]['top1'] == (
                found[method['name']][subset]['top1']), method['name']
    page = (REPO / 'docs/benchmark.md').read_text()
    for name, row in (
            ('ST-GCN++', '| ST-GCN++, last epoch | {} | {} | {} |'),
            ('LVLM-VAR', '| LVLM-VAR, last epoch | {} | {} | {} |'),
            ('both', '| both, equal weights | {} | {} | {} |'),
            ('ST-GCN++, bones',
             '| ST-GCN++, bones, a third of the updates | {} | {} | {} |'),
            ('joints and bones',
             '| joints and bones, equal weights | **{}** | **{}** | {} |'),
            ('all three', '| these and LVLM-VAR | {} | {} | {} |'),
            *((f'ST-GCN++, motion of {what}',
               f'| ST-GCN++, motion of {what}, a third of the updates | '
               '{} | {} | {} |') for what in ('joints', 'bones')),
            ('four streams',
             '| four streams, equal weights | **{}** | **{}** | {} |'),
            ('four streams and LVLM-VAR',
             '| these and LVLM-VAR | **{}** | **{}** | {} |'),
            ('four streams and LVLM-VAR with words',
             '| four streams and LVLM-VAR with words, [a third]'
             '(#a-third-of-the-updates) | **{}** | **{}** | {} |'),
            ('ST-GCN++, a third', '| the recipe, bfloat16 | {} | {} | {} |'),
            ('ST-GCN++ without min-max, a third',
             '| the recipe without min-max, bfloat16 | {} | {} | {} |'),
            ('LVLM-VAR with words, a third',
             '| LVLM-VAR with words, on the backbone of the first row | '
             '{} | {} | {} |'),
            ('both, a third',
             '| this and the first row, equal weights | {} | {} | {} |')):
        figs = found[name]
        assert row.format(*(f'{f["mean"]:.1f}' for f in (
            figs['all']['top1'], figs['clean']['top1'],
            figs['all']['ece']))) in page


def test_twins_are_found_in_the_data(data):
    from mmengine.config import Config

    from lvlm_var_mm.shipped import find_config
    clips = clips_of(Config.fromfile(find_config(
        'stgcnpp_recipe_nucla_xview')))
    assert np.flatnonzero(~clips.clean).tolist() == [0, 1]
    assert clips.names[0] == 'clip16' and len(clips.classes) == 10


def test_only_joints_make_twins(data, tmp_path):
    """Not the numbers of clips without names, which two files share."""
    from mmengine.config import Config

    from lvlm_var_mm.shipped import find_config
    clips = pickle.loads((tmp_path / 'nucla.pkl').read_bytes())['annotations']
    for clip in clips:
        del clip['frame_dir']
    cfg = Config.fromfile(find_config('stgcnpp_recipe_nucla_xview'))
    for dataset, some in (
            (cfg.train_dataloader.dataset.dataset, clips[:16]),
            (cfg.test_dataloader.dataset, clips[16:])):
        dataset.ann_file = str(tmp_path / f'{len(some)}.pkl')
        dataset.split = None
        (tmp_path / f'{len(some)}.pkl').write_bytes(pickle.dumps(some))
    assert np.flatnonzero(~clips_of(cfg).clean).tolist() == [0, 1]


def test_a_test_of_training_clips_alone_is_told(data, tmp_path, run_tool,
                                                monkeypatch):
    monkeypatch.setattr(runs, 'Popen', None)
    labels = [i % 3 for i in range(16)]
    dump([dict(pred_score=torch.eye(10)[k], gt_label=torch.tensor([k]))
          for k in labels], str(tmp_path / 'd.pkl'))
    data.write_text(f"""
options = {{'test_dataloader.num_workers': 0,
           'test_dataloader.dataset.split': 'xview_train'}}
entries = [dict(name='A', config='stgcnpp_recipe_nucla_xview',
                dump={str(tmp_path / 'd.pkl')!r})]
""")
    said = run_tool('benchmark.py', data, '--out', tmp_path / 'out')
    assert said.code == 0, said.err
    assert 'Every test clip is a copy' in (
        tmp_path / 'out/report.md').read_text()


def test_record_keeps_the_last_line_of_an_epoch(tmp_path):
    (tmp_path / RECORD).write_text(
        '{"epoch": 1, "seconds": 2}\n{"epoch": 1, "seconds": 3}\n{"epo')
    assert read_record(tmp_path) == {1: dict(epoch=1, seconds=3)}


def test_cost_of_a_model_with_a_codebook_is_that_of_its_checkpoint(
        tiny_llava, tmp_path):
    cfg = inference_config(tiny_llava)
    clips = [dict(keypoint=measured(action), frame_dir=f'a{action}', label=i,
                  total_frames=measured(action).shape[1])
             for i, action in enumerate((8, 23))]
    path = write_checkpoint(cfg, tmp_path / 'model.pth', clips)
    (tmp_path / 'clips.pkl').write_bytes(pickle.dumps(clips))
    cfg.test_dataloader.dataset.update(
        type='SkeletonDataset', ann_file=str(tmp_path / 'clips.pkl'))
    with pytest.raises(ValueError, match='no codebook yet'):
        measure(cfg, None, 0.)
    cost = measure(cfg, path, 0.)
    assert cost['gflops'] > 0 and cost['latency_ms'] > 0
    assert 0 < cost['trainable'] < cost['parameters']
