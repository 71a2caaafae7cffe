"""Estimate what training a config takes: parameters, GPU memory, time.

    python tools/estimate.py CONFIG [--machine 1x80 8x24 8x80]
        [--batch-size N] [--tflops RATE] [--share 0.4] [--samples N]

No weights and no data are needed. Language model and backbone take their
step at real size on tensors without content, and what is alive in it is
counted; the neck runs on noise. The memory is for plain data parallelism,
every GPU with the whole model, unless `strategy` of the config shards it; it
holds an allowance of 1.5 GB for CUDA. Hours are those of an A100 and an H100
that reach `--share` of what their data sheets promise, in matrix products
(bfloat16, dense) and, for the backbone, in moving memory; reading the data
comes on top.
`--tflops` adds another GPU; it is measured here if there is one. The last line
is JSON.
"""
import argparse
import json
from typing import Dict, List

from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--machine', nargs='+', default=['1x80', '8x24',
                                                         '8x80'],
                        help='GPUs x gigabytes of each (default: 1x80 8x24 '
                        '8x80)')
    parser.add_argument('--batch-size', type=int,
                        help="clips on a GPU (default: the config's)")
    parser.add_argument('--tflops', type=float,
                        help='bfloat16 matrix products of a GPU, 1e12 '
                        'operations per second')
    parser.add_argument('--share', type=float, default=.4,
                        help='of the rate of a GPU, what training reaches '
                        '(default: %(default)s)')
    parser.add_argument('--samples', type=int,
                        help='clips of an epoch (default: of the data set, or '
                        'its published size)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE',
                        help='override settings of the config')
    parser.set_defaults(launcher='none', work_dir=None)
    args = parser.parse_args()
    for name in ('batch_size', 'tflops', 'share', 'samples'):
        value = getattr(args, name)
        if value is not None and value <= 0:
            parser.error(f'--{name.replace("_", "-")} must be above 0')
    return args


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.registry import init_default_scope
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.estimate import (GPU, GPUS, Machine, Plan, Schedule, clips_of,
                                  measured_tflops, stage_hours)
from lvlm_var_mm.estimate.hours import READS, VALIDATION, WAITS
from lvlm_var_mm.estimate.memory import GB, largest


def main() -> None:
    args = parse_args()
    machines = [Machine.parse(text) for text in args.machine]
    cfg = load_config(args)
    init_default_scope('mmaction')
    plan = Plan.of(cfg, args.batch_size)
    print_parts(plan, args.config)
    memory = memory_on(plan, machines)
    print_memory(plan, memory)
    names_share = plan.positions['names'] / sum(plan.positions.values())
    print(f'{plan.names} of {plan.head.num_classes} class names are read with '
          f"each clip: {names_share:.0%} of the language model's positions in "
          'training')

    tflops = args.tflops or measured_tflops()
    kinds = dict(GPUS, **{f'{tflops:g} TFLOPS': GPU.of(tflops)}
                 if tflops else {})
    samples, hours = args.samples or clips_of(cfg), {}
    if samples:
        schedule = Schedule.of(cfg)
        val = clips_of(cfg, 'val_dataloader') if cfg.get(
            'val_dataloader') else None

        def hours_of(kind, number):
            return stage_hours(plan.work, schedule, samples, val, kinds[kind],
                               args.share, number)
        hours = {kind: hours_of(kind, 1) for kind in kinds}
        print_hours({f'{n} x {kind}': hours_of(kind, n)
                     for n in sorted({m.gpus for m in machines})
                     for kind in kinds}, schedule)
        for kind, gpu in kinds.items():
            print(f'{kind}: {args.share:.0%} of {gpu.flops / 1e12:g} TFLOPS '
                  f'in bfloat16 and of {gpu.bandwidth / 1e12:.2f} TB/s; '
                  f'{samples:,} clips')
    else:
        print('no hours: give --samples, the clips of an epoch')
    print(json.dumps(dict(
        total=sum(c['total'] for c in plan.parts.values()),
        trained=plan.trained, machines=memory, samples=samples,
        positions=plan.positions, names_share=names_share, tflops=tflops,
        share=args.share, hours=hours, tflop_per_clip=dict(
            tokens=plan.work.waits.flops / 1e12,
            whole=plan.work.reads.flops / 1e12))))


def print_parts(plan: Plan, title: str) -> None:
    rows = [(part, f'{c["total"]:,}', f'{c["trainable"]:,}')
            for part, c in plan.parts.items()]
    whole = sum(c['total'] for c in plan.parts.values())
    print(AsciiTable([('part', 'parameters', 'trained'), *rows,
                      ('whole', f'{whole:,}', f'{plan.trained:,}')],
                     title=title).table)


def memory_on(plan: Plan, machines: List[Machine]) -> Dict[str, Dict]:
    """The figures of each machine."""
    out = {}
    for machine in machines:
        def of(clips):
            return plan.memory(clips, machine.gpus)
        found = of(plan.batch)
        out[str(machine)] = dict(
            {f'{k}_gb': v / GB for k, v in found._asdict().items()
             if k != 'clips'},
            clips=plan.batch, total_gb=found.total / GB,
            fits=found.total <= machine.memory * GB,
            largest_batch=largest(machine.memory * GB, of))
    return out


def print_memory(plan: Plan, memory: Dict[str, Dict]) -> None:
    figures = list(memory.values())
    rows = [('GB on each GPU, clips on it', *memory)]
    rows += [(key.replace('_gb', ''), *(f'{f[key]:.2f}' for f in figures))
             for key in figures[0] if key.endswith('_gb')]
    rows += [(key.replace('_', ' '), *(f[key] for f in figures))
             for key in ('clips', 'fits', 'largest_batch')]
    title = ('plain data parallelism' if plan.shards is None else
             'sharded, where GPUs are several')
    print(AsciiTable(rows, title=title + (
        f', base in {plan.bits} bits' if plan.bits else '')).table)


def print_hours(hours: Dict[str, Dict], schedule: Schedule) -> None:
    epochs = {WAITS: schedule.waiting, READS: schedule.reading,
              VALIDATION: schedule.val_reading}
    rows = [('hours of a stage', 'epochs', *hours)]
    rows += [(stage, epochs.get(stage, ''),
              *(f'{found[stage]:.3g}' for found in hours.values()))
             for stage in (*epochs, 'whole')]
    print(AsciiTable(rows).table)


if __name__ == '__main__':
    with user_errors():
        main()
