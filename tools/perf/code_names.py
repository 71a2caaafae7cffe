"""Measure the tokens of a checkpoint, and whether their names are true.

    python tools/perf/code_names.py CONFIG CHECKPOINT [--support 30]
        [--truth 0.78] [--keep] [--narratives 6]

Names the codes from the training clips as CodeNamesHook does (``--keep``: as
the checkpoint has them), then runs the test clips through backbone and neck
alone; the language model is not read. Prints the names with their evidence,
some narratives and the figures of TokenMetric, of which `named` is the share
of steps whose code has a name and `names_true` the share of these during which
the joints show it. The last line is JSON.
"""
import argparse
import json
import random
from typing import Dict, Tuple

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--support', type=int, default=30,
                        help='steps that a code needs (default: %(default)s)')
    parser.add_argument('--truth', type=float, default=0.78,
                        help='share of them that its name must be true of, '
                        'see CodeNamesHook (default: %(default)s)')
    parser.add_argument('--keep', action='store_true',
                        help='the names that the checkpoint has')
    parser.add_argument('--narratives', type=int, default=6, metavar='N',
                        help='test clips to print (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import torch
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from terminaltables import AsciiTable
from torch import nn
from torch.utils.data import DataLoader

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis.explain import load_tokenizer
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.engine.code_names import count_events
from lvlm_var_mm.models.heads.narrative import write_tokens
from lvlm_var_mm.models.vst.code_names import UNNAMED, VOCABULARY, name_codes
from lvlm_var_mm.shipped import find_config
from mmaction.utils import SampleList


@torch.no_grad()
def evaluate(model: nn.Module, loader: DataLoader,
             evaluator: Evaluator) -> Tuple[Dict, SampleList]:
    """The figures, and the data samples with their narratives."""
    told = []
    for data in loader:
        data = model.data_preprocessor(data, False)
        feats, _ = model.extract_feat(data['inputs'], test_mode=True)
        samples = write_tokens(feats, data['data_samples'])
        evaluator.process(samples, data)
        told += samples
    return evaluator.evaluate(len(told)), told


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    torch.manual_seed(0)
    model = load_tokenizer(cfg, args.checkpoint)
    counts, totals = count_events(
        model, Runner.build_dataloader(cfg.train_dataloader, seed=0), 10**9)
    if not args.keep:
        model.neck.code_names = name_codes(counts, totals, args.support,
                                           args.truth)
    metric = dict(type='TokenMetric',
                  codebook_size=len(model.neck.code_names))
    loader = Runner.build_dataloader(cfg.test_dataloader, seed=0)
    figures, samples = evaluate(model, loader, Evaluator(metric))

    rows = [('code', 'name', 'steps', 'true of')]
    for code in totals.argsort(descending=True).tolist():
        name = model.neck.code_names[code]
        if name != UNNAMED and name in VOCABULARY:
            share = counts[code, VOCABULARY.index(name)] / totals[code]
            rows.append((f'a{code}', name, int(totals[code]), f'{share:.2f}'))
    print(AsciiTable(rows, title='names, on the training clips').table)
    number = min(args.narratives, len(samples))
    for i in sorted(random.Random(0).sample(range(len(samples)), number)):
        print(f'{samples[i].get("frame_dir")}: {samples[i].pred_narrative}')
    print(json.dumps(dict(
        {key.split('/')[1]: value for key, value in figures.items()},
        codes_named=sum(n != UNNAMED for n in model.neck.code_names),
        distinct_names=len(set(model.neck.code_names) - {UNNAMED}),
        clips=len(samples), support=args.support, truth=args.truth)))


if __name__ == '__main__':
    with user_errors():
        main()
