"""Write the tokens of the training clips, for a second stage of training.

    python tools/cache_tokens.py CONFIG CHECKPOINT OUT.npz [--views 8]
        [--device cuda] [--workers 8] [--batch-size 64]

The clips of the config's training set go through its training pipeline, so
that every view of a clip is another one, and through backbone and neck of the
checkpoint, on a GPU where there is one. Only the codes are kept; they do not
depend on workers and batches. configs/two_stage/ trains on them.
"""
import argparse

from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('out', metavar='OUT.npz')
    parser.add_argument('--views', type=int, default=8,
                        help='of each clip (default: %(default)s)')
    parser.add_argument('--device', help='such as cpu or cuda:1 (default: the '
                        'GPU, if there is one)')
    parser.add_argument('--workers', type=int, help='processes that read the '
                        "clips (default: the training loader's)")
    parser.add_argument('--batch-size', type=int, help='clips at a time '
                        "(default: the training loader's)")
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import init_default_scope

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis.explain import load_tokenizer
from lvlm_var_mm.cli import user_errors
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.engine.cache_tokens import cache_tokens
from lvlm_var_mm.engine.token_cache import fingerprint
from lvlm_var_mm.shipped import find_config
from mmaction.registry import DATASETS


def main() -> None:
    args = parse_args()
    if not args.out.endswith('.npz'):
        raise ValueError(f'{args.out}: must end in .npz')
    cfg = Config.fromfile(find_config(args.config))
    cfg.merge_from_dict(args.cfg_options or {})
    init_default_scope('mmaction')
    loader = cfg.train_dataloader
    model = load_tokenizer(cfg, args.checkpoint)
    model.to(args.device or get_device())
    dataset = DATASETS.build(loader.dataset)
    workers = (loader.get('num_workers', 0) if args.workers is None else
               args.workers)
    clips = cache_tokens(
        model, dataset, args.views, args.batch_size or loader.batch_size,
        workers, progress=True)
    save_tokens(args.out, fingerprint(model), clips)
    corrupt = len(dataset) - len(clips)
    print(f'{args.out}: {len(clips)} clips, {args.views} views of each' +
          (f', {corrupt} corrupt ones left out' if corrupt else ''))


if __name__ == '__main__':
    with user_errors():
        main()
