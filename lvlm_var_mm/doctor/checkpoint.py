"""A checkpoint against the config that is to use it."""
from collections import Counter
from typing import Dict, Iterator, List, Optional

import torch
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from lvlm_var_mm.checkpoint.description import (FORMAT, TASK, TOKENS,
                                                differences, from_bytes,
                                                has_adapter, model_problems,
                                                version_differences)
from lvlm_var_mm.checkpoint.initial import REMEDY, backbone_problem
from lvlm_var_mm.models.lvlm.reader import PromptReader
from lvlm_var_mm.models.vst.neck import VSTNeck
from .findings import Finding, failure, shorten

AREA = 'checkpoint'
STATE = '_extra_state'


def check_checkpoint(path: str,
                     model: Optional[nn.Module],
                     initial: bool = False) -> Iterator[Finding]:
    """All of the below.

    Args:
        path (str): The file, or a folder that ``tools/export.py`` has
            written; its files are checked by their hashes.
        model (nn.Module, optional): The recognizer of the config, built
            without weights of a language model.
        initial (bool): Whether training is to begin with it (``load_from``).
            One of a stock model then gives what the two have in common.
    """
    try:
        content = CheckpointLoader.load_checkpoint(path, 'cpu')
    except Exception as e:  # whatever it is, it is the finding
        yield failure(AREA, e, 'give a .pth that training has written, or a '
                      'folder that tools/export.py has')
        return
    state = content.get('state_dict', content)
    found = [*check_values(state), *check_codebook(state)]
    if initial and model is not None and f'cls_head.{STATE}' not in state:
        found += check_initial(path, state, model)
        yield from found
        return
    if model is not None:
        found += [*check_description(state, model),
                  *check_tokens(state, model), *check_keys(state, model)]
    yield from found
    if not any(f.level == 'error' for f in found):
        meta = content.get('meta') or {}
        yield Finding('ok', AREA, f'{path}: {len(state)} entries, epoch '
                      f'{meta.get("epoch", "unknown")}')


def check_initial(path: str, state: Dict[str, Tensor],
                  model: nn.Module) -> Iterator[Finding]:
    """Count the weights that a checkpoint of another model gives to this one:
    MMEngine takes those whose names and shapes agree."""
    own = {k: v for k, v in model.state_dict().items()
           if isinstance(v, Tensor) and not k.endswith(STATE)}
    given = {k for k in own if k in state and own[k].shape == state[k].shape}
    parts = Counter(k.partition('.')[0] for k in own)
    text = ', '.join(
        f'{sum(k.startswith(f"{part}.") for k in given)} of {n} of {part}'
        for part, n in parts.items())
    if not given:
        yield Finding('error', AREA, f'{path} has no weight of the model, '
                      f'such as {shorten(sorted(own), 3)}; it has '
                      f'{shorten(sorted(state), 3)}',
                      'take a checkpoint with this backbone, or no '
                      '`load_from`')
        return
    problem = backbone_problem(state, model)
    if problem:
        yield Finding('error', AREA, f'{path}: {problem}', REMEDY)
        return
    yield Finding('ok', AREA, f'{path} initialises weights: {text}')
    other = [f'{k} {tuple(state[k].shape)}, model {tuple(own[k].shape)}'
             for k in sorted(set(own) & set(state) - given)]
    absent = sorted(k for k in set(own) - set(state)
                    if k.startswith('backbone.'))
    for weights, words in ((other, 'have another shape'),
                           (absent, 'of the backbone are not in it')):
        if weights:
            yield Finding('warning', AREA, f'{len(weights)} weights {words} '
                          f'and begin at random: {shorten(weights, 3)}',
                          'none needed for a new classifier; else set '
                          '`model.backbone` to that of the checkpoint')


def check_values(state: Dict[str, Tensor]) -> Iterator[Finding]:
    """Weights that are numbers."""
    bad = [k for k, v in state.items() if isinstance(v, Tensor)
           and v.is_floating_point() and not torch.isfinite(v).all()]
    if bad:
        yield Finding('error', AREA, f'{len(bad)} weights hold NaN or '
                      f'infinity: {shorten(bad, 3)}',
                      'training diverged: lower the learning rate, and take '
                      'an earlier checkpoint')


def check_codebook(state: Dict[str, Tensor]) -> Iterator[Finding]:
    """A codebook that training has filled."""
    started = [v for k, v in state.items() if k.endswith('.initted')]
    if started and not all(bool(v.all()) for v in started):
        yield Finding('error', AREA, 'the codebook was never started',
                      'take a checkpoint that training has written')


def check_description(state: Dict[str, Tensor],
                      model: nn.Module) -> Iterator[Finding]:
    """Compare the checkpoint's description with the head of the config."""
    head = getattr(model, 'cls_head', None)
    saved = state.get(f'cls_head.{STATE}')
    if not isinstance(head, PromptReader) or saved is None:
        return
    saved, own = (from_bytes(s) for s in (saved, head.get_extra_state()))
    if saved['format'] > FORMAT:
        yield Finding('error', AREA, f'format {saved["format"]} is newer than '
                      f'this version reads ({FORMAT})', 'update lvlm_var_mm')
        return
    yield from _trained_with(
        model_problems(saved, own), 'error',
        'set `model.cls_head` to that of training: `lvlm` (LVLM_PATH, '
        'LLAVA_PATH), `tokenizer`, `lora`')
    yield from _trained_with(
        differences(saved, own, TASK),
        'error' if head.same_task else 'warning',
        'set `model.cls_head` to the same, or its `same_task=False` if '
        'another task is meant, as in fine-tuning')
    for text in version_differences(saved, own):
        yield Finding('note', AREA, f'written with {text}',
                      'install that version should figures differ')


def check_tokens(state: Dict[str, Tensor],
                 model: nn.Module) -> Iterator[Finding]:
    """Compare the checkpoint's tokens with the neck of the config, or with
    that of each branch."""
    for name, neck in model.named_modules():
        saved = state.get(f'{name}.{STATE}')
        if not isinstance(neck, VSTNeck) or saved is None:
            continue
        saved = from_bytes(saved)
        if isinstance(saved, list):  # names of codes were all there was
            continue
        yield from _trained_with(
            differences(saved, neck.description, ['codebook']), 'error',
            f'set `model.{name}` to that of training')
        yield from _trained_with(
            differences(saved, neck.description, TOKENS),
            'error' if neck.same_tokens else 'warning',
            f'set `model.{name}` to the same, or its `same_tokens=False` if '
            'others are meant')


def _trained_with(problems: List[str], level: str,
                  remedy: str) -> Iterator[Finding]:
    for problem in problems:
        yield Finding(level, AREA, f'trained with {problem}', remedy)


def check_keys(state: Dict[str, Tensor],
               model: nn.Module) -> Iterator[Finding]:
    """Names and shapes of the weights against those of the model."""
    own = model.state_dict()
    frozen = set(dict(model.named_parameters())) | set(
        dict(model.named_buffers()))
    remedy = ('give the config that this checkpoint was trained with, such '
              'as its copy in the work dir')
    missing = sorted(set(own) - set(state))
    saved = state.get(f'cls_head.{STATE}')
    if saved is not None and not has_adapter(from_bytes(saved)):
        missing = [k for k in missing if not k.startswith('cls_head.lvlm.')]
        yield Finding('warning', AREA, 'its adapter is untrained: it was '
                      'written before the language model began to read',
                      'resume from it, or start a second stage with it; to '
                      'test the whole model, take a later one')
    # The names of the codes, which earlier checkpoints do not have.
    if 'neck._extra_state' in missing:
        missing.remove('neck._extra_state')
        yield Finding('note', AREA, 'its codes have no names',
                      'they get some as training goes on (CodeNamesHook)')
    if missing:
        yield Finding('error', AREA, f'{len(missing)} weights of the model '
                      f'are not in it: {shorten(missing, 3)}', remedy)
    # Buffers that are none yet, such as the targets of `align`.
    to_come = {f'{name}.{key}' for name, module in model.named_modules()
               for key, value in module._buffers.items() if value is None}
    surplus = sorted(set(state) - set(own) - frozen - to_come)
    if surplus:
        yield Finding('error', AREA, f'{len(surplus)} weights are not of the '
                      f'model: {shorten(surplus, 3)}', remedy)
    other = [
        f'{k} {tuple(state[k].shape)}, model {tuple(own[k].shape)}'
        for k in sorted(set(own) & set(state))
        if not k.endswith(STATE) and state[k].shape != own[k].shape
    ]
    if other:
        yield Finding('error', AREA, f'{len(other)} weights have another '
                      f'shape: {shorten(other, 3)}', remedy)
