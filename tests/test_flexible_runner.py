"""MMEngine's FlexibleRunner, which FSDP and DeepSpeed run under: resuming."""
import copy

import torch
from helpers import CLASSES
from mmengine.evaluator import BaseMetric
from mmengine.runner import FlexibleRunner
from recognizers import recognizer

from mmaction.registry import METRICS


@METRICS.register_module()
class EverBetter(BaseMetric):
    """Each validation has a new best."""
    seen = 0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        EverBetter.seen += 1
        return dict(score=EverBetter.seen)


def run(model, folder, epochs, **over):
    loader = dict(
        batch_size=len(CLASSES), num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(type='RandomClips', number=2 * len(CLASSES)))
    torch.manual_seed(0)
    runner = FlexibleRunner(
        copy.deepcopy(model), work_dir=str(folder),
        strategy=dict(type='SingleDeviceStrategy'), train_dataloader=loader,
        val_dataloader=copy.deepcopy(loader),
        val_evaluator=dict(type='EverBetter'), val_cfg=dict(),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(type='OptimWrapper',
                           optimizer=dict(type='AdamW', lr=1e-3)),
        # Of a longer training, which stops early.
        param_scheduler=dict(type='MultiStepLR', milestones=[2], end=9),
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1,
                            save_best='score', rule='greater')),
        default_scope='mmaction', randomness=dict(seed=0), **over)
    runner.train()
    return runner


def test_resumes_where_it_stopped(tiny_llava, tmp_path):
    model = recognizer(tiny_llava)
    straight = run(model, tmp_path / 'straight', 3)
    run(model, tmp_path / 'two', 2)
    for file in ('epoch_2.pth', 'best_score_epoch_2.pth'):
        meta = torch.load(tmp_path / 'two' / file, weights_only=False)['meta']
        assert (meta['epoch'], meta['iter']) == (2, 4), file
    resumed = run(model, tmp_path / 'two', 3, resume=True)
    assert (resumed.epoch, resumed.iter) == (3, 6)
    # A third epoch was trained, and it was the same.
    steps = {int(s['step']) for s in resumed.optim_wrapper.optimizer.state
             .values()}
    assert steps == {6}
    expected = dict(straight.model.named_parameters())
    for name, param in resumed.model.named_parameters():
        torch.testing.assert_close(param, expected[name], msg=name)
