"""Test a checkpoint: the flags are those of MMAction2's tools/test.py.

python tools/test.py configs/lvlmvar_quickstart.py CHECKPOINT

Ends with a table of the metrics and, for LVLM-VAR, some clips with their
narrative, the class and the reason given for it (--explain).
"""
import argparse
import os
import os.path as osp
import random
import textwrap

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file, or a folder '
                        'that tools/export.py has written')
    parser.add_argument('--work-dir', help='where the metrics go; default: '
                        'work_dirs/<config name>')
    parser.add_argument('--dump', metavar='PKL',
                        help='write the predictions to a pickle')
    parser.add_argument('--explain', type=int, default=3, metavar='N',
                        help='clips to explain; 0 for none (default 3)')
    parser.add_argument('--classes', metavar='FILE',
                        help='choose from the names in this file, one '
                        '`name | description` a line, in label order')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='override settings of the config')
    parser.add_argument('--show-dir', help='where rendered clips go')
    parser.add_argument('--show', action='store_true',
                        help='show rendered clips in a window')
    parser.add_argument('--interval', type=int, default=1,
                        help='render every INTERVAL-th clip')
    parser.add_argument('--wait-time', type=float, default=2,
                        help='seconds a rendered clip is shown')
    parser.add_argument('--launcher', default='none',
                        choices=['none', 'pytorch', 'slurm', 'mpi'])
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import FlexibleRunner, Runner
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries, stock configs too
from lvlm_var_mm.apis import explain
from lvlm_var_mm.checkpoint.strict import load_strictly
from lvlm_var_mm.cli import join_processes, load_config, user_errors
from lvlm_var_mm.engine.start import short_log
from lvlm_var_mm.models import LVLMHead
from lvlm_var_mm.models.heads.base import LVLMBaseHead
from mmaction.registry import RUNNERS


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """The command line over the config."""
    if not osp.exists(args.checkpoint) and '://' not in args.checkpoint:
        raise FileNotFoundError(f'no checkpoint at {args.checkpoint}')
    cfg.load_from = args.checkpoint
    if cfg.launcher == 'none':  # one process has nothing to shard
        cfg.pop('runner_type', None)
    if args.show or args.show_dir is not None:
        # Set as a whole: what `setdefault` of a config returns is a copy.
        cfg.default_hooks.visualization = dict(
            type='AnswerPicturesHook', enable=True, show=args.show,
            out_dir=args.show_dir, interval=args.interval,
            wait_time=args.wait_time)
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise ValueError(f'--dump {args.dump}: must end in .pkl')
        evaluator = cfg.test_evaluator
        if not isinstance(evaluator, (list, tuple)):
            evaluator = [evaluator]
        cfg.test_evaluator = [
            *evaluator, dict(type='DumpResults', out_file_path=args.dump)
        ]
    return cfg


def use_classes(runner: Runner, file: str) -> None:
    """Let the model choose from other names than those it was trained on.

    Raises:
        ValueError: The model does not score names, or the test set has more
            classes than the file has names.
        FileNotFoundError: No such file.
    """
    if isinstance(runner, FlexibleRunner):  # it builds its model later
        raise ValueError('--classes goes with `runner_type` FlexibleRunner '
                         'in one process alone, without --launcher')
    head = getattr(runner.model, 'module', runner.model).cls_head
    if not isinstance(head, LVLMHead):
        raise ValueError(f'--classes: {type(head).__name__} does not score '
                         'class names; LVLMHead does')
    head.set_classes(file)
    head.same_task = False  # the checkpoint has its own names
    dataset = runner.test_loop.dataloader.dataset
    # The base class's: the list alone, no sample is read for its label. A
    # ConcatDataset has none of it and asks its parts.
    kind = BaseDataset if isinstance(dataset, BaseDataset) else type(dataset)
    highest = max(kind.get_data_info(dataset, i)['label']
                  for i in range(len(dataset)))
    if highest >= head.num_classes:
        raise ValueError(
            f'--classes {file} lists {head.num_classes} names, but the test '
            f'set has label {highest}: write one name a line for each label')


def show_summary(runner: Runner, metrics: dict,
                 args: argparse.Namespace) -> None:
    """Print the table of a test run."""
    dataset = runner.test_dataloader.dataset
    rows = [('config', args.config), ('checkpoint', args.checkpoint),
            ('clips', len(dataset))]
    note = dataset.metainfo.get('note')
    if note:
        rows.append(('data', note))
    rows += [(name, f'{value:.4f}' if isinstance(value, float) else value)
             for name, value in metrics.items()]
    table = AsciiTable(rows, title='test')
    table.inner_heading_row_border = False
    print(table.table)


def show_explanations(runner: Runner, number: int) -> None:
    """Print some clips of the test set, always the same, explained."""
    model = runner.model.module if is_model_wrapper(
        runner.model) else runner.model
    dataset = runner.test_dataloader.dataset
    if not isinstance(getattr(model, 'cls_head', None), LVLMBaseHead):
        return
    number = min(number, len(dataset))
    # Evenly spaced clips would often be of one class: names count actions.
    chosen = random.Random(0).sample(range(len(dataset)), number)
    # A sharded model takes all processes to answer.
    clips = explain(model, dataset, chosen) if chosen else ()
    for clip in clips if is_main_process() else ():
        mark = 'right' if clip['answer'] == clip['truth'] else 'wrong'
        rows = [('narrative', clip['narrative']),
                ('answer', f'{clip["answer"]} ({clip["score"]:.2f}, {mark}; '
                 f'truth: {clip["truth"]})'), ('reason', clip['reason'])]
        rows = [(k, '\n'.join(textwrap.wrap(v, 60))) for k, v in rows]
        table = AsciiTable(rows, title=clip['name'])
        table.inner_heading_row_border = False
        print(table.table)


def main() -> None:
    args = parse_args()
    cfg = merge_args(load_config(args), args)
    join_processes(cfg)
    with short_log(started=True):
        runner = (RUNNERS.build(cfg)
                  if 'runner_type' in cfg else Runner.from_cfg(cfg))
        if args.classes:
            use_classes(runner, args.classes)
        load_strictly(runner)
        metrics = runner.test()
    if is_main_process():
        show_summary(runner, metrics, args)
    show_explanations(runner, args.explain)


if __name__ == '__main__':
    with user_errors():
        main()
