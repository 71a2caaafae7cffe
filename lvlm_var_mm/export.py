"""A trained model as a folder that others can read, and the way back.

    OUT/config.py              the config, whole
    OUT/description.json       what it was trained on, see
                               checkpoint/description.py, and the hash of
                               every file of tensors
    OUT/adapter/               a plain PEFT adapter
    OUT/action.safetensors     backbone, neck, projector: all else trained
    OUT/tokenizer/             as used
    OUT/merged/                by option: the language model with the adapter
                               in it, for plain transformers

The folder is given wherever a checkpoint may be: to ``tools/test.py``, to
``load_from``.
"""
import hashlib
import json
import os
import os.path as osp
from typing import Dict, Optional

import torch
from mmengine.config import Config
from mmengine.runner import load_checkpoint
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lvlm_var_mm.atomic import replaced_folder
from lvlm_var_mm.checkpoint.description import from_bytes, to_bytes
from lvlm_var_mm.checkpoint.loading import FOLDERS, find_checkpoint
from lvlm_var_mm.checkpoint.strict import another_model_refused
from lvlm_var_mm.models.lvlm.reader import PromptReader
from mmaction.registry import MODELS

FORMAT = 1
DESCRIPTION = 'description.json'
ACTION = 'action.safetensors'
ADAPTER = osp.join('adapter', 'adapter_model.safetensors')


def export(cfg: Config, checkpoint: str, out: str,
           merged: bool = False) -> Dict[str, int]:
    """Write a checkpoint as such a folder; it appears when it is whole.

    Args:
        cfg (Config): Of the checkpoint.
        checkpoint (str): From training.
        out (str): The folder, not there yet.
        merged (bool): Whether the merged language model is written as well.

    Returns:
        dict: Bytes of each file or folder in it.

    Raises:
        FileExistsError: ``out`` is there already.
        FileNotFoundError: No such checkpoint.
        ValueError: The model has no language model with LoRA layers.
    """
    if osp.exists(out):
        raise FileExistsError(f'{out} is there already: give another folder')
    find_checkpoint(checkpoint)
    model = MODELS.build(cfg.model).eval()
    head = getattr(model, 'cls_head', None)
    if not isinstance(head, PromptReader) or not hasattr(head.lvlm,
                                                         'peft_config'):
        raise ValueError('export: `model.cls_head` has no language model '
                         'with `lora`; its checkpoint is all there is')
    with another_model_refused(checkpoint):
        load_checkpoint(model, checkpoint, 'cpu', strict=True)
    with replaced_folder(out) as part:
        _write(model, cfg, str(part), merged)
    return {name: _size(osp.join(out, name)) for name in sorted(
        os.listdir(out))}


def _write(model: nn.Module, cfg: Config, out: str, merged: bool) -> None:
    head = model.cls_head
    # What users fine-tune is small; embeddings never were (peft #2898).
    head.lvlm.save_pretrained(osp.join(out, 'adapter'),
                              save_embedding_layers=False)
    head.tokenizer.save_pretrained(osp.join(out, 'tokenizer'))
    cfg.dump(osp.join(out, 'config.py'))

    state = model.state_dict()
    adapter = adapter_keys(state, osp.join(out, ADAPTER))
    extra = {k: from_bytes(v) for k, v in state.items()
             if k.endswith('_extra_state')}
    save_file({k: v.contiguous() for k, v in state.items()
               if k not in {*adapter.values(), *extra}},
              osp.join(out, ACTION), metadata=dict(format='pt'))
    description = dict(
        format=FORMAT,
        extra_state=extra,
        adapter_keys=adapter,
        sha256={file: sha256(osp.join(out, file))
                for file in (ACTION, ADAPTER)})
    with open(osp.join(out, DESCRIPTION), 'w', encoding='utf-8') as f:
        json.dump(description, f, indent=1)
    if merged:  # last, for it takes the adapter away
        folder = osp.join(out, 'merged')
        head.lvlm.merge_and_unload().save_pretrained(folder)
        head.tokenizer.save_pretrained(folder)


def adapter_keys(state: Dict[str, Tensor], file: str) -> Dict[str, str]:
    """Names in PEFT's file -> names in our state dict.

    Raises:
        ValueError: A tensor of the file is not in the state dict.
    """
    ours = {_plain(k): k for k in state if '.lvlm.' in k}
    found = {}
    for key, tensor in load_file(file).items():
        name = ours.get(f'cls_head.lvlm.{key}')
        if name is None or not torch.equal(tensor, state[name].cpu()):
            raise ValueError(f'export: PEFT writes {key}, which is none of '
                             'the tensors of the checkpoint: this kind of '
                             'adapter cannot be exported')
        found[key] = name
    return found


def _plain(key: str) -> str:
    """PEFT's files leave the adapter's name out."""
    return '.'.join(part for part in key.split('.') if part != 'default')


def load_export(folder: str, map_location: Optional[str] = None
                ) -> Optional[Dict]:
    """Read an exported folder as a checkpoint, ``dict(state_dict=...)``.

    Args:
        folder (str): The folder.
        map_location (str, optional): Not used: tensors come to the CPU.

    Returns:
        dict | None: None if the folder was not exported.

    Raises:
        ValueError: A file is missing, damaged or another one than was
            written, or the format is newer; names the file.
    """
    path = osp.join(folder, DESCRIPTION)
    if not osp.isfile(path):
        return None
    try:
        with open(path, encoding='utf-8') as f:
            description = json.load(f)
    except json.JSONDecodeError as e:
        raise ValueError(f'{path} is damaged: export the checkpoint again '
                         f'({e})') from e
    if description['format'] > FORMAT:
        raise ValueError(f'{folder}: format {description["format"]} is newer '
                         f'than this version of lvlm_var_mm reads ({FORMAT})')
    tensors = {}
    for file, written in description['sha256'].items():
        path = osp.join(folder, file)
        if not osp.isfile(path) or sha256(path) != written:
            what = 'changed' if osp.isfile(path) else 'missing'
            raise ValueError(f'{path} is {what} since it was exported: '
                             'export the checkpoint again')
        tensors[file] = load_file(path)
    keys = description['adapter_keys']
    return dict(
        meta=dict(),
        state_dict={
            **tensors[ACTION],
            **{keys[k]: v for k, v in tensors[ADAPTER].items()},
            **{k: to_bytes(v) for k, v in description['extra_state'].items()}
        })


FOLDERS.append(load_export)


def sha256(path: str) -> str:
    """Hash a file's content."""
    digest = hashlib.sha256()
    with open(path, 'rb') as f:
        while chunk := f.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _size(path: str) -> int:
    if osp.isfile(path):
        return osp.getsize(path)
    return sum(osp.getsize(osp.join(folder, file))
               for folder, _, files in os.walk(path) for file in files)
