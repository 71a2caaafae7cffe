"""Schedules of parts of a model."""
import pytest
import torch
from mmengine.config import Config
from mmengine.optim.scheduler import CosineAnnealingLR
from torch import nn

from lvlm_var_mm.engine import (PartCosineAnnealingLR, PartLinearLR,
                                PartwiseOptimWrapperConstructor)
from lvlm_var_mm.engine.schedules import learning_rates

PARTS = {'head': dict(lr=.5, decay_mult=0.), 'head.b': dict(lr_mult=2.)}


def build(parts=PARTS):
    """An optimizer of three parts: the rest, head and head.b."""
    model = nn.ModuleDict(dict(
        body=nn.Linear(2, 2),
        head=nn.ModuleDict(dict(a=nn.Linear(2, 2), b=nn.Linear(2, 2)))))
    model.body.bias.requires_grad_(False)
    return PartwiseOptimWrapperConstructor(
        dict(type='OptimWrapper',
             optimizer=dict(type='AdamW', lr=.1, weight_decay=.01)),
        dict(parts=parts))(model)


def rates(optimizer):
    return {g['part']: g['lr'] for g in optimizer.optimizer.param_groups}


def test_groups():
    groups = {g['part']: g for g in build().optimizer.param_groups}
    assert {k: len(g['params']) for k, g in groups.items()} == {
        'rest': 1, 'head': 2, 'head.b': 2}
    assert {k: (g['lr'], g['weight_decay']) for k, g in groups.items()} == {
        'rest': (.1, .01), 'head': (.5, 0.), 'head.b': (.2, .01)}
    with pytest.raises(ValueError, match=r"parts\['head'\].*one of them"):
        build({'head': dict(lr=.5, lr_mult=2.)})


def test_schedule_leaves_other_parts_alone():
    optimizer = build()
    schedule = PartCosineAnnealingLR(optimizer, parts=['head'], T_max=4)
    stock = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.)
    expected = CosineAnnealingLR(stock, T_max=4)
    for _ in range(4):
        optimizer.optimizer.step()
        stock.step()
        schedule.step()
        expected.step()
        factor = stock.param_groups[0]['lr']
        assert rates(optimizer) == pytest.approx(
            {'rest': .1, 'head': .5 * factor, 'head.b': .2 * factor})
        assert schedule.get_last_value()[:3] == list(
            rates(optimizer).values())


def test_unknown_part_is_told():
    with pytest.raises(ValueError, match="no part 'heat'.*'head.b', 'rest'"):
        PartLinearLR(build(), parts=['heat'])
    plain = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.)
    with pytest.raises(ValueError, match='PartwiseOptimWrapperConstructor'):
        PartLinearLR(plain, parts=['head'])


def test_schedule_resumes():
    def make():
        optimizer = build()
        return optimizer, [
            PartLinearLR(optimizer, parts=['head'], start_factor=.1, begin=2,
                         end=5),
            PartCosineAnnealingLR(optimizer, parts=['head'], begin=2, end=9)]

    def go(optimizer, schedules, steps):
        found = []
        for _ in range(steps):
            optimizer.optimizer.step()
            for schedule in schedules:
                schedule.step()
            found.append(rates(optimizer))
        return found

    optimizer, schedules = make()
    go(optimizer, schedules, 4)
    saved = optimizer.state_dict(), [s.state_dict() for s in schedules]
    expected = go(optimizer, schedules, 4)
    optimizer, schedules = make()
    optimizer.load_state_dict(saved[0])
    for schedule, state in zip(schedules, saved[1]):
        schedule.load_state_dict(state)
    assert go(optimizer, schedules, 4) == expected
    assert expected[0]['head'] > expected[-1]['head'] > 0


def test_learning_rates_of_a_config():
    cfg = Config(dict(
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=.1),
                           paramwise_cfg=dict(parts=PARTS)),
        train_cfg=dict(max_epochs=3),
        param_scheduler=[
            dict(type='PartLinearLR', parts=['head'], start_factor=.5,
                 begin=1, end=1.5, convert_to_iter_based=True),
            dict(type='MultiStepLR', milestones=[2], gamma=.1)]))
    found = learning_rates(cfg, 4)
    assert found == {
        'rest': pytest.approx([.1] * 8 + [.01] * 4),
        'head': pytest.approx([.5] * 4 + [.25, .5, .5, .5] + [.05] * 4),
        'head.b': pytest.approx([.2] * 4 + [.1, .2, .2, .2] + [.02] * 4)}


def test_rates_of_parts_are_logged():
    wrapper = PartwiseOptimWrapperConstructor(
        dict(type='BFloat16OptimWrapper', optimizer=dict(type='SGD', lr=.1)),
        dict(parts={'1': dict(lr=.5)}))(nn.Sequential(
            nn.Linear(2, 2), nn.Linear(2, 2)))
    assert wrapper.get_lr()['1_lr'] == [.5]
    assert wrapper.get_lr()['lr'][0] == .1


def test_heads_of_several_scores_in_bfloat16():
    """Train a head such as that of RGBPoseConv3D."""
    class Head(nn.Linear):

        def forward(self, x):
            return dict(rgb=super().forward(x), pose=super().forward(x))

    model = nn.Module()
    model.cls_head = Head(2, 2)
    wrapper = PartwiseOptimWrapperConstructor(dict(
        type='BFloat16OptimWrapper', optimizer=dict(type='SGD', lr=.1)))(model)
    with wrapper.optim_context(model):
        scores = model.cls_head(torch.ones(1, 2))
    assert {s.dtype for s in scores.values()} == {torch.float32}
