"""The neck and the head in MMAction2's own recognizers and Runner."""
import copy
import logging
from types import SimpleNamespace

import mmengine
import numpy as np
import pytest
import torch
from helpers import CLASSES, REPO, make_samples
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.model import BaseModule
from mmengine.optim import OptimWrapper
from mmengine.runner import CheckpointLoader, IterBasedTrainLoop, Runner
from recognizers import (RGB, SKELETON, STGCN, K, L, batch, build,
                         build_for_test, recognizer)
from tensorboard.backend.event_processing.event_accumulator import \
    EventAccumulator

from lvlm_var_mm.engine import BFloat16OptimWrapper, LVLMWarmupHook
from lvlm_var_mm.models.heads.narrative import narrate

kinds = pytest.mark.parametrize(
    'kind, shape', [('skeleton', SKELETON), ('rgb', RGB)])


@kinds
def test_train_step(tiny_llava, kind, shape):
    model = build(recognizer(tiny_llava, kind))
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = OptimWrapper(torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=0.01))
    log = model.train_step(batch(shape, [0, 1, 2, 3]), optimizer)
    parts = {'loss_cls', 'loss_lm', 'loss_commit', 'loss_temporal',
             'loss_vst'}
    assert set(log) == {'loss', 'top1_acc', 'top5_acc', *parts}
    torch.testing.assert_close(log['loss'], sum(log[k] for k in parts))
    moved = {n for n, p in model.named_parameters()
             if not torch.equal(p, before[n])}
    assert {n.split('.')[0] for n in moved} == {
        'backbone', 'neck', 'cls_head'}
    assert any('lora_B' in n for n in moved)
    assert all(p.requires_grad
               for n, p in model.named_parameters() if n in moved)


@torch.no_grad()  # as a TestLoop has it
@kinds
def test_test_step(tiny_llava, kind, shape):
    model = build_for_test(recognizer(tiny_llava, kind), shape)
    samples = model.test_step(batch(shape, [2, 3, 0]))
    assert [int(s.gt_label) for s in samples] == [2, 3, 0]
    for sample in samples:
        assert sample.pred_score.shape == (len(CLASSES), )
        torch.testing.assert_close(sample.pred_score.sum(), torch.tensor(1.))
        assert sample.pred_label == sample.pred_score.argmax()
        assert sample.pred_tokens.shape == (L, )
        assert sample.pred_tokens.max() < K
        assert sample.pred_narrative == narrate(sample.pred_tokens)
    # The same batch gives the same again.
    for a, b in zip(samples, model.test_step(batch(shape, [2, 3, 0]))):
        assert torch.equal(a.pred_score, b.pred_score)


@torch.no_grad()
@kinds
def test_views_are_averaged(tiny_llava, kind, shape):
    model = build_for_test(recognizer(tiny_llava, kind), shape)
    one = [batch(shape, [0, 1, 2], seed) for seed in (1, 2)]
    both = dict(inputs=[torch.cat(pair) for pair in
                        zip(*(b['inputs'] for b in one))],
                data_samples=make_samples([0, 1, 2]))
    single = [model.test_step(b) for b in one]
    assert any((a.pred_tokens != b.pred_tokens).any()
               for a, b in zip(*single))
    averaged = model.test_step(both)
    assert len(averaged) == 3
    for a, b, mean in zip(*single, averaged):
        torch.testing.assert_close(
            mean.pred_score, (a.pred_score + b.pred_score) / 2)
        assert torch.equal(mean.pred_tokens, a.pred_tokens)


@torch.no_grad()
@pytest.mark.parametrize('at_once', [1, 2])
def test_max_testing_views(tiny_llava, at_once):
    data = batch((3, *SKELETON[1:]), [1])
    plain, limited = (
        build_for_test(recognizer(tiny_llava, test_cfg=cfg)).test_step(
            copy.deepcopy(data))[0]
        for cfg in (None, dict(max_testing_views=at_once)))
    torch.testing.assert_close(plain.pred_score, limited.pred_score)
    assert torch.equal(plain.pred_tokens, limited.pred_tokens)


@pytest.mark.parametrize('wrapper', [OptimWrapper, BFloat16OptimWrapper])
def test_stock_recognizer_is_untouched(wrapper):
    model = build(dict(
        type='RecognizerGCN', backbone=copy.deepcopy(STGCN),
        cls_head=dict(type='GCNHead', num_classes=4, in_channels=8)))
    optimizer = wrapper(torch.optim.SGD(model.parameters(), lr=0.01))
    log = model.train_step(batch(SKELETON, [0, 1, 2, 3]), optimizer)
    assert set(log) == {'loss', 'loss_cls', 'top1_acc', 'top5_acc'}
    samples = model.eval().test_step(batch(SKELETON, [0, 1]))
    assert [s.pred_score.shape for s in samples] == [(4, ), (4, )]


@torch.no_grad()
def test_stock_metric_reads_the_samples(tiny_llava):
    model = build_for_test(recognizer(tiny_llava))
    samples = model.test_step(batch(SKELETON, [0, 1, 2, 3]))
    # Three labels are right, one is not.
    for sample in samples:
        sample.set_gt_label(int(sample.pred_label))
    samples[0].set_gt_label((int(samples[0].pred_label) + 1) % 4)
    evaluator = Evaluator(dict(type='mmaction.AccMetric'))
    evaluator.process(data_samples=samples, data_batch=None)
    metrics = evaluator.evaluate(len(samples))
    assert metrics['acc/top1'] == 0.75
    assert metrics['acc/top5'] == 1


# --------------------------------------------------------------- a Runner
def statistics_of(model):
    """What moves by itself in front of the head: of batch normalisation, and
    the codebook."""
    return {k: v.clone() for k, v in model.named_buffers()
            if k.startswith('backbone') and 'running' in k
            or k.endswith('.embed')}


class Watch(Hook):
    """Notes what training looks like at the start of each epoch."""
    priority = 'LOWEST'  # after LVLMWarmupHook

    def __init__(self):
        self.seen = {}

    def before_train_epoch(self, runner):
        optimizer = runner.optim_wrapper.optimizer
        self.seen[runner.epoch] = dict(
            active=runner.model.cls_head.active,
            settled=runner.model.neck.quantizer.settled,
            statistics=statistics_of(runner.model),
            lr=[g['lr'] for g in optimizer.param_groups],
            adapter=[p.detach().clone() for n, p in
                     runner.model.named_parameters() if 'lora' in n],
            steps=sorted({int(s['step']) for s in optimizer.state.values()}),
            momentum=sum(float(s['exp_avg'].abs().sum())
                         for s in optimizer.state.values()))


def write_skeletons(path, number=8, frames=20):
    """Clips of PoseDataset's format; each class is a pose of its own."""
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(len(CLASSES), 1, 1, 25, 3))
    mmengine.dump(dict(
        split=dict(train=[f'clip{i}' for i in range(number)]),
        annotations=[dict(
            frame_dir=f'clip{i}', label=i % len(CLASSES),
            total_frames=frames,
            keypoint=(poses[i % len(CLASSES)] + 0.3 * rng.normal(
                size=(1, frames, 25, 3))).astype(np.float32))
            for i in range(number)]), path)


def run_cfg(root, folder, name, epochs=2, **over):
    features = [
        dict(type='PoseDecode'),
        dict(type='FormatGCNInput', num_person=1),
        dict(type='PackActionInputs')
    ]
    sample = dict(type='UniformSampleFrames', clip_len=16)

    def loader(test_mode):
        return dict(
            batch_size=4, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=not test_mode),
            dataset=dict(
                type='PoseDataset', ann_file=str(root / 'skeletons.pkl'),
                split='train', test_mode=test_mode,
                pipeline=[dict(type='GenSkeFeat', feats=['j']),
                          dict(**sample, test_mode=test_mode), *features]))

    return Config(dict(
        model=recognizer(folder),
        train_dataloader=loader(False),
        val_dataloader=loader(True),
        test_dataloader=loader(True),
        val_evaluator=[dict(type='AccMetric'), dict(type='CalibrationMetric'),
                       dict(type='TokenMetric', codebook_size=K)],
        test_evaluator=[
            dict(type='AccMetric'), dict(type='CalibrationMetric'),
            dict(type='TokenMetric', codebook_size=K),
            dict(type='DumpResults', out_file_path=str(root / 'dump.pkl'))],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
        val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'),
        optim_wrapper=dict(
            type='BFloat16OptimWrapper',
            constructor='PartwiseOptimWrapperConstructor',
            paramwise_cfg=dict(parts={'cls_head.lvlm': dict(lr_mult=0.5)}),
            optimizer=dict(type='AdamW', lr=0.01),
            clip_grad=dict(max_norm=5.)),
        # Without an end of its own it would stop with the first run.
        param_scheduler=[dict(type='ExponentialLR', gamma=0.1, end=9)],
        default_hooks=dict(checkpoint=dict(
            type='CheckpointHook', interval=1, save_best='acc/top1')),
        custom_hooks=[dict(type='LVLMWarmupHook', epochs=1),
                      dict(type='CodeNamesHook'),
                      dict(type='ShowAnswersHook', clips=1)],
        default_scope='mmaction', experiment_name=name,
        randomness=dict(seed=0), work_dir=str(root / 'run'), **over))


@pytest.fixture(scope='module')
def trained(tiny_llava, tmp_path_factory):
    """A Runner after two epochs, what was seen, and its last metrics."""
    root = tmp_path_factory.mktemp('train')
    write_skeletons(root / 'skeletons.pkl')
    runner = Runner.from_cfg(run_cfg(root, tiny_llava, 'train'))
    runner.register_hook(watch := Watch(), priority='LOWEST')
    runner.train()
    return root, runner, watch.seen, runner.val_loop.run()


def test_language_model_waits_for_the_tokens(trained):
    _, runner, seen, _ = trained
    assert [seen[epoch]['active'] for epoch in (0, 1)] == [False, True]
    # Once it reads, the codebook stands still.
    assert [seen[epoch]['settled'] for epoch in (0, 1)] == [False, True]
    now = statistics_of(runner.model)
    assert any('running_mean' in k for k in now) and len(now) > 3
    for name, value in seen[1]['statistics'].items():
        assert torch.equal(now[name], value), name
        assert not torch.equal(value, seen[0]['statistics'][name]), name
    assert runner.model.cls_head.active
    scalars = runner.message_hub.log_scalars
    steps = {k: len(scalars[f'train/{k}'].data[0])
             for k in ('loss_vst', 'loss_lm', 'loss_cls')}
    # Two epochs of two steps, of which the head took part in one.
    assert steps == dict(loss_vst=4, loss_lm=2, loss_cls=2)


def test_tokens_are_validated_while_it_waits(trained):
    root, runner, _, metrics = trained
    scalars = runner.message_hub.log_scalars
    times = {k: len(scalars[f'val/{k}'].data[0])
             for k in ('token/quantised_top1', 'acc/top1', 'calibration/nll')}
    # After either epoch and once more by the fixture; the scores of the
    # language model only when it reads.
    assert times == {'token/quantised_top1': 3, 'acc/top1': 2,
                     'calibration/nll': 2}
    assert {'token/usage', 'acc/top1'} <= set(metrics)
    best, = (root / 'run').glob('best_*')
    assert best.name == 'best_acc_top1_epoch_2.pth'


def test_no_adapter_is_saved_while_it_waits(tiny_llava, trained):
    root, _, seen, _ = trained
    path = root / 'run/epoch_1.pth'
    size, later = (p.stat().st_size for p in (
        path, root / 'run/epoch_2.pth'))
    assert size < later
    state = CheckpointLoader.load_checkpoint(str(path), 'cpu')['state_dict']
    assert not [k for k in state if 'lora' in k]
    # Resumed from there it begins as it would have.
    cfg = run_cfg(root, tiny_llava, 'waiting', load_from=str(path),
                  resume=True)
    cfg.work_dir = str(root / 'waiting')
    runner = Runner.from_cfg(cfg)
    runner.register_hook(watch := Watch(), priority='LOWEST')
    runner.train()
    assert list(watch.seen) == [1] and watch.seen[1]['active']
    for a, b in zip(watch.seen[1]['adapter'], seen[1]['adapter']):
        assert torch.equal(a, b)


def test_language_model_is_back_when_training_ends_early():
    head = SimpleNamespace(active=True)
    runner = SimpleNamespace(
        epoch=0, model=SimpleNamespace(cls_head=head),
        logger=logging.getLogger(__name__))
    hook = LVLMWarmupHook(epochs=5)
    hook.before_train_epoch(runner)
    assert not head.active
    hook.after_train(runner)
    assert head.active


def test_warm_up_is_counted_in_epochs():
    loop = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    runner = SimpleNamespace(train_loop=loop, hooks=[])
    with pytest.raises(ValueError, match='`train_cfg.by_epoch=True`'):
        LVLMWarmupHook(epochs=2).before_train(runner)
    LVLMWarmupHook(epochs=0).before_train(runner)


def test_optimizer_has_the_trained_parameters_by_part(trained):
    _, runner, seen, _ = trained
    model = runner.model
    groups = runner.optim_wrapper.optimizer.param_groups
    lvlm = {id(p) for n, p in model.named_parameters()
            if p.requires_grad and n.startswith('cls_head.lvlm')}
    rest = {id(p) for p in model.parameters() if p.requires_grad} - lvlm
    assert {frozenset(map(id, g['params'])) for g in groups} == {
        frozenset(lvlm), frozenset(rest)}
    lr = [0.005 if id(g['params'][0]) in lvlm else 0.01 for g in groups]
    assert seen[0]['lr'] == pytest.approx(lr)
    assert seen[1]['lr'] == pytest.approx([0.1 * x for x in lr])


def test_unused_part_is_told(tiny_llava, trained):
    cfg = run_cfg(trained[0], tiny_llava, 'unused')
    cfg.optim_wrapper.paramwise_cfg.parts['cls_head.lvmm'] = dict(lr_mult=2.)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError, match="'cls_head.lvmm'"):
        runner.build_optim_wrapper(cfg.optim_wrapper)


def test_resume(tiny_llava, trained):
    root, _, seen, _ = trained
    path = root / 'run' / 'epoch_2.pth'
    saved = CheckpointLoader.load_checkpoint(str(path), 'cpu')
    runner = Runner.from_cfg(run_cfg(root, tiny_llava, 'resume', epochs=3,
                                     load_from=str(path), resume=True))
    runner.register_hook(watch := Watch(), priority='LOWEST')
    runner.train()
    assert runner.epoch == 3 and runner.iter == 6
    assert (root / 'run' / 'epoch_3.pth').is_file()
    # It began with epoch 2, the language model reading.
    assert list(watch.seen) == [2]
    start = watch.seen[2]
    assert start['active']
    assert start['lr'] == pytest.approx([0.1 * x for x in seen[1]['lr']])
    # Adam goes on; the language model has made two steps less.
    assert start['steps'] == [2, 4]
    state = saved['optimizer']['state'].values()
    assert start['momentum'] == pytest.approx(
        sum(float(s['exp_avg'].abs().sum()) for s in state), rel=1e-5)
    assert start['momentum'] > 0


def test_other_names_are_tested(tiny_llava, trained):
    root = trained[0]
    runner = Runner.from_cfg(run_cfg(
        root, tiny_llava, 'names', load_from=str(root / 'run/epoch_2.pth')))
    runner.model.cls_head.set_classes(
        [*reversed(CLASSES), ('one knee', 'it bends')])
    runner.model.cls_head.same_task = False
    metrics = runner.test()
    assert 0 <= metrics['acc/top1'] <= 1
    assert metrics['calibration/nll'] > 0
    # The tree is exact: the names together cannot exceed certainty.
    assert 0 < metrics['calibration/validity'] < 1
    assert all(len(s['pred_score']) == len(CLASSES) + 1
               for s in mmengine.load(root / 'dump.pkl'))


def test_figures_of_the_tokens_go_to_tensorboard(tiny_llava, trained):
    root = trained[0]
    cfg = run_cfg(root, tiny_llava, 'board', visualizer=dict(
        type='ActionVisualizer', name='board',
        vis_backends=[dict(type='TensorboardVisBackend')]),
        load_from=str(root / 'run/epoch_2.pth'))
    cfg.val_evaluator = [dict(type='TokenMetric', codebook_size=K)]
    cfg.default_hooks.checkpoint = None  # keeps the best of other figures
    cfg.work_dir = str(root / 'board')
    metrics = Runner.from_cfg(cfg).val()
    folder, = (root / 'board').glob('*/vis_data')
    board = EventAccumulator(str(folder)).Reload()
    for name, value in metrics.items():
        assert board.Scalars(name)[-1].value == pytest.approx(value), name
    assert 'token/flicker' in metrics


def test_test_from_the_checkpoint_repeats_the_validation(tiny_llava,
                                                         trained):
    root, trainer, _, expected = trained
    cfg = run_cfg(root, tiny_llava, 'test',
                  load_from=str(root / 'run' / 'epoch_2.pth'))
    metrics = Runner.from_cfg(cfg).test()
    assert {k: metrics[k] for k in expected} == expected
    assert {'token/usage', 'token/quantisation_gap'} <= set(metrics)
    # Not only as often right: the same scores of the same clips.
    model, scores = trainer.model.eval(), []
    with torch.no_grad():
        for data in trainer.val_dataloader:
            scores += [s.pred_score for s in model.test_step(data)]
    dumped = mmengine.load(root / 'dump.pkl')
    assert len(dumped) == len(scores) == 8
    for sample, score in zip(dumped, scores):
        torch.testing.assert_close(sample['pred_score'], score)
        assert sample['pred_narrative'] == narrate(sample['pred_tokens'])


def test_packed_weights_are_no_obstacle_to_initialisation():
    """The Runner initialises before it trains."""
    class Packed(BaseModule):

        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(2, 2)
            self.packed = torch.nn.Parameter(
                torch.ones(3, dtype=torch.uint8), requires_grad=False)

    model = Packed()
    model.init_weights()
    assert model.is_init and model.packed.dtype == torch.uint8


def test_checkpoint_from_before_the_moves(tiny_llava):
    """A file of the tiny model, written when models/ was one folder."""
    saved = torch.load(REPO / 'tests/data/before_the_moves.pth')
    cfg = recognizer(tiny_llava)
    cfg['neck']['quantizer'] = dict(switch_cost=.02)
    model = build(cfg).eval()
    model.load_state_dict(saved['state_dict'], strict=True)
    data = model.data_preprocessor(
        batch(SKELETON, [0, 1, 2, 3], seed=9), False)
    with torch.no_grad():
        found = model(**data, mode='predict')
    assert torch.equal(torch.stack([s.pred_tokens for s in found]),
                       saved['tokens'])
    torch.testing.assert_close(
        torch.stack([s.pred_score for s in found]), saved['scores'],
        rtol=0, atol=1e-6)
