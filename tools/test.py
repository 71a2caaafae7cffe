"""Test a checkpoint: the flags are those of MMAction2's tools/test.py.

python tools/test.py configs/lvlmvar_quickstart.py CHECKPOINT

Ends with a table of the metrics and, for LVLM-VAR, some clips with their
narrative, the class, the reason given for it (--explain) and, where there are
joints, what of the reason is true of them.
"""
import argparse
import os
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
    parser.add_argument('--explain-all', action='store_true',
                        help='write the reason of every clip, and the truth '
                        'of its\nclaims: `pred_reason` and `pred_claims` of '
                        '--dump')
    parser.add_argument('--verify', action='store_true',
                        help='rewrite or leave out of reasons what the joints '
                        'contradict')
    parser.add_argument('--classes', metavar='FILE',
                        help='choose from the names in this file, one '
                        '`name | description` a line, in label order')
    parser.add_argument('--claims', nargs='?', const='alone', metavar='WEIGHT',
                        help='let what the descriptions claim of the joints '
                        'choose the\nclass, alone or with this weight beside '
                        'the model (docs/zero_shot.md);\nwith --classes, '
                        'alone, of any model')
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
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.checkpoint.strict import load_strictly
from lvlm_var_mm.class_lists import load_classes
from lvlm_var_mm.cli import join_processes, load_config, user_errors
from lvlm_var_mm.engine.start import short_log
from lvlm_var_mm.models import LVLMHead
from lvlm_var_mm.models.heads.base import LVLMBaseHead
from mmaction.registry import MODELS, RUNNERS

# How a claim fares on the joints.
TRUTH = {True: 'true: ', False: 'false:', None: '?:    '}


def merge_args(cfg: Config, args: argparse.Namespace) -> Config:
    """The command line over the config."""
    cfg.load_from = find_checkpoint(args.checkpoint)
    if cfg.launcher == 'none':  # one process has nothing to shard
        cfg.pop('runner_type', None)
    if args.show or args.show_dir is not None:
        # Set as a whole: what `setdefault` of a config returns is a copy.
        cfg.default_hooks.visualization = dict(
            type='AnswerPicturesHook', enable=True, show=args.show,
            out_dir=args.show_dir, interval=args.interval,
            wait_time=args.wait_time)
    if args.explain_all or args.verify:
        _check_explainable(cfg, args)
    if args.explain_all:
        cfg.model.cls_head.explain = dict(verify=args.verify)
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise ValueError(f'--dump {args.dump}: must end in .pkl')
        evaluator = cfg.test_evaluator
        if not isinstance(evaluator, (list, tuple)):
            evaluator = [evaluator]
        # First, so that a metric which fails takes no dump along.
        cfg.test_evaluator = [
            dict(type='DumpResults', out_file_path=args.dump), *evaluator
        ]
    return cfg


def _check_explainable(cfg: Config, args: argparse.Namespace) -> None:
    """Refuse flags that would do nothing, or that the head does not take.

    Raises:
        ValueError: Of the flag.
    """
    flag = '--explain-all' if args.explain_all else '--verify'
    kind = cfg.model.get('cls_head', {}).get('type')
    head = MODELS.get(kind) if isinstance(kind, str) else kind
    if not (isinstance(head, type) and issubclass(head, LVLMBaseHead)):
        raise ValueError(f'{flag}: {getattr(head, "__name__", kind)} gives no '
                         'reasons; leave it out, or test a config of LVLM-VAR')
    if not args.explain_all and args.explain <= 0:
        raise ValueError('--verify: no reason is written; add --explain-all, '
                         'or --explain with a number above 0')


def use_claims(cfg: Config, args: argparse.Namespace) -> None:
    """Let the claims of the descriptions choose the class.

    Raises:
        ValueError: The weight is no number.
    """
    weight = None
    if args.claims != 'alone':
        try:
            weight = float(args.claims)
        except ValueError:
            raise ValueError(f'--claims {args.claims}: the weight must be a '
                             'number; none lets claims decide alone') from None
    cfg.custom_hooks = [*cfg.get('custom_hooks', ()), dict(
        type='ClaimScoresHook', weight=weight, class_names=args.classes)]


def use_classes(runner: Runner, file: str,
                claims_alone: bool = False) -> None:
    """Let the model choose from other names than those it was trained on.

    Args:
        runner (Runner): With the model.
        file (str): The names.
        claims_alone (bool): The scores of the model go unused, so it may be
            one that does not score names.

    Raises:
        ValueError: The model does not score names, or the test set has more
            classes than the file has names.
        FileNotFoundError: No such file.
    """
    if isinstance(runner, FlexibleRunner):  # it builds its model later
        raise ValueError('--classes goes with `runner_type` FlexibleRunner '
                         'in one process alone, without --launcher')
    head = getattr(runner.model, 'module', runner.model).cls_head
    if isinstance(head, LVLMHead):
        head.set_classes(file)
        head.same_task = False  # the checkpoint has its own names
    elif not claims_alone:
        raise ValueError(f'--classes: {type(head).__name__} does not score '
                         'class names; LVLMHead does, and so do --claims')
    dataset = runner.test_loop.dataloader.dataset
    # The base class's: the list alone, no sample is read for its label. A
    # ConcatDataset has none of it and asks its parts.
    kind = BaseDataset if isinstance(dataset, BaseDataset) else type(dataset)
    highest = max(kind.get_data_info(dataset, i)['label']
                  for i in range(len(dataset)))
    number = len(load_classes(file).names)
    if highest >= number:
        raise ValueError(
            f'--classes {file} lists {number} names, but the test set has '
            f'label {highest}: write one name per line for each label')


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


def show_explanations(runner: Runner, number: int,
                      verify: bool = False) -> None:
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
    clips = explain(model, dataset, chosen, verify) if chosen else ()
    for clip in clips if is_main_process() else ():
        mark = 'right' if clip['answer'] == clip['truth'] else 'wrong'
        rows = [('narrative', clip['narrative']),
                ('answer', f'{clip["answer"]} ({clip["score"]:.2f}, {mark}; '
                 f'truth: {clip["truth"]})'),
                ('reason', clip['reason'] or '(nothing that is true)')]
        rows += [('', f'{TRUTH[truth]} {text}')
                 for text, truth in clip['claims']]
        rows = [(k, '\n'.join(textwrap.wrap(v, 60))) for k, v in rows]
        table = AsciiTable(rows, title=clip['name'])
        table.inner_heading_row_border = False
        print(table.table)
    if clips and is_main_process():
        print(f'a reason took {clips[0]["seconds"]:.2f} s a clip, '
              f'{len(clips)} clips at a time')


def main() -> None:
    args = parse_args()
    cfg = merge_args(load_config(args), args)
    if args.claims:
        use_claims(cfg, args)
    join_processes(cfg)
    with short_log(started=True):
        runner = (RUNNERS.build(cfg)
                  if 'runner_type' in cfg else Runner.from_cfg(cfg))
        if args.classes:
            use_classes(runner, args.classes, args.claims == 'alone')
        load_strictly(runner)
        metrics = runner.test()
    if is_main_process():
        show_summary(runner, metrics, args)
    show_explanations(runner, args.explain, args.verify)


if __name__ == '__main__':
    with user_errors():
        main()
