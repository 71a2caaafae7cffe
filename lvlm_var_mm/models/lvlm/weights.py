"""The files of weights in a model folder: there, whole and of one shape."""
import json
import os.path as osp
from typing import Dict, List

import transformers
from safetensors import SafetensorError, safe_open


def weight_problems(folder: str) -> List[str]:
    """Say what keeps the weights of a model folder from being loaded."""
    index = osp.join(folder, 'model.safetensors.index.json')
    if osp.isfile(index):
        try:
            with open(index, encoding='utf-8') as f:
                where = json.load(f)['weight_map']
        except (ValueError, KeyError) as e:
            return [f'{osp.basename(index)} is damaged ({e!r})']
    elif osp.isfile(osp.join(folder, 'model.safetensors')):
        where = {}
    elif any(osp.isfile(osp.join(folder, f'pytorch_model.bin{end}'))
             for end in ('', '.index.json')):
        return []  # the older form, a pickle, not to be looked into
    else:
        return ['no weights (model.safetensors)']
    problems, shapes = [], {}
    for name in sorted(set(where.values())) or ['model.safetensors']:
        file = osp.join(folder, name)
        if not osp.isfile(file):
            problems.append(f'{name} is missing')
            continue
        try:
            # The header says how long the file must be.
            with safe_open(file, 'pt') as tensors:
                shapes.update({k: tensors.get_slice(k).get_shape()
                               for k in tensors.keys()})
        except (SafetensorError, OSError) as e:
            problems.append(f'{name} is damaged or cut short ({e})')
    lost = sorted(set(where) - set(shapes))
    if lost and not problems:
        some = ', '.join(lost[:3])
        problems.append(f'{len(lost)} weights stand in the index but in no '
                        f'file, such as {some}')
    return problems or _shape_problems(folder, shapes)


def _shape_problems(folder: str, shapes: Dict) -> List[str]:
    try:
        text = transformers.AutoConfig.from_pretrained(
            folder).get_text_config()
    except (ValueError, OSError) as e:
        return [f'config.json is damaged or of an unknown model ({e})']
    words = [s for k, s in shapes.items() if k.endswith('embed_tokens.weight')]
    if words and words[0][1] != text.hidden_size:
        return [f'config.json has hidden_size {text.hidden_size}, the '
                f'weights {words[0][1]}']
    return []
