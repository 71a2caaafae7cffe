"""The NTU configuration at its real shape on a GPU, with random weights and
made clips: ``pytest -m gpu -s``.

On 80 GB the language model has 13B parameters. A smaller GPU gets a smaller
one of the same family, and the output says which.
"""
import copy
from types import SimpleNamespace

import pytest
import torch
from helpers import REPO
from mmengine.config import Config
from recognizers import waiting_config
from transformers import AutoConfig

from lvlm_var_mm.engine.rehearsal import Phase, Report, rehearse
from lvlm_var_mm.engine.stand_ins import stand_in_for_lvlm
from lvlm_var_mm.estimate import Plan, measured_tflops
from lvlm_var_mm.estimate.capacity import memory_here
from lvlm_var_mm.estimate.hours import READS, WAITS
from lvlm_var_mm.estimate.shapes import llava_config

NTU = REPO / 'configs/lvlmvar_ntu60_xsub.py'
STEPS = 20  # of each phase
TOLERANCE = .25  # of the peak of the memory, from what was estimated
# Layers of LLaVA-1.5 of either size, the published number first.
SHAPES = [('13b', 40), ('7b', 32), ('7b', 16), ('7b', 8), ('7b', 2)]


def largest_that_fits(cfg, there, folder, plan_of=Plan.of):
    """The config with the largest language model whose training is estimated
    to fit, what that is in words, and its plan."""
    for size, layers in SHAPES:
        shape = llava_config(size)
        words = f'LLaVA-1.5-{size}, {layers} layers'
        shape.text_config.num_hidden_layers = layers
        path = folder / f'{size}_{layers}'
        shape.save_pretrained(path)
        small = copy.deepcopy(cfg)
        small.model.cls_head.lvlm.pretrained_model_name_or_path = str(path)
        made = copy.deepcopy(small)  # with the tokenizer of a rehearsal
        stand_in_for_lvlm(made, str(path))
        plan = plan_of(made)
        if plan.memory().total <= there:
            return small, words, plan
    pytest.skip(f'{there / 1e9:.1f} GB do not hold {words}')


def figures(plan, report, tflops):
    """Compare what a rehearsal measured with what was estimated."""
    phase, memory = report.phases[READS], plan.memory()
    rate = plan.batch * plan.work.reads.flops / phase.seconds / 1e12
    per_second = plan.batch * sum(plan.positions.values()) / phase.seconds
    return dict(
        estimated_gb=(memory.total - memory.overhead) / 1e9,
        peak_gb=phase.bytes / 1e9, positions_per_second=per_second,
        # If matrix products ran all the time, as fast as they run here alone.
        ceiling=per_second * tflops / rate, share=rate / tflops)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_ntu_at_its_real_shape(tmp_path, monkeypatch):
    monkeypatch.setenv('NTU_ROOT', str(tmp_path / 'no'))
    cfg = Config.fromfile(NTU)
    cfg.launcher = 'none'
    cfg, words, plan = largest_that_fits(cfg, memory_here(), tmp_path)
    report = rehearse(cfg, STEPS)
    assert report.resumed and {WAITS, READS} <= set(report.phases)
    found = figures(plan, report, measured_tflops())
    print(f'\n{torch.cuda.get_device_name()}, {words}, {plan.batch} clips: ' +
          ', '.join(f'{k} {v:.3g}' for k, v in found.items()))
    assert found['peak_gb'] == pytest.approx(found['estimated_gb'],
                                             rel=TOLERANCE)
    assert 0 < found['share'] < 1


# ------------------------------------------------ the same at a small shape
def test_largest_that_fits_is_chosen(tmp_path):
    def plan_of(cfg):
        path = cfg.model.cls_head.lvlm.pretrained_model_name_or_path
        shape = AutoConfig.from_pretrained(path).text_config
        return SimpleNamespace(memory=lambda: SimpleNamespace(
            total=10 * shape.num_hidden_layers))

    ntu = Config.fromfile(NTU)
    for there, words in ((401, 'LLaVA-1.5-13b, 40 layers'),
                         (399, 'LLaVA-1.5-7b, 32 layers'),
                         (80, 'LLaVA-1.5-7b, 8 layers')):
        cfg, said, _ = largest_that_fits(ntu, there, tmp_path, plan_of)
        assert said == words
    # A rehearsal will make its weights.
    assert 'random ones of its shape' in stand_in_for_lvlm(
        cfg, str(tmp_path))[0]
    with pytest.raises(pytest.skip.Exception, match='do not hold LLaVA'):
        largest_that_fits(ntu, 1, tmp_path, plan_of)


def test_figures(tiny_llava, tmp_path):
    missing = dict(type='SkeletonDataset', ann_file='no/where.pkl',
                   pipeline=[dict(type='ResampleFrames', clip_len=16),
                             dict(type='FormatGCNInput', num_person=2),
                             dict(type='PackActionInputs')])
    plan = Plan.of(waiting_config(tiny_llava, tmp_path, missing))
    report = Report({READS: Phase(3., .5, 2 * 10**9)}, True, [], None)
    found = figures(plan, report, tflops=1e-3)
    assert found['peak_gb'] == 2 and 0 < found['estimated_gb'] < 1
    assert found['positions_per_second'] == 2 / .5 * sum(
        plan.positions.values())
    assert found['share'] == pytest.approx(
        2 * plan.work.reads.flops / .5 / 1e9)
    assert found['ceiling'] == pytest.approx(
        found['positions_per_second'] / found['share'])
