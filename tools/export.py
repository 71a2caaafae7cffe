"""Write a checkpoint as a folder that others can read.

    python tools/export.py CONFIG CHECKPOINT OUT [--merged]

OUT/adapter is a plain PEFT adapter, for `PeftModel.from_pretrained(base,
'OUT/adapter')`; OUT/merged, if asked for, is the whole language model for
plain transformers. OUT itself goes wherever a checkpoint goes:

    python tools/test.py CONFIG OUT
"""
import argparse

from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('out', help='the folder to write; must not exist')
    parser.add_argument('--merged', action='store_true',
                        help='write the merged language model as well')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE',
                        help='override settings of the config')
    parser.set_defaults(launcher='none', work_dir=None)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.registry import init_default_scope
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.export import export


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    init_default_scope('mmaction')
    sizes = export(cfg, args.checkpoint, args.out, args.merged)
    rows = [('in ' + args.out, 'MB'),
            *((name, f'{size / 1e6:.2f}') for name, size in sizes.items())]
    print(AsciiTable(rows).table)


if __name__ == '__main__':
    with user_errors():
        main()
