"""What a checkpoint says of itself, and whether a head may read it.

A checkpoint holds what was trained; these facts tell what it was trained on.
They travel as JSON in a byte tensor: tools that take a state dict for a dict
of tensors stay right.
"""
import hashlib
import json
import os.path as osp
from importlib.metadata import PackageNotFoundError, version
from typing import Dict, List, Optional

import torch
from mmengine.logging import print_log
from torch import Tensor

# Of the description; a newer one is refused, not misread.
FORMAT = 2
SHAPE = 'model_type', 'hidden_size', 'num_hidden_layers', 'vocab_size'
PACKAGES = 'lvlm_var_mm', 'torch', 'transformers', 'peft', 'mmaction2'


def describe(head) -> Dict:
    """Facts about a :class:`PromptReader`.

    ``format``; ``class_names``, ``prompt``, ``answer`` and ``chat`` as
    configured; ``lvlm``, the shape of the base model; ``base``, its name and
    revision, and a ``weights`` hash by which it is known whatever folder it
    lies in; ``tokenizer``, a hash; ``versions`` of the packages in use.
    """
    config = head.decoder.config
    return dict(
        format=FORMAT,
        class_names=list(head.classes.names),
        **head.templates,
        lvlm={k: getattr(config, k) for k in SHAPE},
        base=head.base,
        tokenizer=tokenizer_hash(head.tokenizer, head.templates['chat']),
        versions={name: _version(name) for name in PACKAGES})


def check(saved: Dict, head, same_task: bool = True) -> None:
    """Compare a checkpoint's description with the head that is to read it.

    Args:
        saved (dict): From :func:`describe`, of this format or an older one.
        head (PromptReader): Of the config in use.
        same_task (bool): Whether other class names, prompts and answers are
            an error; else they are logged.

    Raises:
        ValueError: A newer format, another language model or tokenizer, or
            another task; says which, and what to do.
    """
    if saved['format'] > FORMAT:
        raise ValueError(
            f'checkpoint format {saved["format"]} is newer than this version '
            f'of lvlm_var_mm reads ({FORMAT}): update it')
    own = describe(head)
    problems = model_problems(saved, own)
    if problems:
        raise ValueError(f'the checkpoint was trained on {problems[0]}')
    problems = task_problems(saved, own)
    if problems and same_task:
        raise ValueError(
            f'the checkpoint was trained with {"; ".join(problems)}. Set '
            '`model.cls_head` to the same, or its `same_task=False` to go on '
            'all the same, as in fine-tuning on other classes')
    for problem in problems:
        print_log(f'the checkpoint was trained with {problem}',
                  logger='current', level=30)
    versions = saved.get('versions', own['versions'])
    if versions != own['versions']:
        print_log(f'the checkpoint was written with {versions}, this is '
                  f'{own["versions"]}', logger='current')


def model_problems(saved: Dict, own: Dict) -> List[str]:
    """How the base model or the tokenizer differs."""
    if saved['lvlm'] != own['lvlm']:
        return [f'another language model: {saved["lvlm"]}, but `lvlm` is '
                f'{own["lvlm"]}']
    base, here = saved.get('base', own['base']), own['base']
    if None not in (base['weights'], here['weights']) and (
            base['weights'] != here['weights']):
        return [f'another language model of this shape: {base["name"]} '
                f'(revision {base["revision"]}), but `lvlm` is '
                f'{here["name"]} (revision {here["revision"]}), whose '
                'weights differ']
    if saved.get('tokenizer', own['tokenizer']) != own['tokenizer']:
        return ['another tokenizer: its words, special tokens or chat '
                'template differ; set `tokenizer` to that of training']
    return []


def task_problems(saved: Dict, own: Dict) -> List[str]:
    """Which of class names, prompt, answer and chat differ."""
    return [
        f'other `{key}`: {saved[key]!r}, not {own[key]!r}'
        for key in ('class_names', 'prompt', 'answer', 'chat')
        if saved.get(key, own[key]) != own[key]
    ]


def describe_base(head, path: str) -> Dict:
    """``base`` of :func:`describe`, of a head that has just been built from
    this folder or hub id: once its weights are sharded they cannot be told."""
    is_folder = osp.isdir(osp.expanduser(path))
    return dict(
        name=osp.basename(osp.normpath(path)) if is_folder else path,
        revision=getattr(head.decoder.config, '_commit_hash', None),
        weights=weights_hash(head))


@torch.no_grad()
def weights_hash(head) -> Optional[str]:
    """Of a sample of the embeddings and the last norm, rounded to bfloat16:
    the same however the model was loaded; None without weights."""
    norm = [p for n, p in head.decoder.named_parameters()
            if n.split('.')[0] != 'layers' and p.dim() == 1]
    digest = hashlib.sha256()
    for tensor in (head.embedding.weight, *norm):
        if tensor.is_meta:
            return None
        flat = tensor.detach().flatten()
        flat = flat[::max(1, len(flat) // 4096)].cpu().bfloat16().float()
        digest.update(flat.numpy().tobytes())
    return digest.hexdigest()[:16]


def tokenizer_hash(tokenizer, chat: bool) -> str:
    """Of the vocabulary, the special tokens and, where it is used, the chat
    template."""
    facts = [sorted(tokenizer.get_vocab().items()),
             sorted(map(str, tokenizer.all_special_tokens)),
             str(tokenizer.chat_template) if chat else '']
    text = json.dumps(facts, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its folder, not installed
        return 'unknown'


def to_bytes(facts) -> Tensor:
    """JSON as a byte tensor."""
    return torch.frombuffer(
        bytearray(json.dumps(facts).encode()), dtype=torch.uint8)


def from_bytes(state: Tensor):
    """The way back."""
    return json.loads(bytes(state.cpu().numpy()).decode())
