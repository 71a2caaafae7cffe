"""Write the tokens of the training clips, for a second stage of training.

    python tools/cache_tokens.py CONFIG CHECKPOINT OUT.pkl [--views 8]

The clips of the config's training set go through its training pipeline, so
that every view of a clip is another one, and through backbone and neck of the
checkpoint. Only the codes are kept. configs/two_stage/ trains on them.
"""
import argparse
from functools import partial

from mmengine.config import Config, DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('out', metavar='OUT.pkl')
    parser.add_argument('--views', type=int, default=8,
                        help='of each clip (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import mmengine
import numpy as np
import torch
from mmengine.dataset import (RepeatDataset, pseudo_collate,
                              worker_init_fn)
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis import load_tokenizer
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.engine.token_cache import fingerprint
from mmaction.registry import DATASETS


class _Own(torch.utils.data.Dataset):
    """``(index, sample)``; None of a corrupt one, in whose place a training
    set would give another."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        dataset, inner = self.dataset, index
        while isinstance(dataset, RepeatDataset):
            dataset = dataset.dataset
            inner %= len(dataset)
        get = getattr(dataset, 'prepare_data', dataset.__getitem__)
        return index, get(inner)


def _readable(batch):
    batch = [(i, data) for i, data in batch if data is not None]
    return [i for i, _ in batch], batch and pseudo_collate(
        [data for _, data in batch])


@torch.no_grad()
def cache_tokens(model, dataset, views, batch_size=32, workers=1):
    """(label, codes (views, S), meta of each view) of each clip."""
    clips = [dict(codes=[], meta=[]) for _ in range(len(dataset))]
    for view in range(views):
        loader = DataLoader(
            _Own(dataset), batch_size, num_workers=workers,
            collate_fn=_readable,
            worker_init_fn=partial(worker_init_fn, num_workers=workers,
                                   rank=0, seed=view))
        for at, data in loader:
            if not at:
                continue
            data = model.data_preprocessor(data, False)
            feats, _ = model.extract_feat(data['inputs'], test_mode=True)
            samples = data['data_samples']
            first = feats.ids[::len(feats.ids) // len(samples)].cpu().numpy()
            for codes, sample, clip in zip(
                    first, samples, (clips[i] for i in at)):
                clip['label'] = int(sample.gt_label)
                clip['codes'].append(codes.astype(np.int32))
                clip['meta'].append(dict(sample.metainfo_items()))
        print(f'view {view + 1} of {views}', flush=True)
    return [dict(c, codes=np.stack(c['codes'])) for c in clips if c['codes']]


def main():
    args = parse_args()
    if not args.out.endswith(('.pkl', '.pickle')):
        raise ValueError(f'{args.out}: must end in .pkl')
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    model = load_tokenizer(cfg, args.checkpoint)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    clips = cache_tokens(model, dataset, args.views,
                         cfg.train_dataloader.batch_size)
    mmengine.dump(
        dict(fingerprint=fingerprint(model), clips=clips), args.out)
    corrupt = len(dataset) - len(clips)
    print(f'{args.out}: {len(clips)} clips, {args.views} views of each' +
          (f', {corrupt} corrupt ones left out' if corrupt else ''))


if __name__ == '__main__':
    with user_errors():
        main()
