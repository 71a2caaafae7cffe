"""A base model in 8 or 4 bits, on a CPU."""
import pytest
import torch
from helpers import REPO, head_cfg, make_samples, make_tokens
from mmengine.config import Config

from mmaction.registry import MODELS

pytest.importorskip(
    'bitsandbytes', reason="no bitsandbytes: pip install -e '.[quant]'")
CONFIG = REPO / 'configs/scale' / (
    'lvlmvar_ntu60_xsub_8xb4-4bit.py')
BITS = {
    8: dict(load_in_8bit=True),
    4: dict(load_in_4bit=True, bnb_4bit_quant_type='nf4',
            bnb_4bit_compute_dtype='bfloat16')
}
FEATS, SAMPLES = make_tokens([4, 3]), make_samples([0, 1])


def build(folder, bits):
    torch.manual_seed(0)
    cfg = head_cfg(folder)
    cfg['lvlm'].update(dtype='bfloat16')
    if bits:
        cfg['lvlm']['quantization_config'] = dict(
            type='transformers.BitsAndBytesConfig', **BITS[bits])
    return MODELS.build(cfg)


def gradients(head):
    head.zero_grad()
    losses = head.train().loss(FEATS, SAMPLES)
    (losses['loss_cls'] + losses['loss_lm']).backward()
    return {n: p.grad.norm() for n, p in head.named_parameters()
            if p.requires_grad}


@pytest.mark.parametrize('bits', BITS)
def test_trains(tiny_llava, bits):
    head, plain = build(tiny_llava, bits), build(tiny_llava, None)
    size, whole = (sum(p.numel() * p.element_size()
                       for n, p in h.lvlm.named_parameters() if 'proj' in n
                       and 'lora' not in n) for h in (head, plain))
    assert size < whole * bits / 16 + whole / 8
    before = gradients(head)
    with torch.no_grad():
        scores = head.eval()(FEATS)
    assert torch.isfinite(scores).all()
    # An evaluation between the steps changes nothing.
    after = gradients(head)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, msg=name)
        assert value > 0 or 'lora_A' in name  # lora_B starts out as zero


def test_the_config_for_small_gpus(tiny_llava, monkeypatch):
    """Its settings are those of bitsandbytes, and its base is in 4 bits."""
    monkeypatch.setenv('LLAVA_PATH', str(tiny_llava))
    cfg = Config.fromfile(str(CONFIG))
    cfg = dict(head_cfg(tiny_llava), lvlm=cfg.model.cls_head.lvlm)
    lvlm = MODELS.build(cfg).lvlm
    kinds = {type(m.base_layer).__name__ for n, m in lvlm.named_modules()
             if n.endswith('q_proj') and 'language_model' in n}
    assert kinds == {'Linear4bit'}


@pytest.mark.parametrize('bits', BITS)
def test_checkpoint_is_that_of_any_base(tiny_llava, bits):
    """It holds none of the quantised weights, and loads into either."""
    head, plain = build(tiny_llava, bits), build(tiny_llava, None)
    assert set(head.state_dict()) == set(plain.state_dict())
    plain.load_state_dict(head.state_dict(), strict=True)
    head.load_state_dict(plain.state_dict(), strict=True)
