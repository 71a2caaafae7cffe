"""What cached tokens save, and whether they are the same tokens.

    python tools/perf/token_cache.py CONFIG CHECKPOINT [--clips 256]
        [--repeats 3]

In one run, over the same training clips, forward only:

    clips     the training pipeline, the backbone and the neck
    tokens    a TokenDataset of one view of them, and the neck

both in this process, without workers. Times are wall clock, medians over the
repeats. The last line is JSON: `max_abs_diff` is the largest difference of a
token's vector between the two, `bytes_per_clip` the size of the cache for each
view, meta information included.
"""
import argparse
import json
import os
import tempfile
import time
from statistics import median

import mmengine
import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from terminaltables import AsciiTable
from torch.utils.data import DataLoader

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis import load_tokenizer
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets import TokenDataset
from mmaction.registry import DATASETS


@torch.no_grad()
def read(model, dataset, batch_size, through_backbone):
    """All clips -> tokens of each batch and seconds."""
    found, start = [], time.perf_counter()
    for data in DataLoader(dataset, batch_size, collate_fn=pseudo_collate):
        if through_backbone:
            data = model.data_preprocessor(data, False)
            feats, _ = model.extract_feat(data['inputs'], test_mode=True)
        else:
            feats, _ = model.neck(torch.cat(data['inputs']))
        found.append((feats, data['data_samples']))
    return found, time.perf_counter() - start


def as_clips(found):
    return [dict(label=int(sample.gt_label), codes=ids[None].numpy(),
                 meta=[dict(sample.metainfo_items())])
            for feats, samples in found
            for ids, sample in zip(feats.ids, samples)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--clips', type=int, default=256)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    model = load_tokenizer(cfg, args.checkpoint)
    size = cfg.train_dataloader.batch_size
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    clips = torch.utils.data.Subset(
        dataset, range(min(args.clips, len(dataset))))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'tokens.pkl')
        first, _ = read(model, clips, size, True)
        mmengine.dump(dict(clips=as_clips(first)), path)
        file_size = os.path.getsize(path)
        tokens = TokenDataset(path)
    again, _ = read(model, tokens, size, False)
    diff = max(float((a.embeds - b.embeds).abs().max())
               for (a, _), (b, _) in zip(first, again))
    times = dict(clips=[], tokens=[])
    for _ in range(args.repeats):
        times['clips'].append(read(model, clips, size, True)[1])
        times['tokens'].append(read(model, tokens, size, False)[1])
    seconds = {name: median(t) for name, t in times.items()}
    rows = [('input', 'seconds', 'clips a second')]
    rows += [(name, f'{t:.3f}', f'{len(clips) / t:.0f}')
             for name, t in seconds.items()]
    print(AsciiTable(rows, title=f'{len(clips)} clips, '
                     f'{torch.get_num_threads()} threads').table)
    print(json.dumps(dict(
        speedup=seconds['clips'] / seconds['tokens'], max_abs_diff=diff,
        bytes_per_clip=file_size / len(clips), clips=len(clips),
        repeats=args.repeats, **{f'{k}_s': v for k, v in seconds.items()})))


if __name__ == '__main__':
    with user_errors():
        main()
