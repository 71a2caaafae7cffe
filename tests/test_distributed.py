"""Two processes do what one does: losses, weights, codebook, metrics."""
import copy
import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from recognizers import K, build_for_test, recognizer

from lvlm_var_mm.engine.sharding import can_shard
from lvlm_var_mm.models.lvlm.logprobs import per_token
from mmaction.registry import MODELS

HERE = Path(__file__).parent


def write_config(folder, model, start, batch_size, **over):
    """The config of three steps of four clips and a test of five."""
    def loader(number, size, **over):
        return dict(
            batch_size=size, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(type='RandomClips', number=number, **over))

    cfg = Config({**dict(
        default_scope='mmaction',
        custom_imports=dict(imports=['lvlm_var_mm', 'recognizers']),
        model=model, load_from=str(start), work_dir=str(folder),
        train_dataloader=loader(12, batch_size),
        val_dataloader=loader(5, batch_size, test_mode=True),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        val_cfg=dict(),
        val_evaluator=[
            dict(type='AccMetric'), dict(type='CalibrationMetric'),
            dict(type='TokenMetric', codebook_size=K)],
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        # The last two ask the language model, outside of a step.
        custom_hooks=[dict(type='WriteLosses'),
                      dict(type='SemanticAlignmentHook'),
                      dict(type='ShowAnswersHook', clips=2)],
        default_hooks=dict(
            logger=dict(type='LoggerHook', interval=1),
            checkpoint=dict(type='CheckpointHook', interval=1)),
        randomness=dict(seed=0)), **over})
    cfg.dump(str(folder / 'cfg.py'))
    return str(folder / 'cfg.py')


def run_processes(folder, number, *flags):
    """tools/dist_train.sh on the config in the folder -> what it printed."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]

    def in_front(name, *folders):
        return os.pathsep.join([*map(str, folders), os.environ.get(name, '')])

    env = dict(os.environ, OMP_NUM_THREADS='1', PORT=str(port),
               PYTHONPATH=in_front('PYTHONPATH', REPO, HERE),
               PATH=in_front('PATH', Path(sys.executable).parent))
    done = subprocess.run(
        ['bash', str(REPO / 'tools/dist_train.sh'),
         str(folder / 'cfg.py'), str(number), *flags],
        # DeepSpeed compiles a part of itself at its first use.
        env=env, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-9000:]
    return done.stdout


def run(folder, processes, epoch=1):
    """Train -> losses of each step, mean over the processes; metrics;
    weights."""
    if processes > 1:
        run_processes(folder, processes)
    else:
        Runner.from_cfg(Config.fromfile(str(folder / 'cfg.py'))).train()
    logs = [[json.loads(line) for line in (
        folder / f'losses{rank}.jsonl').read_text().splitlines()]
        for rank in range(processes)]
    losses = [{k: sum(log[k] for log in logs_of_step) / processes
               for k in logs_of_step[0]} for logs_of_step in zip(*logs)]
    metrics = json.loads((folder / 'metrics.json').read_text())
    state = CheckpointLoader.load_checkpoint(
        str(folder / f'epoch_{epoch}.pth'))
    return losses, metrics, state['state_dict'], logs


SHARDED = dict(
    runner_type='FlexibleRunner',
    env_cfg=dict(),
    strategy=dict(type='FrozenShardStrategy',
                  model_wrapper=dict(find_unused_parameters=True)))


ZERO = dict(
    runner_type='FlexibleRunner',
    env_cfg=dict(),
    strategy=dict(type='ZeroStrategy', zero_optimization=dict(stage=3)),
    optim_wrapper=dict(type='DeepSpeedOptimWrapper',
                       optimizer=dict(type='AdamW', lr=1e-3)))
needs_deepspeed = [
    pytest.mark.deepspeed,
    pytest.mark.skipif(importlib.util.find_spec('deepspeed') is None,
                       reason="no deepspeed: pip install -e '.[zero]'")]


@pytest.fixture(scope='module')
def one_process(tiny_llava, tmp_path_factory):
    """A model, the weights it starts from, and what one process makes of
    it."""
    folder = tmp_path_factory.mktemp('one')
    model = recognizer(tiny_llava)
    model['neck']['quantizer'] = dict(switch_cost=.05)
    state = build_for_test(model).state_dict()
    model['neck']['align'] = dict(loss_class=1.)
    state = {**MODELS.build(model['neck']).state_dict(prefix='neck.'),
             **state}
    start = folder / 'start.pth'
    torch.save(dict(state_dict=state), start)
    write_config(folder, model, start, 4)
    return model, start, run(folder, 1), int(
        (folder / 'frozen0').read_text())


@pytest.mark.slow
@pytest.mark.parametrize('over', [
    dict(find_unused_parameters=True),
    pytest.param(SHARDED, marks=pytest.mark.skipif(
        not can_shard(), reason='FSDP2 without `ignored_params`')),
    pytest.param(ZERO, marks=needs_deepspeed)],
    ids=['ddp', 'sharded', 'zero'])
def test_two_processes_equal_one(one_process, tmp_path, over):
    model, start, (losses, metrics, state, _), frozen = one_process
    write_config(tmp_path, model, start, 2, **over)
    losses2, metrics2, state2, logs = run(tmp_path, 2)
    assert len(losses) == len(losses2) == 3
    assert logs[0] != logs[1]  # each has clips of its own
    for one, two in zip(losses, losses2):
        assert two == pytest.approx(one, rel=1e-5, abs=1e-5)
    before = torch.load(start)['state_dict']
    assert set(state) == set(state2)
    for name, value in state.items():
        if value.is_floating_point():
            torch.testing.assert_close(state2[name], value, rtol=1e-4,
                                       atol=1e-5, msg=name)
    codes = 'neck.quantizer._codebook.embed'
    assert not torch.allclose(state[codes], before[codes])
    assert metrics2 == pytest.approx(metrics, abs=1e-5)
    parts = [int((tmp_path / f'frozen{i}').read_text()) for i in range(2)]
    if over is not ZERO:  # which empties its parameters
        assert sum(parts) == (frozen if over is SHARDED else 2 * frozen)
    assert {'acc/top1', 'calibration/nll', 'token/usage'} <= set(metrics)


@pytest.mark.slow
@pytest.mark.skipif(not can_shard(), reason='FSDP2 without `ignored_params`')
def test_rehearses_in_two_processes(one_process, tmp_path):
    model, start = one_process[:2]
    write_config(tmp_path, model, start, 2, **SHARDED)
    written = set(tmp_path.iterdir())
    out = run_processes(tmp_path, 2, '--rehearse')
    assert out.count('takes the same next step') == 1, out
    assert set(tmp_path.iterdir()) == written


@pytest.mark.parametrize('strategy', [
    pytest.param(dict(ZERO, strategy=dict(
        ZERO['strategy'], autocast='bfloat16')), marks=needs_deepspeed)],
    ids=['zero'])
def test_mixed_precision(one_process, tmp_path, strategy):
    """The frozen part in bfloat16, what is trained in float32."""
    model, start, (losses, *_), _ = one_process
    model = copy.deepcopy(model)
    model['cls_head']['lvlm']['dtype'] = 'bfloat16'
    write_config(tmp_path, model, start, 2, **strategy)
    found, _, state, _ = run(tmp_path, 2)
    for one, other in zip(losses, found):
        assert other == pytest.approx(one, rel=.05, abs=.01)
    assert {v.dtype for k, v in state.items() if 'lora' in k} == {
        torch.float32}


@pytest.mark.parametrize('strategy', [
    pytest.param(ZERO, marks=needs_deepspeed, id='zero')])
def test_resumes(one_process, tmp_path, strategy):
    """Its second epoch is that of a plain Runner."""
    model, start = one_process[:2]
    two = dict(train_cfg=dict(by_epoch=True, max_epochs=2))
    folder = tmp_path / 'plain'
    folder.mkdir()
    write_config(folder, model, start, 4, **two)
    expected = run(folder, 1, epoch=2)
    folder = tmp_path / 'two'
    folder.mkdir()
    write_config(folder, model, start, 2, **strategy)
    run(folder, 2)
    write_config(folder, model, start, 2, **strategy, **two, resume=True,
                 load_from=None)
    found = run(folder, 2, epoch=2)
    assert len(found[0]) == len(expected[0]) == 6
    for one, other in zip(expected[0], found[0]):
        assert other == pytest.approx(one, rel=1e-4)
    assert found[1] == pytest.approx(expected[1], abs=1e-4)


@pytest.mark.parametrize('script, args', [
    ('dist_train', ()), ('dist_train', ('cfg.py', )),
    ('dist_test', ('cfg.py', 'a.pth')), ('slurm_train', ('gpu', 'job')),
    ('slurm_test', ('gpu', 'job', 'cfg.py'))])
def test_usage(script, args):
    done = subprocess.run(
        ['bash', str(REPO / f'tools/{script}.sh'), *args],
        capture_output=True, text=True)
    assert done.returncode == 1
    assert f'usage: tools/{script}.sh' in done.stderr


@pytest.mark.parametrize('script, args', [
    ('train', ()), ('test', ('a.pth', ))])
def test_slurm_command(script, args, tmp_path):
    """What srun is asked for; there is no Slurm here."""
    fake = tmp_path / 'srun'
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ['bash', str(REPO / f'tools/slurm_{script}.sh'), 'gpu', 'job',
         'cfg.py', *args, '--cfg-options', 'a=b c'],
        env=dict(PATH=f'{tmp_path}:{os.environ["PATH"]}', GPUS='16',
                 SRUN_ARGS='--qos high'),
        capture_output=True, text=True)
    words = done.stdout.splitlines()
    assert {'--ntasks=16', '--ntasks-per-node=8', '--gres=gpu:8'} <= set(words)
    at = words.index('python')
    assert words[at - 2:at] == ['--qos', 'high']
    assert words[at + 3:] == ['cfg.py', *args, '--launcher', 'slurm',
                              '--cfg-options', 'a=b c']


def test_tokens_are_counted_over_all_processes():
    logprob = torch.tensor(-6., requires_grad=True)
    length = torch.tensor(3)
    per_token(logprob, length).backward()
    assert float(logprob.grad) == pytest.approx(1 / 3) and int(length) == 3
