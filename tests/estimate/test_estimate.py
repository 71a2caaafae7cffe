"""The estimate against what a real step does."""
import json
import runpy

import pytest
import torch
from helpers import REPO, head_cfg
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.profiler import ProfilerActivity, profile

from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.estimate import (GPU, GPUS, Footprint, Machine, Schedule,
                                  Work, backbone_step, build_without_weights,
                                  counted, fake_batch, make_step, memory_of,
                                  names_of_a_batch, positions, scoring_step,
                                  stage_hours, train_step, weight_bytes)
from lvlm_var_mm.estimate.hours import READS, VALIDATION, WAITS
from lvlm_var_mm.estimate.memory import Shards, largest
from lvlm_var_mm.models.lvlm import build as lora_module
from lvlm_var_mm.models.lvlm.smollm2 import default_dir, is_complete
from mmaction.registry import MODELS

# The tiny one does not know the names.
TOKENIZER = ('model.cls_head.tokenizer.type='
             'lvlm_var_mm.estimate.shapes.WordTokenizer')


def peak_of(step):
    """Return the most bytes alive at once, by the allocator's own record.

    What a convolution allocates and frees while it runs is left out: its
    kernel, and so the size of its scratch space, is the processor's choice.
    """
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as p:
        step()
    now = peak = end = 0
    for event in sorted(p.profiler.kineto_results.events(),
                        key=lambda e: e.start_ns()):
        if event.start_ns() >= end:  # of the last convolution
            peak = max(peak, now)
        if event.name() == '[memory]':
            now += event.nbytes()
        elif 'convolution' in event.name():
            end = max(end, event.end_ns())
    return max(peak, now)


def compare(cfg, clips, tokens, bfloat16):
    """Predicted and real peak of a step."""
    wrapped = Config(dict(model=dict(cls_head=cfg)))
    predicted = train_step(build_without_weights(wrapped), clips, tokens,
                           bfloat16)
    head = MODELS.build(cfg)
    step = make_step(head, clips, tokens, bfloat16)
    step()
    head.zero_grad(set_to_none=True)
    return predicted.bytes, peak_of(step)


@pytest.mark.parametrize('checkpointing', [False, True])
@pytest.mark.parametrize('attn', ['eager', 'sdpa'])
def test_bytes_are_those_of_a_real_step(tiny_llama, checkpointing, attn):
    cfg = head_cfg(tiny_llama, gradient_checkpointing=checkpointing, lora=dict(
        type='peft.LoraConfig', r=4, target_modules=['q_proj', 'up_proj']))
    cfg['lvlm'].update(type='transformers.LlamaForCausalLM.from_pretrained',
                       attn_implementation=attn)
    predicted, real = compare(cfg, 8, 32, False)
    assert predicted == pytest.approx(real, rel=.1)


@pytest.mark.smollm2
@pytest.mark.skipif(
    not is_complete(default_dir()),
    reason=f'no SmolLM2 in {default_dir()}: python tools/fetch_smollm2.py')
@pytest.mark.parametrize('checkpointing', [False, True])
def test_bytes_of_smollm2(checkpointing):
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_quickstart.py').model
    cfg = dict(cfg.cls_head.to_dict(), gradient_checkpointing=checkpointing)
    bfloat16 = lora_module.has_bfloat16()  # emulated, it would take minutes
    cfg['lvlm']['dtype'] = 'bfloat16' if bfloat16 else 'float32'
    predicted, real = compare(cfg, 8, 12, bfloat16)
    print(f'predicted {predicted / 1e6:.0f} MB, real {real / 1e6:.0f} MB')
    assert predicted == pytest.approx(real, rel=.1)


def test_recomputing_costs_a_forward_and_saves_memory(tiny_llama):
    found = []
    for checkpointing in (False, True):
        cfg = head_cfg(tiny_llama, gradient_checkpointing=checkpointing,
                       lora=None)
        cfg['lvlm']['type'] = 'transformers.LlamaForCausalLM.from_pretrained'
        head = build_without_weights(Config(dict(model=dict(cls_head=cfg))))
        found.append(train_step(head, 8, 32))
    plain, recomputed = found
    assert recomputed.bytes < .8 * plain.bytes
    # Frozen weights: forward and backward cost the same, then one more.
    assert 1.3 < recomputed.flops / plain.flops < 1.6


def test_count_by_hand():
    layer = nn.Linear(100, 50, bias=False)
    x = torch.randn(8, 100)
    found = counted(lambda: layer(x).sum().backward(), layer)
    assert found.flops == 2 * 2 * 8 * 100 * 50  # forward, gradient of W
    output, gradient = 8 * 50 * 4, 100 * 50 * 4
    assert gradient <= found.bytes <= 2 * gradient + 3 * output
    assert layer.weight.grad is None
    # Input, weight and output; the gradients of the last two, and of the sum.
    moved = (8 * 100 + 100 * 50 + 8 * 50) * 4
    assert 2 * moved <= found.traffic <= 3 * moved
    assert Footprint(1, 2, 3) + Footprint(3, 4) == (4, 6, 3)


def test_views_move_nothing():
    layer = nn.Linear(3, 4, bias=False)
    found = counted(lambda: layer.weight.t()[:2].reshape(2, 4).detach(),
                    layer)
    assert found.traffic == 0


def test_hours():
    gpu = GPU(flops=3600., bandwidth=7200.)
    work = Work(Footprint(0, 30, 0), Footprint(0, 0, 40), Footprint(0, 10, 0))
    schedule = Schedule(waiting=2, reading=3, val_waiting=4, val_reading=5)
    hours = stage_hours(work, schedule, 60, 6, gpu, share=.5, gpus=2)
    # Of a clip, an hour is 3600 seconds at 3600 operations each.
    assert hours[WAITS] == pytest.approx(30 * (60 * 2 + 6 * 4 / 3) / 3600**2)
    assert hours[READS] == pytest.approx(40 * 60 * 3 / 7200 / 3600)
    assert hours[VALIDATION] == pytest.approx(10 * 6 * 5 / 3600**2)
    assert hours['whole'] == pytest.approx(sum(
        hours[k] for k in (WAITS, READS, VALIDATION)))
    assert stage_hours(work, schedule, 60, None, gpu, 1.)[VALIDATION] == 0
    assert GPU.of(312.) == pytest.approx(GPUS['A100'])


def test_names_are_counted_as_they_are_read(tiny_llama):
    def head(**over):
        cfg = head_cfg(tiny_llama, lora=None, **over)
        cfg['lvlm']['type'] = 'transformers.LlamaForCausalLM.from_pretrained'
        return build_without_weights(Config(dict(model=dict(cls_head=cfg))))

    whole, some = head(), head(num_negatives=1)
    assert names_of_a_batch(whole, 2) == 4
    assert names_of_a_batch(some, 1) == 2 and names_of_a_batch(some, 99) == 4
    read, less = positions(whole, 12), positions(whole, 12, names=1)
    assert read['names'] == len(whole.trie) > less['names']
    assert read['prompt'] == less['prompt'] and read['prompt'] > 12
    # What is not read is not counted, and the head is left as it was.
    all_names, one_name = (train_step(whole, 2, 12, names=n)
                           for n in (None, 1))
    assert one_name.flops < all_names.flops
    assert one_name.traffic < all_names.traffic
    assert len(whole.trie) == read['names']
    # A forward, without the answer, is less than a third of a step.
    scoring = scoring_step(whole, 2, 12)
    assert 0 < scoring.flops < all_names.flops / 2


def test_memory():
    steps = {2: Footprint(300, 0), 4: Footprint(500, 0)}

    def of(clips, gpus=1):
        return memory_of(clips, steps, 1000., 10, 'AdamW', gpus)

    assert of(7).step == 800 and of(7).optimizer == 80 and of(7).ddp == 0
    assert of(7, 8).ddp == 40
    assert of(3).total == 1000 + 80 + 400 + of(3).overhead
    assert largest(of(9).total, of) == 9
    assert largest(of(9).total + 99, of) == 9
    assert largest(of(1).total - 1, of) == 0
    with pytest.raises(ValueError, match='Lion.*not known'):
        memory_of(1, steps, 0., 1, 'Lion', 1)


def test_memory_of_shards(tiny_llava):
    head = MODELS.build(head_cfg(tiny_llava))
    steps = {2: Footprint(300, 0), 4: Footprint(500, 0)}
    weights, _ = weight_bytes(head)

    def of(gpus, name):
        shards = Shards.of(Config(dict(strategy=dict(type=name))), head)
        return memory_of(7, steps, weights, 10, 'AdamW', gpus, shards=shards)

    layers = [sum(4 * p.numel() for n, p in layer.named_parameters()
                  if 'lora' not in n) for layer in head.lm.decoder.layers]
    whole, part = of(4, 'DDPStrategy'), of(4, 'FrozenShardStrategy')
    assert part.weights == weights - .75 * sum(layers) + 2 * max(layers)
    assert part[2:] == whole[2:]
    assert of(1, 'FrozenShardStrategy') == of(1, 'DDPStrategy')
    zero = of(4, 'ZeroStrategy')
    assert zero.weights == weights / 4 + 2 * max(layers)
    assert zero.optimizer == whole.optimizer / 4 and zero.ddp == 0
    assert zero.step == whole.step - 30  # gradients of ten weights
    with pytest.raises(ValueError, match='DeepSpeedStrategy.*not known'):
        of(4, 'DeepSpeedStrategy')


@pytest.mark.parametrize('bits', [4, 8])
def test_bytes_of_quantised_weights(tiny_llama, bits, monkeypatch):
    pytest.importorskip(
        'bitsandbytes', reason="no bitsandbytes: pip install -e '.[quant]'")
    monkeypatch.setattr(lora_module, 'has_bfloat16', lambda: True)
    cfg = head_cfg(tiny_llama, lora=None)
    cfg['lvlm'].update(type='transformers.LlamaForCausalLM.from_pretrained',
                       dtype='bfloat16')
    head = build_without_weights(Config(dict(model=dict(cls_head=cfg))))
    predicted, most = weight_bytes(head, bits, double=False)
    cfg['lvlm']['quantization_config'] = dict(
        type='transformers.BitsAndBytesConfig', **{f'load_in_{bits}bit': True})
    real = 0
    for name, value in MODELS.build(cfg).lvlm.state_dict().items():
        if 'quant' not in name:  # a table that all share, and text
            real += value.numel() * value.element_size()
    other = sum(p.numel() * p.element_size() for n, p in
                head.named_parameters() if not n.startswith('lvlm'))
    tied = head.lm.lm_head.weight.numel() * 2  # twice in a state dict
    assert predicted - other == pytest.approx(real - tied, rel=.02)
    assert most == 2 * 32 * 48
    assert weight_bytes(head, 4, True)[0] < weight_bytes(head, 4)[0]


def test_unknown_shape():
    cfg = dict(model=dict(cls_head=dict(
        type='LVLMHead', lvlm=dict(
            type='transformers.AutoModelForCausalLM.from_pretrained',
            pretrained_model_name_or_path='some/hub-id'))))
    with pytest.raises(ValueError, match='some/hub-id.*LLAVA_PATH'):
        build_without_weights(Config(cfg))
    with pytest.raises(ValueError, match='no `lvlm`'):
        build_without_weights(Config(dict(model=dict())))


@pytest.mark.parametrize('name', ['quickstart', 'rgb_quickstart'])
def test_backbone_and_neck_count_as_they_run(name):
    cfg = Config.fromfile(REPO / f'configs/lvlmvar_{name}.py')
    model = MODELS.build({k: v for k, v in cfg.model.items()
                          if k != 'cls_head'})
    model.neck.align = None  # has no texts here
    batch = fake_batch(cfg, 4)
    data = model.data_preprocessor(pseudo_collate(batch), training=True)

    def step():
        inputs = data['inputs']
        feats = model.backbone(inputs.reshape(-1, *inputs.shape[2:]))
        sum(model.neck(feats, data['data_samples'])[1].values()).backward()

    model.train()
    step()  # the codebook starts
    model.zero_grad(set_to_none=True)
    real = peak_of(step)
    assert backbone_step(model, batch).bytes == pytest.approx(real, rel=.1)


@pytest.mark.parametrize('text', ['8', '8x', '0x80', '8x24GB'])
def test_machine(text):
    assert Machine.parse('8x24') == (8, 24.) and str(Machine(8, 24.)) == '8x24'
    with pytest.raises(ValueError, match=f'--machine {text}: .*8x24'):
        Machine.parse(text)


@pytest.mark.parametrize('name, shape', [
    ('lvlmvar_ntu60_xsub', (1, 2, 64, 25, 6)),
    ('lvlmvar_nucla_xview', (1, 1, 48, 20, 6)),
    ('lvlmvar_rgb_ntu60_xsub', (1, 3, 16, 224, 224))])
def test_batches(name, shape):
    cfg = Config.fromfile(REPO / f'configs/{name}.py')
    batch = fake_batch(cfg, 2)
    assert [tuple(b['inputs'].shape) for b in batch] == [shape] * 2


def test_batches_of_flat_skeletons():
    cfg = Config.fromfile(REPO / 'configs/lvlmvar_nucla_xview.py')
    cfg.model.backbone.graph_cfg = dict(layout='coco', mode='stgcn_spatial')
    cfg.train_dataloader.dataset.pipeline = [
        dict(type='PreNormalize2D'),
        dict(type='GenSkeFeat', dataset='coco', feats=['j']),
        dict(type='UniformSampleFrames', clip_len=8),
        dict(type='PoseDecode'),
        dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs')]
    batch = fake_batch(cfg, 1)
    assert batch[0]['inputs'].shape == (1, 2, 8, 17, 3)  # x, y and score


def test_second_stage_is_not_estimated():
    cfg = Config.fromfile(
        REPO / 'configs/two_stage/lvlmvar_nucla_xview.py')
    with pytest.raises(ValueError, match='TokenDataset.*first stage'):
        fake_batch(cfg, 1)


def test_tool(tiny_llama, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('LVLM_PATH', str(tiny_llama))
    monkeypatch.setenv('NTU_SAMPLE', str(tmp_path / 'no'))
    monkeypatch.chdir(tmp_path)
    main = runpy.run_path(str(REPO / 'tools/estimate.py'))['main']
    config = str(REPO / 'configs/lvlmvar_quickstart.py')
    args = ['estimate.py', config, '--machine', '1x80', '2x1', '--tflops',
            '100', '--samples', '3600', '--cfg-options', TOKENIZER]
    monkeypatch.setattr('sys.argv', args)
    main()
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    one, two = figures['machines'].values()
    assert one['fits'] and not two['fits'] and two['largest_batch'] == 0
    assert one['largest_batch'] > one['clips'] == 12
    assert set(figures['hours']) == {'A100', 'H100', '100 TFLOPS'}
    for kind, hours in figures['hours'].items():
        assert hours['whole'] == pytest.approx(sum(
            h for stage, h in hours.items() if stage != 'whole'))
    # The products alone, and what they move besides.
    cfg = Config.fromfile(config)
    epochs = cfg.train_cfg.max_epochs - cfg.warmup_epochs
    products = (figures['tflop_per_clip']['whole'] * 3600 * epochs / 100 /
                figures['share'] / 3600)
    assert figures['hours']['100 TFLOPS'][READS] > products
    assert 0 < figures['names_share'] < 1
    assert not list(tmp_path.iterdir())  # no sample was made
    monkeypatch.setattr('sys.argv', [*args[:2], *args[-2:]])
    main()
    out = capsys.readouterr().out
    assert 'give --samples' in out
    monkeypatch.setattr('sys.argv', [*args[:2], '--machine', 'big'])
    with pytest.raises(SystemExit) as end, user_errors():
        main()
    assert end.value.code == 2
