"""A training that was broken off goes on as if it had not been."""
import copy
import os
import random
from itertools import count

import numpy as np
import pytest
import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import multiprocessing, nn

from lvlm_var_mm.engine.repeatable import KEY, ClipsBySeed, RepeatableHook
from lvlm_var_mm.models.vst.quantizers import build_quantizer

COUNT = count()  # MMEngine keeps what it has made for a name


class Line(BaseModel):
    """With dropout and a codebook of more codes than an epoch has steps."""

    def __init__(self):
        super().__init__()
        self.layer, self.drop = nn.Linear(4, 4), nn.Dropout(.5)
        self.codes = build_quantizer(4, 16, dict(codebook_dim=4))

    def forward(self, inputs, mode='tensor'):
        out = self.drop(self.layer(torch.stack(inputs)))
        tokens, _, commit = self.codes(out)
        return dict(loss=tokens.pow(2).mean() + commit.sum())


class Clips(torch.utils.data.Dataset):
    """Drawn by all three generators."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        x = torch.randn(2, 4) + random.random() + np.random.uniform()
        return dict(inputs=i + x)


class Twice(Clips):
    """As MMEngine's RepeatDataset."""

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return super().__getitem__(i % 5)


class Broken(Hook):
    """Break a training off before an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch == self.epoch:
            raise InterruptedError


def train(work_dir, epochs, workers=0, resume=False, accumulate=1, seed=3,
          until=None, processes=1):
    torch.manual_seed(0)
    alone = processes == 1
    cfg = Config(dict() if alone else dict(model_wrapper_cfg=dict(
        type='MMDistributedDataParallel', device_ids=None,
        find_unused_parameters=True)))
    runner = Runner(
        Line(), str(work_dir), train_dataloader=dict(
            dataset=Clips(), batch_size=1, num_workers=workers,
            persistent_workers=workers > 0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            collate_fn=dict(type='pseudo_collate')),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1),
                           accumulative_counts=accumulate),
        default_hooks=dict(
            repeatable=dict(type='RepeatableHook'),
            checkpoint=dict(type='CheckpointHook', interval=1)),
        cfg=cfg, launcher='none' if alone else 'pytorch',
        log_level='ERROR', default_scope='mmaction',
        randomness=dict(seed=seed), experiment_name=f'{next(COUNT)}',
        resume=resume)
    if until is not None:
        runner.register_hook(Broken(until))
        with pytest.raises(InterruptedError):
            runner.train()
        return None
    runner.train()
    model = runner.model if alone else runner.model.module
    return copy.deepcopy(model.state_dict())


def assert_same(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


@pytest.mark.parametrize('workers, accumulate', [(0, 1), (0, 3), (2, 3)])
def test_resumed_training_is_the_unbroken_one(tmp_path, workers, accumulate):
    settings = dict(workers=workers, accumulate=accumulate)
    whole = train(tmp_path / 'whole', 3, **settings)
    for until in (1, 2, None):
        parts = train(tmp_path / 'parts', 3, resume=True, until=until,
                      **settings)
    assert_same(whole, parts)
    assert bool(whole['codes._codebook.initted'])
    first = torch.load(tmp_path / 'parts/epoch_1.pth', weights_only=False)
    # Ten steps do not start 16 codes; two gradients wait for a third.
    assert len(first[KEY]['codebooks']['codes'].flatten(0, -2)) == 10
    assert bool(first[KEY]['gradients']) == (accumulate == 3)


def whole_and_in_parts(rank, folder):
    """In one of two processes."""
    os.environ['LOCAL_RANK'] = str(rank)
    dist.init_process_group('gloo', f'file://{folder}/meet', rank=rank,
                            world_size=2)
    settings = dict(accumulate=4, processes=2)
    whole = train(folder / 'whole', 3, **settings)
    for until in (2, None):
        parts = train(folder / 'parts', 3, resume=True, until=until,
                      **settings)
    dist.destroy_process_group()
    if rank == 0:
        torch.save([whole, parts], folder / 'weights.pth')


def test_resumed_training_of_two_processes(tmp_path):
    """Gradients of both wait across the ends of epochs of three steps."""
    # Forked: a process that is spawned cannot import this module.
    multiprocessing.start_processes(
        whole_and_in_parts, (tmp_path, ), 2, start_method='fork')
    assert_same(*torch.load(tmp_path / 'weights.pth'))
    second = torch.load(tmp_path / 'parts/epoch_2.pth', weights_only=False)
    assert second[KEY]['gradients']['layer.weight'].any()


def test_workers_and_seed(tmp_path):
    """Clips do not depend on who makes them, but on the seed."""
    one = train(tmp_path / '1', 2)
    assert_same(one, train(tmp_path / '2', 2, workers=2))
    other = train(tmp_path / '3', 2, seed=4)
    assert not torch.equal(one['layer.weight'], other['layer.weight'])


@pytest.mark.slow
def test_resumed_training_has_the_seed_of_its_checkpoint(tmp_path):
    whole = train(tmp_path / 'whole', 3)
    train(tmp_path / 'parts', 3, until=1)
    assert_same(whole, train(tmp_path / 'parts', 3, resume=True, seed=None))


def test_each_clip_of_an_epoch_is_another_one():
    clips = ClipsBySeed(Twice(), 0)
    first = [x['inputs'] - i % 5 for i, x in enumerate(clips(range(10)))]
    clips.epoch.fill_(1)
    second = [x['inputs'] - i % 5 for i, x in enumerate(clips(range(10)))]
    seen = torch.stack(first + second).flatten(1)
    assert len(seen.unique(dim=0)) == 20
    clips.epoch.fill_(0)
    again = clips([3])[0]['inputs'] - 3
    assert torch.equal(again, first[3])


def test_it_is_in_the_default_runtime():
    from helpers import REPO
    cfg = Config.fromfile(REPO / 'configs/_base_/default_runtime.py')
    assert cfg.default_hooks.repeatable.type == RepeatableHook.__name__
