"""Fingerprints by which a base model, its tokenizer and its adapter are known,
in whatever folder they lie and in whatever precision they are loaded."""
import base64
import hashlib
import json
import os.path as osp
from typing import Any, Callable, Dict, Optional

import numpy as np
import torch
from torch import Tensor, nn

# Values of the embeddings in a sample; of any other parameter there is one.
EMBEDDED = 256
PLAIN = torch.float32, torch.bfloat16, torch.float16, torch.float64
LORA = ('r', 'lora_alpha', 'use_rslora', 'use_dora', 'rank_pattern',
        'alpha_pattern')


def describe_base(head: nn.Module, path: str) -> Dict:
    """Name, revision and sample of the language model of a head that has
    just been built from this folder or hub id: later its weights may be
    sharded."""
    is_folder = osp.isdir(osp.expanduser(path))
    return dict(
        name=osp.basename(osp.normpath(path)) if is_folder else path,
        revision=getattr(head.lm.base.config, '_commit_hash', None),
        sample=sample_weights(head))


@torch.no_grad()
def sample_weights(head: nn.Module) -> str:
    """Some values of the embeddings and one of every other frozen parameter
    that reads text: base64 of float32, NaN for what is unknown, as in
    quantised layers or without weights.

    Values and no hash: rounded twice on its way, as from float32 to float16
    to bfloat16, a weight may differ in its last bit. One of *every* layer: an
    adapter that was merged leaves embeddings and norms as they were.
    """
    values = [_take(head.lm.embedding.weight, EMBEDDED)]
    values += [_take(p, 1) for p in head.lm.decoder.parameters()
               if not p.requires_grad]
    return base64.b64encode(np.concatenate(values).tobytes()).decode()


def _take(weight: Tensor, number: int) -> np.ndarray:
    """float32 (number, ) values from the middle of as many equal stretches.
    In numpy, which stays on the CPU where models are built on `meta`."""
    known = (weight.dtype in PLAIN and weight.numel() and not weight.is_meta
             and not hasattr(weight, 'quant_state'))  # 4 bits, packed
    if not known:
        return np.full(number, np.nan, np.float32)
    index = (np.arange(number) + .5) * (weight.numel() / number)
    index = torch.from_numpy(index.astype(np.int64)).to(weight.device)
    return weight.detach().flatten()[index].float().cpu().numpy()


def same_weights(saved: str, own: str) -> bool:
    """Return whether two samples may be of one model: equal within the
    precision of bfloat16 wherever both are known."""
    a, b = (torch.from_numpy(np.frombuffer(
        base64.b64decode(s), dtype=np.float32).copy()) for s in (saved, own))
    if len(a) != len(b):  # some quantisers lay their weights out otherwise
        a, b = a[:EMBEDDED], b[:EMBEDDED]
    known = ~(a.isnan() | b.isnan())
    return torch.allclose(a[known], b[known], rtol=.01, atol=1e-6)


def describe_lora(lvlm: nn.Module) -> Optional[Dict]:
    """Describe what scales an adapter, and its layers; None without one."""
    config = getattr(lvlm, 'peft_config', {}).get('default')
    if config is None:
        return None
    beside = {name.split('.')[-2] for name, module in lvlm.named_modules()
              if name.endswith('.lora_A')}
    return {**{k: getattr(config, k) for k in LORA if hasattr(config, k)},
            'beside': sorted(beside)}


def tokenizer_hash(tokenizer: Callable, chat: bool) -> str:
    """Hash the vocabulary, the special tokens and, where it is used, the chat
    template."""
    return digest([sorted(tokenizer.get_vocab().items()),
                   sorted(map(str, tokenizer.all_special_tokens)),
                   str(tokenizer.chat_template) if chat else ''])


def digest(facts: Any) -> str:
    """Hash anything that JSON can hold."""
    text = json.dumps(facts, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
