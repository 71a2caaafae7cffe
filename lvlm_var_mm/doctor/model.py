"""The model of a config, its language model included, without loading a
weight."""
import os.path as osp
import re
from typing import Iterator, List, Optional, Sequence, Set, Tuple

from mmengine.config import Config, ConfigDict
from torch import nn

from lvlm_var_mm.class_lists import alike, load_classes, written_alike
from lvlm_var_mm.models.lvlm.build import (PATH_KEY, loads_pretrained,
                                           weightless, without_weights)
from lvlm_var_mm.models.lvlm.weights import weight_problems
from lvlm_var_mm.models.paired.batch import BRANCHES
from mmaction.registry import MODELS
from .data import Split
from .findings import Finding, failure, shorten
from .text import check_claims, check_text

AREA = 'model'
TOKENIZERS = 'tokenizer.json', 'tokenizer.model', 'vocab.json', 'vocab.txt'
LVLM = f'model.cls_head.lvlm.{PATH_KEY}'
FOLDER_REMEDY = (f'set `{LVLM}` (LVLM_PATH or LLAVA_PATH of our configs) to a '
                 'whole folder in the transformers format; `python -m '
                 'lvlm_var_mm fetch_smollm2` makes that of the small configs')


# ---------------------------------------------------------------- the classes
def check_classes(cfg: Config, splits: Sequence[Split]) -> Iterator[Finding]:
    """One list of classes in the head, the neck and the data."""
    head = cfg.model.get('cls_head') or {}
    number, source = head.get('num_classes'), head.get('class_names')
    neck = cfg.model.get('neck') or {}
    for name, part in dict(neck=neck, **{
            f'neck.{b}': neck.get(b) for b in BRANCHES}).items():
        aux = ((part or {}).get('aux_head') or {}).get('num_classes', number)
        if aux != number:
            yield Finding('error', AREA, f'`{name}.aux_head.num_classes` is '
                          f'{aux}, `cls_head.num_classes` {number}',
                          'set both to the number of classes')
    if source is None:
        return
    try:
        classes = load_classes(source, number)
    except (ValueError, FileNotFoundError) as e:
        yield failure(AREA, e, 'correct `model.cls_head.class_names` or '
                      '`num_classes`')
        return
    names = classes.names
    pairs = alike(names)
    if pairs:
        yield Finding('warning', AREA, written_alike(pairs),
                      'write one class in one way, and give its clips one '
                      'label')
    yield from check_claims(classes)
    for split in splits:
        if split.cfg.get('class_names') is None:
            continue
        try:
            other = load_classes(split.cfg.class_names).names
        except (ValueError, FileNotFoundError):
            continue  # what building the data set says
        if other != names:
            differ = [f'{a!r} and {b!r}' for a, b in zip(names, other)
                      if a != b] or [f'{len(names)} and {len(other)} names']
            yield Finding(
                'error', split.area, 'the head and the data set have other '
                f'`class_names`: {shorten(differ, 3)}',
                f'give `model.cls_head` and `{split.key}` the same list')


# ----------------------------------------------------------- the model folder
def check_lvlm(head: ConfigDict) -> Iterator[Finding]:
    """The files of the language model: there, whole and of its shape."""
    name = head.lvlm.get(PATH_KEY)
    if name is None:
        return
    folder = osp.expanduser(name)
    if not osp.isdir(folder):
        if osp.isabs(folder) or folder.startswith('.'):
            yield Finding('error', AREA, f'no model folder {folder}',
                          FOLDER_REMEDY)
        else:
            yield Finding('note', AREA, f'{name} is no folder here: it comes '
                          'from the model hub or its cache',
                          'have network access, or fetch it before and name '
                          'the folder')
        return
    lacking = [] if osp.isfile(osp.join(folder, 'config.json')) else [
        'config.json']
    if head.get('tokenizer') is None and not any(
            osp.isfile(osp.join(folder, t)) for t in TOKENIZERS):
        lacking.append('its tokenizer (tokenizer.json)')
    if lacking:
        yield Finding('error', AREA, f'{folder} lacks {" and ".join(lacking)}',
                      FOLDER_REMEDY)
        return
    problems = weight_problems(folder)
    for problem in problems:
        yield Finding('error', AREA, f'{folder}: {problem}',
                      FOLDER_REMEDY + '; copy or download it anew')
    if not problems:
        yield Finding('ok', AREA, f'{folder}: whole')


def check_lora(head: ConfigDict) -> Iterator[Finding]:
    """Each target of LoRA names something in the language model."""
    targets = (head.get('lora') or {}).get('target_modules')
    if targets in (None, 'all-linear') or not loads_pretrained(head.lvlm):
        return
    try:
        lvlm = weightless(head.lvlm.type, **{
            PATH_KEY: osp.expanduser(head.lvlm[PATH_KEY])})
    except Exception as e:  # whatever it is, it is the finding
        yield failure(AREA, e, 'correct `model.cls_head.lvlm`')
        return
    names = [n for n, _ in lvlm.named_modules()]
    if isinstance(targets, str):
        idle = [] if any(re.fullmatch(targets, n) for n in names) else [
            targets]
    else:
        idle = [t for t in targets
                if not any(n == t or n.endswith(f'.{t}') for n in names)]
    if idle:
        whole = isinstance(targets, str) or len(idle) == len(targets)
        yield Finding(
            'error' if whole else 'warning', AREA,
            f'`lora.target_modules`: nothing in the language model is called '
            f'{shorten(idle)}', 'its linear layers are called '
            f'{shorten(sorted(_linear_layers(lvlm)), 12)}')


def _linear_layers(model: nn.Module) -> Set[str]:
    return {name.rsplit('.', 1)[-1] for name, module in model.named_modules()
            if isinstance(module, nn.Linear)}


def build_model(cfg: Config) -> Tuple[Optional[nn.Module], List[Finding]]:
    """The recognizer without weights of a language model -> model or None,
    and the finding if building fails."""
    try:
        model = MODELS.build(without_weights(cfg.model))
    except Exception as e:  # whatever it is, it is the finding
        return None, [failure(AREA, e, 'correct `model`')]
    return model, [*_check_built(model),
                   *check_text(getattr(model, 'cls_head', None))]


def _check_built(model: nn.Module) -> Iterator[Finding]:
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    yield Finding(
        'ok', AREA, f'{sum(n for n, _ in sizes) / 1e6:.1f} M parameters, '
        f'{sum(n for n, grad in sizes if grad) / 1e6:.1f} M of them trained')
