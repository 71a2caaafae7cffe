"""Draw the semantic action tokens of a model.

    python tools/show_tokens.py CONFIG CHECKPOINT OUT_DIR [--clips 10]

OUT_DIR/codebook.png   the codes of the test set as a map
OUT_DIR/CLIP.png       a clip over time: poses or frames, its codes with their
                       names, and below them the body-part events that its
                       joints show, green where a code is called after one;
                       such clips of different classes
OUT_DIR/index.md       the clips with narrative, answer and reason
"""
import argparse
import os
import os.path as osp
import random
import re
from typing import Dict, List, Optional, Tuple

from mmengine.config import DictAction


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('out', help='folder for the pictures')
    parser.add_argument('--clips', type=int, default=10,
                        help='how many clips to draw (default 10)')
    parser.add_argument('--names', nargs='+', metavar='CLIP',
                        help='these clips instead, by their `frame_dir`')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction,
                        metavar='KEY=VALUE',
                        help='override settings of the config')
    parser.set_defaults(launcher='none', work_dir=None)
    return parser.parse_args()


if __name__ == '__main__':
    parse_args()  # --help ends here, before the slow imports

import decord
import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.config import Config
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint
from torch import nn
from tqdm import tqdm

import lvlm_var_mm  # noqa: F401  fills the registries
from lvlm_var_mm.apis.explain import explain
from lvlm_var_mm.atomic import replaced, write_text
from lvlm_var_mm.checkpoint.loading import find_checkpoint
from lvlm_var_mm.checkpoint.strict import another_model_refused
from lvlm_var_mm.cli import load_config, user_errors
from lvlm_var_mm.datasets import BodyPartEvents
from lvlm_var_mm.evaluation.token_metric import joint_counts
from lvlm_var_mm.layouts import layout_of
from lvlm_var_mm.models import LVLMHead
from lvlm_var_mm.models.tokens import tokens_of
from lvlm_var_mm.models.vst.code_names import UNNAMED, VOCABULARY
from lvlm_var_mm.visualization.samples import (draw_frames, draw_skeleton,
                                               spread)
from lvlm_var_mm.visualization.tokens import draw_codebook, draw_timeline
from mmaction.registry import DATASETS, MODELS

POSES = 12


def choose(dataset: BaseDataset, number: int,
           names: Optional[List[str]]) -> List[int]:
    """Clips by name, or at random, always the same and of as many classes as
    there are.

    Raises:
        ValueError: No such clip.
    """
    # The base class's: the list alone, no sample is read.
    infos = [BaseDataset.get_data_info(dataset, i)
             for i in range(len(dataset))]
    if names:
        at = {info.get('frame_dir'): i for i, info in enumerate(infos)}
        missing = [name for name in names if name not in at]
        if missing:
            raise ValueError(f'--names: the test set has no {missing[0]}, '
                             f'but {", ".join(sorted(map(str, at))[:3])}, ...')
        return [at[name] for name in names]
    order = list(range(len(dataset)))
    random.Random(0).shuffle(order)
    seen = {}  # how many of its class came before
    rank = []
    for i in order:
        seen[infos[i]['label']] = seen.get(infos[i]['label'], -1) + 1
        rank.append((seen[infos[i]['label']], infos[i]['label'], i))
    return [i for *_, i in sorted(rank)[:number]]


def strip_of(dataset: BaseDataset, index: int,
             span: Optional[Tuple[float, float]], layout: str) -> np.ndarray:
    """Draw a clip during its tokens: poses, else frames."""
    info = dataset.get_data_info(index)
    if 'keypoint' not in info:
        video = decord.VideoReader(info['filename'], num_threads=1)
        return draw_frames(list(video.get_batch(
            spread(len(video), 6)).asnumpy()), 160)
    frames = info['keypoint'].shape[1]
    moments = spread(frames, POSES)
    events = [t for t in dataset.pipeline.transforms
              if isinstance(t, BodyPartEvents)]
    if span is not None and events:
        fps = info.get('fps', events[0].fps)
        start, end = (round(t * fps) for t in span)
        # The middle of each of as many parts.
        moments = [min(frames - 1, start + int((i + .5) * (end - start) /
                                               POSES)) for i in range(POSES)]
    return draw_skeleton(info['keypoint'], layout, moments, 110)


@torch.no_grad()
def read_codes(model: nn.Module, cfg: Config) -> torch.Tensor:
    """Codes and labels of the test set -> (K, classes) counts."""
    ids, labels = [], []
    for data in tqdm(Runner.build_dataloader(cfg.test_dataloader, seed=0),
                     desc='tokens of the test set'):
        data = model.data_preprocessor(data, False)
        feats = tokens_of(model, data['inputs'])
        views = len(feats.ids) // len(data['data_samples'])
        ids += list(feats.ids[::views].cpu())
        labels += [int(s.gt_label) for s in data['data_samples']]
    return joint_counts(ids, torch.tensor(labels),
                        len(model.neck.code_names))


def draw_clip(model: nn.Module, dataset: BaseDataset, index: int,
              layout: str) -> Tuple[Dict, Figure]:
    """``(what explain() says, figure)`` of a clip."""
    data = model.data_preprocessor(pseudo_collate([dataset[index]]), False)
    feats = tokens_of(model, data['inputs'])
    sample = data['data_samples'][0]
    told = explain(model, dataset, [index])[0]
    # Of body parts side by side, the first is drawn.
    ids = feats.ids[0][:model.neck.num_tokens]
    names = ['' if n < 0 else VOCABULARY[n]
             for n in feats.names[0][:len(ids)].tolist()]
    span = sample.get('span')
    mark = 'right' if told['answer'] == told['truth'] else 'wrong'
    return told, draw_timeline(
        strip_of(dataset, index, span, layout), ids, names, span,
        sample.get('events', ()),
        f'{told["name"]}: {told["truth"]}; answer: {told["answer"]} '
        f'({told["score"]:.2f}, {mark})')


def save(figure: Figure, path: str) -> None:
    with replaced(path) as f:
        figure.savefig(f, format='png')


def main() -> None:
    args = parse_args()
    if args.clips < 1:
        raise ValueError(f'--clips {args.clips}: at least 1')
    cfg = load_config(args)
    init_default_scope('mmaction')
    find_checkpoint(args.checkpoint)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    chosen = choose(dataset, args.clips, args.names)
    model = MODELS.build(cfg.model).eval()
    if not isinstance(model.cls_head, LVLMHead):
        raise ValueError(f'{args.config}: `cls_head` is a '
                         f'{type(model.cls_head).__name__}; LVLMHead reads '
                         'tokens')
    with another_model_refused(args.checkpoint):
        load_checkpoint(model, args.checkpoint, 'cpu', strict=True)
    os.makedirs(args.out, exist_ok=True)

    codes = torch.arange(len(model.neck.code_names))
    with torch.no_grad():
        vectors = model.neck.read_codes(codes.view(-1, 1).expand(
            -1, model.neck.num_tokens)).embeds[:, 0]
    names = ['' if n == UNNAMED else n for n in model.neck.code_names]
    figure = draw_codebook(vectors, read_codes(model, cfg), names,
                           model.cls_head.classes.names)
    save(figure, osp.join(args.out, 'codebook.png'))
    lines = [f'# Semantic action tokens of `{args.config}`', '',
             '![the codes](codebook.png)', '']
    for index in tqdm(chosen, desc='clips'):
        told, figure = draw_clip(model, dataset, index, layout_of(cfg))
        file = re.sub(r'[^\w.-]', '_', str(told['name'])) + '.png'
        save(figure, osp.join(args.out, file))
        lines += [
            f'## {told["truth"]}', '', f'![{told["name"]}]({file})', '',
            f'Narrative: {told["narrative"]}', '',
            f'Answer: {told["answer"]}, because: {told["reason"]}', ''
        ]
    write_text(osp.join(args.out, 'index.md'), '\n'.join(lines))
    print(f'{osp.join(args.out, "index.md")}: {len(chosen)} clips')


if __name__ == '__main__':
    with user_errors():
        main()
