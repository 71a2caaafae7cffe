"""What training a config takes: parameters, memory of each GPU, time.

    python tools/estimate.py CONFIG [--machine 1x80 8x24 8x80]
        [--batch-size N] [--tflops RATE] [--share 0.5] [--samples N]

No weights and no data are needed. Language model and backbone take their step
at real size on tensors without content, and what is alive in it is counted; the
neck runs on noise. The memory is for plain data parallelism, every GPU with the
whole model, unless `strategy` of the config
shards it; it holds an allowance of 1.5 GB for CUDA. For a time, say what the
GPU does: `--tflops` is its rate in bfloat16 matrix products, measured here if
there is a GPU; `--share` is how much of that training reaches. The last line
is JSON.
"""
import argparse
import json
import time

from mmengine.config import DictAction


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
    parser.add_argument('--share', type=float, default=.5,
                        help='of that rate which training reaches '
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

import torch
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.datasets.ntu.census import PUBLISHED
from lvlm_var_mm.estimate import (Machine, backbone_step,
                                  build_without_weights, fake_batch,
                                  keyframe_positions, memory_of, train_step,
                                  weight_bytes)
from lvlm_var_mm.estimate.memory import GB, Shards, largest, quantised
from lvlm_var_mm.models.lvlm.build import trainable_parameters, usable_dtype
from mmaction.registry import DATASETS, MODELS


def samples_of(cfg):
    """Clips of an epoch, None if neither the data nor its size is known."""
    dataset = cfg.train_dataloader.dataset.copy()
    dataset.pop('make_sample', None)  # it would be made for this
    try:
        return len(DATASETS.build(dataset))
    except (FileNotFoundError, ValueError):
        inner = dataset.get('dataset', dataset)
        size = PUBLISHED.get(inner.get('benchmark'), {}).get(
            inner.get('split'))
        return size and size * dataset.get('times', 1)


def measured_tflops():
    """Of the GPU at hand, None without."""
    if not torch.cuda.is_available():
        return None
    dtype = usable_dtype(torch.bfloat16, 'the measurement')
    a = torch.randn(8192, 8192, device='cuda', dtype=dtype)
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
    llm = {n: train_step(head, n, light.neck.num_tokens * len(
        light.neck.parts or [0]), bfloat16, frames) for n in sizes}
    steps = {n: vst[n] + llm[n] for n in sizes}
    batch = args.batch_size or cfg.train_dataloader.batch_size

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

    tflops = args.tflops or measured_tflops()
    samples = args.samples or samples_of(cfg)
    for machine in machines if tflops and samples else ():
        rate = machine.gpus * tflops * 1e12 * args.share
        each = {name: f[4].flops / 4 * samples / rate / 3600
                for name, f in (('tokens', vst), ('whole', steps))}
        out[str(machine)].update(
            hours_of_token_epoch=each['tokens'],
            hours_of_whole_epoch=each['whole'])
    if tflops and samples:
        rows += [(key.replace('_', ' '), *(f'{f[key]:.3f}' for f in figures))
                 for key in ('hours_of_token_epoch', 'hours_of_whole_epoch')]
    title = ('plain data parallelism' if shards is None else
             cfg.strategy.type + ', where GPUs are several')
    table = AsciiTable(
        rows, title=title + (f', base in {bits} bits' if bits else ''))
    print(table.table)
    if not tflops:
        print('no time: give --tflops, the rate of the GPU')
    elif not samples:
        print('no time: give --samples, the clips of an epoch')
    print(json.dumps(dict(
        total=total, trained=trained, machines=out, samples=samples,
        tflops=tflops, share=args.share, tflop_per_clip=dict(
            tokens=vst[4].flops / 4e12, whole=steps[4].flops / 4e12))))


if __name__ == '__main__':
    with user_errors():
        main()
