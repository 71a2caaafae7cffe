"""What training a config takes: parameters, memory of each GPU, time.

    python tools/estimate.py CONFIG [--machine 1x80 8x24 8x80]
        [--batch-size N] [--tflops RATE] [--share 0.4] [--samples N]

No weights and no data are needed. Language model and backbone take their step
at real size on tensors without content, and what is alive in it is counted; the
neck runs on noise. The memory is for plain data parallelism, every GPU with the
whole model, unless `strategy` of the config shards it; it holds an allowance of
1.5 GB for CUDA. Hours are those of an A100 and an H100 that reach `--share` of
what their data sheets promise, in matrix products (bfloat16, dense) and in
moving memory; reading the data comes on top. `--tflops` adds another GPU; it is
measured here if there is one. The last line is JSON.
"""
import argparse
import json
import time

import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.estimate import (GPU, GPUS, Footprint, Machine, Schedule,
                                  Work, backbone_step, build_without_weights,
                                  clips_of, fake_batch, keyframe_positions,
                                  memory_of, names_of_a_batch, positions,
                                  scoring_step, stage_hours, train_step,
                                  weight_bytes)
from lvlm_var_mm.estimate.hours import READS, VALIDATION, WAITS
from lvlm_var_mm.estimate.memory import GB, Shards, largest, quantised
from lvlm_var_mm.models.lora import trainable_parameters
from mmaction.registry import MODELS


def parse_args():
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
                        'operations a second')
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


def measured_tflops():
    """Of the GPU at hand, None without."""
    if not torch.cuda.is_available():
        return None
    a = torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16)
    best = 0.
    for _ in range(10):
        torch.cuda.synchronize()
        start = time.perf_counter()
        a @ a
        torch.cuda.synchronize()
        best = max(best, 2 * 8192**3 / (time.perf_counter() - start))
    return best / 1e12


def main():
    args = parse_args()
    machines = [Machine.parse(text) for text in args.machine]
    cfg = load_config(args)
    init_default_scope('mmaction')
    head = build_without_weights(cfg)
    light = MODELS.build({k: v for k, v in cfg.model.items()
                          if k != 'cls_head'})
    bits, double = quantised(cfg)
    shards = Shards.of(cfg, head)
    weights, dequantised = weight_bytes(head, bits, double)
    weights += sum(p.numel() * 4 for p in light.parameters())
    counts = {part: trainable_parameters(module) for part, module in dict(
        backbone=light.backbone, neck=light.neck, head=head).items()}
    total, trained = (sum(c[k] for c in counts.values())
                      for k in ('total', 'trainable'))

    bfloat16 = (cfg.optim_wrapper.type == 'BFloat16OptimWrapper' or
                cfg.get('strategy', {}).get('autocast') == 'bfloat16')
    sizes = 2, 4
    batches = {n: fake_batch(cfg, n) for n in sizes}
    frames = keyframe_positions(head, batches[2][0]['data_samples'])
    vst = {n: backbone_step(light, batch) for n, batch in batches.items()}
    tokens = light.neck.num_tokens * len(light.neck.parts or [0])
    batch = args.batch_size or cfg.train_dataloader.batch_size
    names = names_of_a_batch(head, batch)
    read = positions(head, tokens, frames, names)
    llm = {n: train_step(head, n, tokens, bfloat16, frames, names)
           for n in sizes}
    steps = {n: vst[n] + llm[n] for n in sizes}

    rows = [('part', 'parameters', 'trained')]
    rows += [(part, f'{c["total"]:,}', f'{c["trainable"]:,}')
             for part, c in counts.items()]
    rows.append(('whole', f'{total:,}', f'{trained:,}'))
    print(AsciiTable(rows, title=args.config).table)

    out, rows = {}, [('GB on each GPU, clips on it', *map(str, machines))]
    for machine in machines:
        def of(clips):
            return memory_of(clips, steps, weights, trained,
                             cfg.optim_wrapper.optimizer.type, machine.gpus,
                             dequantised, shards)
        found = of(batch)
        out[str(machine)] = dict(
            {f'{k}_gb': v / GB for k, v in found._asdict().items()
             if k != 'clips'},
            clips=batch, total_gb=found.total / GB,
            fits=found.total <= machine.memory * GB,
            largest_batch=largest(machine.memory * GB, of))
    figures = list(out.values())
    rows += [(key.replace('_gb', ''), *(f'{f[key]:.2f}' for f in figures))
             for key in figures[0] if key.endswith('_gb')]
    rows += [(key.replace('_', ' '), *(f[key] for f in figures))
             for key in ('clips', 'fits', 'largest_batch')]

    title = ('plain data parallelism' if shards is None else
             cfg.strategy.type + ', where GPUs are several')
    table = AsciiTable(
        rows, title=title + (f', base in {bits} bits' if bits else ''))
    print(table.table)
    names_share = read['names'] / sum(read.values())
    print(f'{names} of {head.num_classes} class names are read for each clip: '
          f"{names_share:.0%} of the language model's positions in training")

    samples = args.samples or clips_of(cfg)
    tflops = args.tflops or measured_tflops()
    hours = {}
    if samples:
        kinds = dict(GPUS, **{f'{tflops:g} TFLOPS': GPU.of(tflops)}
                     if tflops else {})
        hours = hours_of(cfg, Work(*(per_clip(x, batch) for x in (
            vst, steps, {n: vst[n] + scoring_step(
                head, n, tokens, bfloat16, frames) for n in sizes}))),
            samples, kinds, args.share, sorted({m.gpus for m in machines}))
    else:
        print('no hours: give --samples, the clips of an epoch')
    print(json.dumps(dict(
        total=total, trained=trained, machines=out, samples=samples,
        positions=read, names_share=names_share, tflops=tflops,
        share=args.share, hours=hours, tflop_per_clip=dict(
            tokens=vst[4].flops / 4e12, whole=steps[4].flops / 4e12))))


def per_clip(steps, batch):
    """What a clip of a batch takes, by the steps of two batches: weights are
    read once a step."""
    (a, first), (b, second) = sorted(steps.items())
    slope = (second.traffic - first.traffic) / (b - a)
    traffic = first.traffic + slope * (batch - a)
    return Footprint(0, second.flops / b, traffic / batch)


def hours_of(cfg, work, samples, kinds, share, numbers):
    """Print the hours of each stage; return them, of one GPU of each kind."""
    schedule = Schedule.of(cfg)
    val = clips_of(cfg, 'val_dataloader') if cfg.get('val_dataloader') else 0
    found = {f'{n} x {kind}': stage_hours(work, schedule, samples, val, gpu,
                                          share, n)
             for n in numbers for kind, gpu in kinds.items()}
    epochs = {WAITS: schedule.waiting, READS: schedule.reading,
              VALIDATION: schedule.val_reading}
    rows = [('hours', 'times', *found)]
    rows += [(stage, epochs.get(stage, ''),
              *(f'{hours[stage]:.3g}' for hours in found.values()))
             for stage in (*epochs, 'whole')]
    print(AsciiTable(rows, title=f'{samples:,} clips, at {share:.0%} of what '
                     'the GPU promises').table)
    for kind, gpu in kinds.items():
        print(f'{kind}: {gpu.flops / 1e12:g} TFLOPS in bfloat16, '
              f'{gpu.bandwidth / 1e12:.2f} TB/s')
    return {kind: stage_hours(work, schedule, samples, val, gpu, share)
            for kind, gpu in kinds.items()}


if __name__ == '__main__':
    with user_errors():
        main()
