"""Checkpoints survive a full disk, a kill and each other."""
import errno
from itertools import count

import pytest
import torch
from mmengine.config import Config
from mmengine.fileio import LocalBackend
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner, find_latest_checkpoint
from torch import nn

from lvlm_var_mm import atomic  # saves whole checkpoints
from lvlm_var_mm.checkpoint.loading import CheckpointError
from lvlm_var_mm.checkpoint.saving import find_latest_whole

COUNT = count()  # MMEngine keeps what it has made for a name


class Line(BaseModel):
    """y = w x."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor'):
        out = self.layer(torch.stack(inputs))
        return dict(loss=out.pow(2).mean()) if mode == 'loss' else [out]


class Clips(torch.utils.data.Dataset):

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return dict(inputs=torch.ones(1))


class Figure(Hook):
    """Stands for an evaluation: the later the better."""

    def after_train_epoch(self, runner):
        hook = next(h for h in runner.hooks if hasattr(h, 'save_best'))
        runner.train_loop._epoch += 1  # as in a validation
        hook._save_best_checkpoint(runner, dict(acc=float(runner.epoch)))
        runner.train_loop._epoch -= 1


def runner_of(work_dir, epochs=3, save_best=None, hooks=(), **over):
    loader = dict(dataset=Clips(), batch_size=2,
                  sampler=dict(type='DefaultSampler', shuffle=False),
                  collate_fn=dict(type='pseudo_collate'))
    checkpoint = dict(type='CheckpointHook', interval=1, max_keep_ckpts=1,
                      save_best=save_best, rule=save_best and 'greater')
    return Runner(
        Line(), str(work_dir), train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=.1)),
        default_hooks=dict(checkpoint=checkpoint), custom_hooks=list(hooks),
        cfg=Config(dict()), log_level='WARNING', default_scope='mmaction',
        experiment_name=f'{next(COUNT)}',
        **over)


def checkpoints(work_dir):
    return sorted(p.name for p in work_dir.glob('*.pth'))


def test_old_checkpoint_goes_after_the_new_one_is_there(tmp_path,
                                                        monkeypatch):
    remove, seen = LocalBackend.remove, []
    work_dir = tmp_path / 'w'

    def watched(self, path):
        seen.append(checkpoints(work_dir))
        torch.load(work_dir / seen[-1][-1], weights_only=False)
        remove(self, path)

    monkeypatch.setattr(LocalBackend, 'remove', watched)
    runner_of(work_dir).train()
    assert seen == [['epoch_1.pth', 'epoch_2.pth'],
                    ['epoch_2.pth', 'epoch_3.pth']]
    assert checkpoints(work_dir) == ['epoch_3.pth']
    assert not list(work_dir.rglob('.*'))


def test_full_disk_costs_no_older_checkpoint(tmp_path, monkeypatch):
    work_dir = tmp_path / 'w'
    sync = atomic._sync

    def full(path):
        if 'epoch_2' in str(path):
            raise OSError(errno.ENOSPC, 'No space left on device')
        sync(path)

    monkeypatch.setattr(atomic, '_sync', full)
    with pytest.raises(OSError, match='No space'):
        runner_of(work_dir).train()
    assert checkpoints(work_dir) == ['epoch_1.pth']
    assert find_latest_checkpoint(str(work_dir)).endswith('epoch_1.pth')


@pytest.mark.parametrize('epochs', [1, 3])
def test_best_checkpoint_goes_after_the_new_one_is_there(tmp_path, epochs):
    work_dir = tmp_path / 'w'
    runner_of(work_dir, epochs, 'acc', [Figure()]).train()
    assert checkpoints(work_dir) == [f'best_acc_epoch_{epochs}.pth',
                                     f'epoch_{epochs}.pth']


def test_best_checkpoint_of_the_same_name_stays(tmp_path):
    """An epoch that is trained again is the best one again."""
    work_dir = tmp_path / 'w'
    runner = runner_of(work_dir, 2, 'acc', [Figure()])
    runner.train()
    best = work_dir / 'best_acc_epoch_2.pth'
    hook = next(h for h in runner.hooks if hasattr(h, 'save_best'))
    runner.message_hub.update_info('best_score', 0.)
    hook._save_best_checkpoint(runner, dict(acc=1.))
    assert best.is_file()


@pytest.fixture
def work_dir(tmp_path):
    """Epochs 1 to 3, all whole."""
    folder = tmp_path / 'w'
    folder.mkdir()
    for epoch in (1, 2, 3):
        torch.save(dict(meta=dict(epoch=epoch, iter=epoch),
                        state_dict=Line().state_dict(), message_hub=dict(
                            log_scalars={}, runtime_info={},
                            resumed_keys={})),
                   folder / f'epoch_{epoch}.pth')
    (folder / 'last_checkpoint').write_text(str(folder / 'epoch_3.pth'))
    return folder


@pytest.mark.parametrize('content', [b'', b'PK', 500, None])
@pytest.mark.parametrize('last', ['as it was', '', None])
def test_resume_skips_what_is_damaged(work_dir, content, last):
    file, pointer = work_dir / 'epoch_3.pth', work_dir / 'last_checkpoint'
    if content is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:content] if isinstance(
            content, int) else content)
    if last is None:
        pointer.unlink()
    elif not last:
        pointer.write_text(last)
    assert find_latest_checkpoint(str(work_dir)).endswith('epoch_2.pth')


def test_kill_before_the_note_that_names_it(work_dir):
    (work_dir / 'last_checkpoint').write_text(str(work_dir / 'epoch_2.pth'))
    assert find_latest_checkpoint(str(work_dir)).endswith('epoch_3.pth')


def test_damaged_one_is_named(work_dir):
    (work_dir / 'epoch_3.pth').write_bytes(b'PK')
    runner = runner_of(work_dir, 4, resume=True)
    runner.train()
    assert runner.epoch == 4
    log, = work_dir.glob('*/*.log')
    text = log.read_text()
    assert f'not resumed from {work_dir / "epoch_3.pth"}' in text
    assert 'damaged' in text


def test_all_damaged(work_dir):
    for file in work_dir.glob('*.pth'):
        file.write_bytes(b'')
    with pytest.raises(CheckpointError, match='no checkpoint is whole.*'
                       'epoch_3.pth.*--resume CHECKPOINT'):
        find_latest_whole(str(work_dir))


def test_none_to_resume(tmp_path):
    assert find_latest_whole(str(tmp_path)) is None
