"""The measurement of few clips a class, at small size."""
import json
import runpy

import pytest
from helpers import NUCLA, REPO, TOOLS, write_nucla
from mmengine.config import Config

from mmaction.registry import DATASETS

TOOL = str(TOOLS / 'perf/few_clips.py')


@pytest.mark.parametrize('clips, updates, epochs', [
    (10, 300, 300), (200, 70, 10), (100, 1, 1)])
def test_schedule_is_stretched(clips, updates, epochs):
    scaled = runpy.run_path(TOOL)['scaled']
    cfg = scaled(Config.fromfile(str(
        REPO / 'configs/lvlmvar_nucla_xview.py')), clips, updates)
    assert cfg.train_cfg.max_epochs == epochs
    assert not cfg.train_dataloader.drop_last
    wait = cfg.custom_hooks[0]
    assert wait.type == 'LVLMWarmupHook' and wait.epochs < epochs
    if epochs > 1:
        assert wait.epochs == pytest.approx(epochs * 52 / 60, abs=1)
    for schedule in cfg.param_scheduler:
        assert schedule.end > schedule.get('begin', 0)


WRAPPED = 'stgcnpp_recipe_nucla_xview', 'stgcnpp_stock_nucla_xview'


@pytest.mark.parametrize('name', WRAPPED)
def test_clips_are_left_out_inside_of_wrappers(name, tmp_path):
    tool = runpy.run_path(TOOL)
    data = write_nucla(tmp_path / 'clips.pkl')
    cfg = Config.fromfile(str(REPO / f'configs/baselines/{name}.py'))
    times = cfg.train_dataloader.dataset.times
    cfg = tool['without'](cfg, str(data), 'xview', [])
    clips = DATASETS.build(cfg.train_dataloader.dataset.dataset)
    first = clips.get_data_info(0)['frame_dir']
    cfg = tool['without'](cfg, str(data), 'xview', [first])
    some = DATASETS.build(cfg.train_dataloader.dataset)
    assert len(some) == times * (len(clips) - 1)
    assert len(DATASETS.build(cfg.test_dataloader.dataset))
    # An epoch has several passes, so it takes fewer for as many updates.
    batch = cfg.train_dataloader.batch_size
    scaled = tool['scaled'](cfg, 2 * batch, 20 * times)
    assert scaled.train_cfg.max_epochs == 10


def test_needs_data(run_tool, monkeypatch):
    monkeypatch.delenv('NUCLA_PKL', raising=False)
    for tool in ('few_clips', 'zero_shot', 'narrative_facts'):
        done = run_tool(f'perf/{tool}.py', '--data', 'nowhere.pkl')
        assert done.code == 2 and 'no file nowhere.pkl' in done.err


@pytest.mark.nucla
def test_few_clips(run_tool):
    if not NUCLA.is_file():
        pytest.skip(f'no {NUCLA}: set NUCLA_PKL')
    pytest.importorskip('sklearn', reason='needs the extra `trees`')
    done = run_tool('perf/few_clips.py', '--data', NUCLA, '--clips', '1', '10',
                    '--draws', '2', '--updates', '20', '--config',
                    'few_clips/event_counts_nucla_xview.py')
    assert done.code == 0, done.err
    figures = json.loads(done.out.splitlines()[-1])
    assert figures['clips'] == 464 and figures['clean_clips'] == 369
    for by_number in figures['clean'].values():
        assert by_number['10'] > by_number['1']
    # Twenty updates teach nothing of one clip a class, but of ten.
    assert figures['clean']['event_counts_nucla_xview']['10'] > 30
    assert figures['clean']['events, linear']['1'] > 20
    assert figures['clean']['events, trees']['10'] > 60


@pytest.mark.nucla
def test_too_few_clips(run_tool):
    if not NUCLA.is_file():
        pytest.skip(f'no {NUCLA}: set NUCLA_PKL')
    done = run_tool('perf/few_clips.py', '--data', NUCLA, '--clips', '999')
    assert done.code == 2 and '--clips 999' in done.err


@pytest.mark.nucla
def test_narrative_facts(run_tool):
    done = run_tool('perf/narrative_facts.py', '--data', NUCLA, '--clauses',
                    '1', '9', '--brief', '16')
    found = json.loads(done.out.splitlines()[-1])['clean']
    # One clause names no class of eight, but is no chance either.
    assert 12.5 < found['1 clauses']['linear'] < found['9 clauses']['linear']
    assert found['9 clauses']['linear'] < found['16 brief clauses']['linear']
    assert set(found) == {'1 clauses', '9 clauses', '16 brief clauses',
                          'strengths of all events'}
