"""The description in a checkpoint, and the check that a model may read it.

A checkpoint holds what was trained; these facts say what it was trained on.
The head has those of the language model and the task, the neck those of the
tokens. They travel as JSON in byte tensors: tools that take a state dict for
a dict of tensors stay right.
"""
import json
from importlib.metadata import PackageNotFoundError, version
from typing import Dict, List, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from lvlm_var_mm.models.lvlm.build import is_untrained
from lvlm_var_mm.models.lvlm.templates import NARRATIVE
from .fingerprint import describe_lora, digest, same_weights, tokenizer_hash

# Of the description; a newer one is refused, not misread.
FORMAT = 3
SHAPE = 'model_type', 'hidden_size', 'num_hidden_layers', 'vocab_size'
TASK = 'class_names', 'prompt', 'answer', 'chat', 'keyframe', 'narrative'
# Beside their codebook, of the tokens of a clip.
TOKENS = 'num_tokens', 'parts', 'switch_cost'
PACKAGES = 'lvlm_var_mm', 'torch', 'transformers', 'peft', 'mmaction2'


def describe(head: nn.Module) -> Dict:
    """Facts about a :class:`PromptReader`.

    ``format``; ``class_names``, ``prompt``, ``answer``, ``chat`` and
    ``keyframe`` as configured; ``narrative``, the form of the one in the
    prompt, if there is one; ``class_names_hash``, to tell lists apart at a
    glance; ``lvlm``, the shape of the base model; ``base``, its name and
    revision, and a ``sample`` of its weights by which it is known whatever
    folder it lies in; ``lora``, what scales the adapter, and ``adapter``,
    whether its weights are in the checkpoint, 1 or 0; ``tokenizer``, a hash;
    ``versions`` of the packages in use.
    """
    config = head.lm.decoder.config
    told = any(NARRATIVE in p.places for p in head.prompts)
    names = list(head.classes.names)
    return dict(
        format=FORMAT,
        class_names=names,
        class_names_hash=digest(names),
        **head.templates,
        narrative=head.narrator.form if told else None,
        lvlm={k: getattr(config, k) for k in SHAPE},
        base=head.base,
        lora=describe_lora(head.lvlm),
        adapter=int(not is_untrained(head.lvlm)),
        tokenizer=tokenizer_hash(head.tokenizer, head.templates['chat']),
        versions={name: _version(name) for name in PACKAGES})


def check(saved: Dict, head: nn.Module, same_task: bool = True) -> None:
    """Compare a checkpoint's description with the head that is to read it.

    Args:
        saved (dict): From :func:`describe`, of this format or an older one.
        head (PromptReader): Of the config in use.
        same_task (bool): Whether other class names, prompts, answers and
            forms of the narrative are an error; else they are logged.

    Raises:
        ValueError: A newer format, another language model, adapter or
            tokenizer, or another task; says which, and what to do.
    """
    if saved['format'] > FORMAT:
        raise ValueError(
            f'checkpoint format {saved["format"]} is newer than this version '
            f'of lvlm_var_mm reads ({FORMAT}): update it')
    own = describe(head)
    refuse(model_problems(saved, own),
           'Set `model.cls_head` to that of training')
    refuse(differences(saved, own, TASK),
           'Set `model.cls_head` to the same, or its `same_task=False` to go '
           'on all the same, as in fine-tuning on other classes',
           allowed=not same_task)
    if not has_adapter(saved):
        print_log('the checkpoint was written before the language model began '
                  'to read: its adapter is untrained', logger='current')
    for text in version_differences(saved, own):
        print_log(f'the checkpoint was written with {text}',
                  logger='current')


def has_adapter(saved: Dict) -> bool:
    """Return whether a checkpoint holds the weights of the adapter, which are
    left out until they are trained."""
    return bool(saved.get('adapter', 1))


def check_tokens(saved: Dict, own: Dict, same_tokens: bool = True) -> None:
    """Compare the ``description`` of a checkpoint's :class:`VSTNeck` with
    that of the neck that is to read it.

    Args:
        saved (dict): ``codebook``, ``num_tokens``, ``parts`` and
            ``switch_cost``; an older one has none of them.
        own (dict): The same.
        same_tokens (bool): Whether other tokens of the same codebook are an
            error; else they are logged.

    Raises:
        ValueError: Another codebook, or other tokens; says which, and what
            to do.
    """
    refuse(differences(saved, own, ['codebook']),
           'Set `model.neck` to that of training')
    refuse(differences(saved, own, TOKENS),
           'Set `model.neck` to the same, or its `same_tokens=False` to go '
           'on all the same',
           allowed=not same_tokens)


def refuse(problems: Sequence[str], remedy: str,
           allowed: bool = False) -> None:
    """Refuse a checkpoint if there are such problems; where they are allowed,
    log them.

    Raises:
        ValueError: There are some; says what to do.
    """
    if problems and not allowed:
        raise ValueError('the checkpoint was trained with '
                         f'{"; ".join(problems)}. {remedy}')
    for problem in problems:
        print_log(f'the checkpoint was trained with {problem}',
                  logger='current', level=30)


def model_problems(saved: Dict, own: Dict) -> List[str]:
    """Say how base model, adapter or tokenizer differ."""
    if saved['lvlm'] != own['lvlm']:
        return [f'another language model: {saved["lvlm"]}, but `lvlm` is '
                f'{own["lvlm"]}']
    base, here = saved.get('base', {}), own['base']
    if 'sample' in base and not same_weights(base['sample'], here['sample']):
        return [f'another language model of this shape: {base["name"]} '
                f'(revision {base["revision"]}), but `lvlm` is '
                f'{here["name"]} (revision {here["revision"]}), whose '
                'weights differ']
    if saved.get('tokenizer', own['tokenizer']) != own['tokenizer']:
        return ['another tokenizer: its words, special tokens or chat '
                'template differ from those of `tokenizer`']
    return differences(saved, own, ['lora'])


def differences(saved: Dict, own: Dict, keys: Sequence[str]) -> List[str]:
    """Which of these facts differ; what is not in an older checkpoint is
    taken to be the same."""
    # As it comes back from JSON, in which a tuple is a list.
    own = json.loads(json.dumps(own))
    return [f'other `{key}`: {_contrast(saved[key], own[key])}'
            for key in keys if saved.get(key, own[key]) != own[key]]


def _contrast(saved, own) -> str:
    """Name differences; of long lists and dicts, only what differs."""
    if isinstance(saved, dict) and isinstance(own, dict):
        keys = [k for k in {**saved, **own} if saved.get(k) != own.get(k)]
        saved, own = ({k: d.get(k) for k in keys} for d in (saved, own))
    elif isinstance(saved, list) and isinstance(own, list):
        first = next((i for i, (a, b) in enumerate(zip(saved, own))
                      if a != b), None)
        if first is None:
            return f'{len(saved)}, not {len(own)}'
        counts = (f'{len(saved)}, not {len(own)}, of which '
                  if len(saved) != len(own) else '')
        return (f'{counts}number {first} is {saved[first]!r}, not '
                f'{own[first]!r}')
    return f'{saved!r}, not {own!r}'


def version_differences(saved: Dict, own: Dict) -> List[str]:
    """Packages of other versions: worth a line, no reason to refuse."""
    versions = saved.get('versions', {})
    return [f'{name} {versions[name]}, this is {here}'
            for name, here in own['versions'].items()
            if versions.get(name, here) != here]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from its folder, not installed
        return 'unknown'


def scale_was_a_parameter(head: nn.Module, state_dict: Dict, prefix: str,
                          *args) -> None:
    """Before a head loads: in checkpoints of format 2 and older the scale of
    the tokens is no module of its own, which DeepSpeed needs."""
    old = f'{prefix}token_scale'
    if old in state_dict:
        state_dict[f'{old}.scale'] = state_dict.pop(old)


def to_bytes(facts: Dict) -> Tensor:
    """JSON as a byte tensor."""
    return torch.frombuffer(
        bytearray(json.dumps(facts).encode()), dtype=torch.uint8)


def from_bytes(state: Tensor) -> Dict:
    """The way back."""
    return json.loads(bytes(state.cpu().numpy()).decode())
