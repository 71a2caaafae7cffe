"""What a benchmark may say, and how streams are set."""
import pytest
from helpers import REPO
from mmengine.config import Config
from mmengine.dataset import Compose

from lvlm_var_mm.benchmark.runs import run_config
from lvlm_var_mm.benchmark.spec import read_spec
from lvlm_var_mm.benchmark.streams import feature_steps, with_stream

SPECS = sorted(p.stem for p in REPO.glob('configs/benchmarks/*.py'))


@pytest.mark.parametrize('name', SPECS)
def test_shipped_specs(name, capsys):
    path = REPO / f'configs/benchmarks/{name}.py'
    spec = read_spec(str(path))
    assert spec.runs and path.read_text().startswith(
        f'# python tools/benchmark.py configs/benchmarks/{name}.py')
    for run in spec.runs:
        cfg = run_config(run)
        for part in ('train', 'val', 'test'):
            dataset = cfg[f'{part}_dataloader'].dataset
            while 'dataset' in dataset:
                dataset = dataset.dataset
            assert Compose(dataset.pipeline).transforms
    assert not capsys.readouterr().err  # all options change something


def write(tmp_path, text):
    file = tmp_path / 'spec.py'
    file.write_text(text)
    return str(file)


def test_streams_have_seeds_of_their_own(tmp_path):
    spec = read_spec(write(tmp_path, """
entries = [dict(name='a', config='stgcnpp_recipe_nucla_xview',
                streams=dict(j=[0, 1], bm=[3])),
           dict(name='b c', config='slowonly_quickstart',
                checkpoint='x/{seed}.pth')]
"""))
    assert [(r.member, r.seed, r.key, r.checkpoint) for r in spec.runs] == [
        ('a/j', 0, 'a_j-seed0', None), ('a/j', 1, 'a_j-seed1', None),
        ('a/bm', 3, 'a_bm-seed3', None), ('b c', 0, 'b_c-seed0', 'x/0.pth')]


ENTRY = "dict(name='a', config='stgcnpp_quickstart')"


@pytest.mark.parametrize('text, says', [
    ('entries = []', 'lists no method'),
    (f'entries = [{ENTRY}]\nfusion = 1', "'fusion' is no key"),
    ("entries = [dict(name='a')]", 'lacks'),
    (f'entries = [{ENTRY}, {ENTRY}]', 'two entries'),
    (f'entries = [{ENTRY}]\ncomparisons = [("a", "z")]', "names 'z'"),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', streams=['x'])]",
     "stream 'x'"),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', seed=1)]",
     "has 'seed'"),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', dump='a.pkl', "
     "checkpoint='a.pth')]", 'takes `checkpoint`, or `dump`'),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', part_dump='a')]",
     'takes `checkpoint`, or `dump`'),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', seeds=[0, 1], "
     "dump='a.pkl')]", 'a.pkl is the dump of several runs'),
    ("entries = dict(name='a', config='stgcnpp_quickstart')", 'list of dicts'),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', seeds=3)]",
     r"seeds are a list, such as \[3\]"),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', "
     "checkpoint='x_{epoch}.pth')]", r'x_{epoch}.pth: only `{seed}`'),
    ("entries = [dict(name='a', config='stgcnpp_quickstart', "
     "options=['x=1'])]", "entry 'a': `options` must be a dict"),
    (f"options = ['x=1']\nentries = [{ENTRY}]", '`options` must be a dict'),
    # A row of the table of its own each, and in an order that can be made.
    (f"entries = [{ENTRY}]\nfusions = [dict(name='a', of=['a'])]",
     "two methods are called 'a'"),
    (f"entries = [{ENTRY}]\nfusions = [dict(name='f', of=['a']), "
     "dict(name='f', of=['a'])]", "two methods are called 'f'"),
    (f"entries = [{ENTRY}]\nfusions = [dict(name='g', of=['f', 'a']), "
     "dict(name='f', of=['a'])]", "fusion 'g' names 'f'; before it"),
    (f"entries = [{ENTRY}]\nfusions = [dict(name='f', of=[])]", 'of` nothing'),
    (f"entries = [{ENTRY}]\nfusions = [dict(nme='f', of=['a'])]",
     "has 'nme'; it takes name, of"),
    (f"entries = [{ENTRY}]\ncomparisons = [('a', 'a', 'a')]", 'is no pair'),
    (f"entries = [{ENTRY}]\npublished = [dict(nam='x')]", "has 'nam'"),
    (f"entries = [{ENTRY}]\npublished = [dict(name='x', top1='91')]",
     "published 'x': `top1` is '91', must be a number")])
def test_what_is_wrong_is_named(tmp_path, text, says):
    with pytest.raises(ValueError, match=says) as e:
        read_spec(write(tmp_path, text))
    assert str(e.value).startswith(str(tmp_path))


def test_a_fusion_takes_one_that_stands_before(tmp_path):
    spec = read_spec(write(tmp_path, f"""
entries = [{ENTRY}]
fusions = [dict(name='f', of=['a']), dict(name='g', of=['f', 'a'])]
comparisons = [('g', 'a')]
"""))
    assert spec.fusions[1].of == ('f', 'a')


def test_an_option_that_changes_nothing_is_told(tmp_path, capsys):
    run = read_spec(write(tmp_path, """
entries = [dict(name='a', config='stgcnpp_quickstart',
                options={'train_dataloader.batchsize': 2})]
""")).runs[0]
    run_config(run)
    said = capsys.readouterr().err
    assert "options of 'a'" in said and 'train_dataloader.batch_size' in said


@pytest.mark.parametrize('config', [
    'baselines/stgcnpp_recipe_nucla_xview', 'baselines/stgcnpp_nucla_xview',
    'baselines/stgcn_ntu60_xsub'])
@pytest.mark.parametrize('stream, channels', [('b', 3), ('j+bm', 6),
                                              ('all', 12)])
def test_stream_of_a_config(config, stream, channels):
    cfg = with_stream(Config.fromfile(str(
        REPO / f'configs/{config}.py')), stream)
    assert cfg.model.backbone.in_channels == channels
    steps = list(feature_steps(cfg))
    assert len(steps) >= 3
    for step in steps:
        assert len(step.feats) == channels // 3
        assert step.type == 'GenSkeFeat' or step.get('layout') or step.inward


def test_a_video_has_no_streams():
    cfg = Config.fromfile(str(
        REPO / 'configs/baselines/slowonly_quickstart.py'))
    with pytest.raises(ValueError, match='leave `streams` out'):
        with_stream(cfg, 'b')
