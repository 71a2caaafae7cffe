"""Parameters of a recognizer with LLaVA-1.5-13B, counted without weights.

    python tools/perf/llava_shape.py [configs/lvlmvar_ntu60_xsub.py]

The whole recognizer of the config is built on the meta device, its language
model in the published shape of LLaVA-1.5-13B and with the config's own LoRA.
Buffers, such as the codebook, are no parameters. The last line is JSON.
"""
import argparse
import json
import os.path as osp
from typing import Dict


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', nargs='?',
                        default='configs/lvlmvar_ntu60_xsub.py',
                        help='config file (default: %(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable
from torch import nn

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.estimate.shapes import WordTokenizer, llava
from lvlm_var_mm.models.lvlm.build import trainable_parameters
from lvlm_var_mm.shipped import find_config
from mmaction.registry import MODELS


def build_on_meta(config: str) -> nn.Module:
    """The recognizer of a config file, with LLaVA-1.5-13B in its head.

    Raises:
        FileNotFoundError: No such config.
        ValueError: It has no LVLMHead.
    """
    if not osp.isfile(config):
        raise FileNotFoundError(f'no config file {config}')
    cfg = Config.fromfile(find_config(config))
    if cfg.model.cls_head.type != 'LVLMHead':
        raise ValueError(f'{config}: the head is no LVLMHead')
    init_default_scope('mmaction')
    # Set, not updated, which would keep the path of the weights.
    cfg.model.cls_head.lvlm = dict(type=llava)
    cfg.model.cls_head.tokenizer = dict(type=WordTokenizer)
    with torch.device('meta'):
        return MODELS.build(cfg.model)


def count_parts(model: nn.Module) -> Dict[str, Dict[str, int]]:
    """``total`` and ``trainable`` parameters of each part and the whole. The
    head stands without its language model: its projector and the scale."""
    parts = dict(
        backbone=model.backbone, neck=model.neck, head=model.cls_head,
        llm=model.cls_head.lvlm, whole=model)
    counts = {name: trainable_parameters(m) for name, m in parts.items()}
    for key, number in counts['llm'].items():
        counts['head'][key] -= number
    return counts


def summary(counts: Dict[str, Dict[str, int]]) -> Dict:
    """The figures of the last line."""
    total, trainable = (counts['whole'][k] for k in ('total', 'trainable'))
    return dict(
        total=total,
        trainable=trainable,
        trainable_percent=round(100 * trainable / total, 3),
        lora=counts['llm']['trainable'],
        projector=counts['head']['trainable'],
        backbone=counts['backbone']['trainable'],
        neck=counts['neck']['trainable'])


def main() -> None:
    args = parse_args()
    config = args.config
    counts = count_parts(build_on_meta(config))
    rows = [('part', 'parameters', 'trainable')]
    rows += [(name, f'{n["total"]:,}', f'{n["trainable"]:,}')
             for name, n in counts.items()]
    table = AsciiTable(rows, title=f'LLaVA-1.5-13B, {osp.basename(config)}')
    table.justify_columns = {1: 'right', 2: 'right'}
    print(table.table)
    print(json.dumps(summary(counts)))


if __name__ == '__main__':
    with user_errors():
        main()
