"""The configs: each loads, fits together and says how to run it."""
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import (CLASSES, REPO, head_cfg, write_image_processor,
                     write_internvl, write_llava, write_nucla, write_qwen)
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper

from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.engine.schedules import learning_rates
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import DATASETS, MODELS

OURS = sorted(str(p.relative_to(REPO))
              for p in REPO.glob('configs/lvlmvar_*.py'))
BASELINES = sorted(str(p.relative_to(REPO))
                   for p in REPO.glob('configs/baselines/*.py'))
TWO_STAGE = sorted(str(p.relative_to(REPO)) for p in REPO.glob(
    'configs/two_stage/lvlmvar_n*.py'))
# MMAction2's own configs on its own pickles, of which only the address is
# ours.
STOCK = [p for p in BASELINES if '_ntu' in p and '_recipe_' not in p
         and 'slowonly' not in p]
# Those on our data stand on MMAction2's own, too; tests/test_baselines.py.
OURS_BELOW = [p for p in BASELINES if Path(p).stem in (
    'slowonly_quickstart', 'stgcnpp_nucla_xview', 'stgcnpp_quickstart')]
LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'
every = pytest.mark.parametrize('path', OURS + BASELINES)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    """The defaults, whatever the environment of the tests says."""
    for name in ('NTU_SAMPLE', 'NTU_ROOT', 'NUCLA_PKL', 'LVLM_PATH',
                 'LLAVA_PATH'):
        monkeypatch.delenv(name, raising=False)


def load(path):
    return Config.fromfile(str(REPO / path))


def datasets(cfg):
    """Settings of the training, validation and test set."""
    found = [cfg[name].dataset for name in LOADERS]
    return [d.dataset if 'dataset' in d else d for d in found]


def steps(pipeline):
    """All transforms of a pipeline, those of each branch of a pair, too."""
    for step in pipeline:
        yield step
        for branch in ('rgb', 'skeleton'):
            yield from step.get(branch, ())


def necks(neck):
    """Settings of the neck, or of that of each branch."""
    return [neck] if neck.type == 'VSTNeck' else [neck.rgb, neck.skeleton]


@pytest.mark.parametrize('path', sorted(
    str(p.relative_to(REPO)) for p in REPO.glob('configs/**/*.py')))
def test_events_come_with_what_is_decidable(path):
    for keys in meta_keys(load(path).to_dict()):
        assert ('events' in keys) == ('decidable' in keys), keys


def meta_keys(value):
    """All ``meta_keys`` in a config, wherever they are."""
    if isinstance(value, dict):
        if 'meta_keys' in value:
            yield value['meta_keys']
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from meta_keys(part)


def test_there_are_configs():
    assert len(OURS) >= 8 and len(BASELINES) >= 30 and len(STOCK) == 8


@every
def test_opens_with_its_command(path):
    first = (REPO / path).read_text().splitlines()[0]
    assert first == f'# python tools/train.py {path}'


@every
def test_splits(path):
    cfg = load(path)
    train, val, test = datasets(cfg)
    protocol, part = train.split.split('_')
    assert part == 'train'
    assert val.split == test.split == f'{protocol}_val'
    for key in ('type', 'data_root', 'ann_file', 'benchmark', 'actions',
                'class_names', 'exclude', 'num_joints', 'make_sample'):
        assert train.get(key) == val.get(key) == test.get(key), key
    assert val.test_mode and test.test_mode and not train.get('test_mode')
    assert cfg.train_dataloader.sampler.shuffle
    assert not cfg.val_dataloader.sampler.shuffle
    assert not cfg.test_dataloader.sampler.shuffle
    # What the file is called is what it does.
    name = Path(path).stem
    if 'quickstart' not in name:
        assert name.endswith(f'_{protocol}')
    if 'ntu' in name and path not in STOCK:
        assert train.benchmark in name
    assert any(kind in name for kind in ('rgb', 'slowonly', 'paired')) == (
        train.type in ('NTURGBDVideoDataset', 'NTURGBDPairedDataset'))


@every
def test_random_transforms_only_in_training(path):
    train, val, test = [[t.type for t in steps(d.pipeline)]
                        for d in datasets(load(path))]
    for kinds in (val, test):
        assert not [kind for kind in kinds if kind.startswith('Random')]
    for dataset in datasets(load(path))[1:]:
        sampling = [t for t in steps(dataset.pipeline) if t.type in (
            'DrawFrames', 'ResampleFrames', 'SampleFrames', 'UniformSample',
            'UniformSampleFrames')]
        assert sampling and all(t.test_mode for t in sampling)


@pytest.mark.parametrize('path', OURS)
def test_classes_agree(path):
    cfg = load(path)
    head = cfg.model.cls_head
    classes = load_classes(head.class_names, head.num_classes)
    own = necks(cfg.model.neck)
    assert {n.aux_head.num_classes for n in own} == {head.num_classes}
    assert sum(n.in_channels for n in own) == head.in_channels
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        metric, = [m for m in evaluator if m.type == 'TokenMetric']
        assert 'codebook_size' not in metric  # the neck says it
    for dataset in datasets(cfg):
        assert load_classes(dataset.class_names) == classes
        if 'actions' in dataset:
            assert len(dataset.actions) == head.num_classes


@pytest.mark.parametrize('path', BASELINES)
def test_classes_of_baselines_agree(path):
    cfg = load(path)
    for dataset in datasets(cfg):
        number = (int(Path(path).stem.split('_')[1][3:]) if path in STOCK else
                  len(load_classes(dataset.class_names).names))
        assert cfg.model.cls_head.num_classes == number


@pytest.mark.parametrize('path', OURS + OURS_BELOW)
def test_hooks_and_import_are_there(path):
    cfg = load(path)
    hooks = {hook.type: hook for hook in cfg.get('custom_hooks', [])}
    assert cfg.default_hooks.skipped_samples.type == 'SkippedSamplesHook'
    assert cfg.custom_imports.imports == ['lvlm_var_mm']
    assert ('CodeNamesHook' in hooks) == (path in OURS)
    # Texts are set for an alignment, and only for one.
    assert ('SemanticAlignmentHook' in hooks) == any(
        n.get('align') for n in (
            necks(cfg.model.neck) if 'neck' in cfg.model else ()))
    warmup = hooks.get('LVLMWarmupHook')
    assert bool(warmup) == (path in OURS)
    if warmup:  # the tokens are validated meanwhile, then every epoch is
        loop = cfg.train_cfg
        assert loop.get('val_begin', 1) == 1
        assert loop.val_interval < warmup.epochs < loop.max_epochs
        assert loop.dynamic_intervals == [(warmup.epochs + 1, 1)]


@pytest.mark.parametrize('path', OURS + ['configs/zero_shot/'
                                         'lvlmvar_nucla_xsub.py'])
def test_language_model_has_its_own_schedule(path):
    cfg = load(path)
    start = cfg.custom_hooks[0].epochs
    # Steps of an epoch: enough for the shortest schedule to end low.
    length, last = max(20, 400 // start), cfg.train_cfg.max_epochs
    rates = learning_rates(cfg, length)
    rest, peak = rates.pop('rest'), cfg.optim_wrapper.optimizer.lr
    assert max(rest) == pytest.approx(peak, rel=.05)
    # The tokens have been learnt by then, and stay open to the language model.
    assert rest[start * length:] == pytest.approx(
        [.001 * peak] * (last - start) * length, rel=.1)
    assert 'cls_head' in rates
    # A neck that begins behind a trained backbone goes with the rest.
    neck = rates.pop('neck', None)
    if neck:
        assert np.argmax(neck) == np.argmax(rest) < start * length
    for part, rates in rates.items():
        whole = cfg.optim_wrapper.paramwise_cfg.parts[part].lr
        reading = rates[start * length:]
        # It starts low, is whole within an epoch, and ends low.
        assert reading[0] == pytest.approx(.01 * whole)
        assert max(reading[:length + 1]) > .85 * whole
        assert reading[-1] < .02 * whole
        assert len(reading) == (last - start) * length


@pytest.mark.parametrize('path', TWO_STAGE)
def test_second_stage(path):
    cfg, one = load(path), load(path.replace('two_stage/', '').replace(
        'linear_', ''))
    text = (REPO / path).read_text()
    assert text.startswith(f'# python tools/train.py {path}\n')
    # The first stage that is written on top is the one that is loaded, at its
    # last epoch, and the language model waits to the end of it.
    last = one.train_cfg.max_epochs
    assert cfg.load_from.endswith(f'/epoch_{last}.pth')
    if 'linear' not in path:
        for line in (f'custom_hooks.0.epochs={last}', f'/epoch_{last}.pth',
                     cfg.train_dataloader.dataset.ann_file,
                     cfg.load_from.split('/epoch')[0]):
            assert line in text
    for key in ('batch_size', 'num_workers'):
        assert cfg.train_dataloader[key] == one.train_dataloader[key]
    for key in ('val_dataloader', 'test_dataloader', 'optim_wrapper'):
        assert cfg[key] == one[key]
    assert cfg.model.backbone.backbone == one.model.backbone
    assert [hook.type for hook in cfg.custom_hooks] == ['TokenCacheHook']
    rates = learning_rates(cfg, 20)['cls_head']
    assert rates[0] == pytest.approx(4e-6, rel=.6)
    assert max(rates[:21]) > .9 * cfg.optim_wrapper.paramwise_cfg.parts[
        'cls_head'].lr


@pytest.mark.parametrize('path', [p for p in OURS if 'ntu' in p])
def test_many_names_are_sampled(path):
    head = load(path).model.cls_head
    assert 0 < head.num_negatives < head.num_classes
    assert not head.get('label_smooth_eps')  # which the head refuses


READERS = sorted(
    str(p.relative_to(REPO)) for p in REPO.glob('configs/**/lvlmvar_*.py')
    if 'parts' in load(p.relative_to(REPO)).get(
        'optim_wrapper', {}).get('paramwise_cfg', {}))


@pytest.fixture(scope='module')
def pictured_llava(tmp_path_factory):
    """One that reads keyframes, too."""
    folder = tmp_path_factory.mktemp('llava')
    write_llava(folder)
    write_image_processor(folder)
    return folder


@pytest.mark.parametrize('path', READERS)
def test_parts_with_a_learning_rate_are_trained(path, pictured_llava):
    cfg = load(path)
    head = cfg.model.cls_head
    # The tiny tokenizer knows no others.
    head.update(class_names=CLASSES, num_classes=len(CLASSES), in_channels=8,
                num_negatives=0, unseen=())
    small = head_cfg(pictured_llava)
    for key in 'lvlm', 'lora':  # set, not updated
        head[key] = small[key]
    parts = set(cfg.optim_wrapper.paramwise_cfg.parts)
    model = torch.nn.ModuleDict(dict(
        backbone=torch.nn.Linear(1, 1), neck=torch.nn.Linear(1, 1),
        cls_head=MODELS.build(head)))
    optimizer = build_optim_wrapper(model, cfg.optim_wrapper).optimizer
    assert {group['part'] for group in optimizer.param_groups} == {
        'rest', *parts}


@pytest.mark.parametrize('path, write', [
    ('qwen2_5_vl', write_qwen), ('internvl3', write_internvl)])
def test_other_language_models(path, write, tmp_path, monkeypatch):
    kind = write(tmp_path)
    monkeypatch.setenv('LVLM_PATH', str(tmp_path))
    cfg = load(f'configs/lvlmvar_{path}_ntu60_xsub.py').model.cls_head
    assert kind in cfg.lvlm.type
    # The tiny tokenizer knows no others.
    cfg.update(class_names=CLASSES, num_classes=len(CLASSES), in_channels=8)
    head = MODELS.build(cfg)
    trained = {n for n, p in head.lvlm.named_parameters() if p.requires_grad}
    # Two matrices beside each of seven, of two layers, and no vision tower.
    assert len(trained) == 2 * 7 * 2
    assert all('language_model' in name for name in trained)


@every
def test_sample_is_for_quickstarts(path):
    cfg = load(path)
    for dataset in datasets(cfg):
        quick = 'quickstart' in path
        assert bool(dataset.get('make_sample')) == quick
        if quick:
            assert dataset.data_root == 'data/ntu_sample'


def test_recipe_of_both_is_the_same():
    ours = load('configs/lvlmvar_recipe_nucla_xview.py')
    baseline = load('configs/baselines/stgcnpp_recipe_nucla_xview.py')
    for name in LOADERS:
        assert ours[name] == baseline[name]
    assert ours.train_cfg.max_epochs == baseline.train_cfg.max_epochs
    # What `load_from` takes of a baseline of the same width.
    baseline.model.backbone.base_channels = ours.model.backbone.base_channels
    own, other = ({name: tensor.shape for name, tensor in MODELS.build(
        cfg.model.backbone).state_dict().items()} for cfg in (ours, baseline))
    assert own == other


@pytest.mark.parametrize('ours, baseline', [
    ('lvlmvar_quickstart', 'stgcnpp_quickstart'),
    ('lvlmvar_rgb_quickstart', 'slowonly_quickstart'),
    ('lvlmvar_nucla_xview', 'stgcnpp_nucla_xview')])
def test_baseline_differs_in_the_model_alone(ours, baseline):
    ours = load(f'configs/{ours}.py')
    baseline = load(f'configs/baselines/{baseline}.py')
    for key in LOADERS:
        assert ours[key] == baseline[key], key
    assert ours.train_cfg.max_epochs == baseline.train_cfg.max_epochs
    assert ours.optim_wrapper.optimizer == baseline.optim_wrapper.optimizer
    # One warm-up and one cosine, which is over when the language model begins.
    rates = learning_rates(ours, 20)['rest']
    stock = learning_rates(baseline, 20)['rest']
    warm = 20 * ours.param_scheduler[0].end
    assert ours.param_scheduler[0].end == baseline.param_scheduler[0].end
    assert rates[:warm] == pytest.approx(stock[:warm], rel=.05)
    assert max(rates) == pytest.approx(max(stock), rel=.05)


@pytest.mark.parametrize('variable, path, keys', [
    ('NTU_SAMPLE', 'lvlmvar_quickstart', ('data_root', )),
    ('NTU_ROOT', 'lvlmvar_rgb_ntu60_xsub', ('data_root', )),
    ('NTU_ROOT', 'lvlmvar_ntu120_xset', ('data_root', )),
    ('NUCLA_PKL', 'lvlmvar_nucla_xview', ('ann_file', ))])
def test_environment_says_where_data_lies(monkeypatch, variable, path, keys):
    monkeypatch.setenv(variable, '/some/where')
    for dataset in datasets(load(f'configs/{path}.py')):
        assert [dataset[key] for key in keys] == ['/some/where']


@pytest.mark.parametrize('variable, path', [
    ('LVLM_PATH', 'lvlmvar_nucla_xview'), ('LLAVA_PATH', 'lvlmvar_ntu60_xsub')
])
def test_environment_says_which_language_model(monkeypatch, variable, path):
    monkeypatch.setenv(variable, '/some/where')
    lvlm = load(f'configs/{path}.py').model.cls_head.lvlm
    assert lvlm.pretrained_model_name_or_path == '/some/where'


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A little of each data set, by the variable that names its place."""
    folder = tmp_path_factory.mktemp('data')
    make_sample(folder / 'ntu', repeats=1, classes=[1], performers=(1, 3),
                progress=False)
    return dict(NTU_SAMPLE=str(folder / 'ntu'),
                NUCLA_PKL=str(write_nucla(folder / 'nucla.pkl')))


@pytest.mark.parametrize('path', OURS_BELOW)
def test_baseline_runs(path, data, monkeypatch):
    for name, value in data.items():
        monkeypatch.setenv(name, value)
    cfg = load(path)
    model = MODELS.build(cfg.model)
    train, val, _ = [DATASETS.build(d) for d in datasets(cfg)]
    batch = model.data_preprocessor(
        pseudo_collate([train[0], train[1]]), training=True)
    losses = model(**batch, mode='loss')
    assert torch.isfinite(losses['loss_cls'])
    losses['loss_cls'].backward()
    assert all(p.grad is not None for p in model.parameters())
    with torch.no_grad():
        results = model.eval().test_step(pseudo_collate([val[0], val[1]]))
    for i, result in enumerate(results):
        assert result.pred_score.shape == (10, )
        assert result.pred_score.sum().item() == pytest.approx(1, abs=1e-4)
        assert result.gt_label.item() == val.get_data_info(i)['label']


SCALE = {'1xb16-bf16': 1, '8xb16-bf16': 8, '7b_1xb16-4bit': 1, '8xb4-4bit': 8,
         '8xb16-bf16-fsdp': 8, '8xb16-bf16-zero3': 8}


def clips_of_a_step(cfg, gpus):
    return (gpus * cfg.train_dataloader.batch_size *
            cfg.optim_wrapper.get('accumulative_counts', 1))


@pytest.mark.parametrize('path', [p for p in OURS + TWO_STAGE if 'ntu' in p])
def test_a_step_is_of_128_clips_on_one_gpu(path):
    assert clips_of_a_step(load(path), 1) == 128
    head = (REPO / path).read_text().split('_base_')[0]
    assert '128' in head and 'GPU' in head


def test_every_machine_is_tested():
    assert {p.stem.removeprefix('lvlmvar_ntu60_xsub_')
            for p in REPO.glob('configs/scale/*.py')} == set(SCALE)


@pytest.mark.parametrize('name', SCALE)
def test_a_step_is_of_as_many_clips_on_any_machine(name):
    path, gpus = f'configs/scale/lvlmvar_ntu60_xsub_{name}.py', SCALE[name]
    cfg, base = load(path), load('configs/lvlmvar_ntu60_xsub.py')
    assert clips_of_a_step(cfg, gpus) == 128
    # The name tells GPUs, clips on each, and the bits of the frozen model.
    in_bits = 'quantization_config' in cfg.model.cls_head.lvlm
    assert (f'{gpus}xb{cfg.train_dataloader.batch_size}-' +
            ('4bit' if in_bits else 'bf16')) in name
    first = (REPO / path).read_text().splitlines()[0]
    assert first == (f'# tools/dist_train.sh {path} {gpus}' if gpus > 1 else
                     f'# python tools/train.py {path}')
    # But for these, the language model of small machines and the strategy,
    # nothing differs.
    for over in (cfg, base):
        over.train_dataloader.pop('batch_size')
        for key in ('accumulative_counts', 'type', 'clip_grad'):
            over.optim_wrapper.pop(key, None)
        bits = over.model.cls_head.lvlm.pop('quantization_config', None)
        size = over.model.cls_head.lvlm.pop('pretrained_model_name_or_path')
        over.pop('llava_path')
        strategy = over.pop('strategy', None)
        over.pop('runner_type', None)
    assert cfg._cfg_dict == base._cfg_dict
    assert bits is strategy is None and '13b' in size  # of the base


@pytest.mark.parametrize('name', SCALE)
def test_schedules_are_the_same_in_steps_on_any_machine(name):
    """At the start of each epoch, by optimizer steps, of 40,091 clips."""
    found = []
    for over, gpus in (
            (load(f'configs/scale/lvlmvar_ntu60_xsub_{name}.py'), SCALE[name]),
            (load('configs/lvlmvar_ntu60_xsub.py'), 1)):
        clips = gpus * over.train_dataloader.batch_size
        times = over.optim_wrapper.get('accumulative_counts', 1)
        assert 40091 // clips // times == 313
        length = 10 * times  # ten steps will do
        found.append({part: rates[::length] for part, rates in
                      learning_rates(over, length).items()})
    one, other = found
    assert set(one) == set(other) == {'rest', 'cls_head',
                                      'cls_head.projector'}
    for part, rates in one.items():
        assert len(rates) == 30
        assert rates == pytest.approx(other[part], rel=.06), part


def test_strategies_stand_for_what_they_replace():
    base = load('configs/lvlmvar_ntu60_xsub.py')
    sharded = load('configs/scale/lvlmvar_ntu60_xsub_8xb16-bf16-fsdp.py')
    assert (sharded.strategy.model_wrapper.find_unused_parameters ==
            base.find_unused_parameters)
    zero = load('configs/scale/lvlmvar_ntu60_xsub_8xb16-bf16-zero3.py')
    assert (zero.strategy.gradient_clipping ==
            base.optim_wrapper.clip_grad.max_norm)
    assert base.optim_wrapper.type == 'BFloat16OptimWrapper'
    assert zero.strategy.autocast == 'bfloat16'
