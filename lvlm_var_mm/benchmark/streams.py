"""The streams of a skeleton model: what its input is made of."""
from typing import Iterator, List, Tuple

from mmengine.config import Config

from lvlm_var_mm.layouts import layout_of

STREAMS = 'j', 'b', 'jm', 'bm'
FEATURES = 'SkeletonFeatures', 'GenSkeFeat'
LOADERS = 'train_dataloader', 'val_dataloader', 'test_dataloader'


def parse_stream(text: str) -> List[str]:
    """``'b'`` is bones, ``'j+jm'`` joints and their motion as channels of one
    input, ``'all'`` the four of them.

    Raises:
        ValueError: No such stream.
    """
    feats = list(STREAMS) if text == 'all' else text.split('+')
    if not set(feats) <= set(STREAMS) or len(set(feats)) < len(feats):
        raise ValueError(f'stream {text!r}: takes {", ".join(STREAMS)}, some '
                         'of them joined by +, or all')
    return feats


def with_stream(cfg: Config, text: str) -> Config:
    """Let a config, ours or MMAction2's, read a stream.

    Sets ``feats`` of the step that makes features in each pipeline, the bones
    if it needs some, and ``in_channels`` of the backbone.

    Args:
        cfg (Config): Changed in place.
        text (str): See :func:`parse_stream`.

    Raises:
        ValueError: No such stream, or no such step in the config.
    """
    feats, before = parse_stream(text), None
    for step in feature_steps(cfg):
        before = len(step.get('feats', ['j']))
        step.feats = feats
        if (step.type == 'SkeletonFeatures' and set(feats) & {'b', 'bm'}
                and not step.get('inward') and not step.get('layout')):
            step.inward = [tuple(bone) for bone in layout_of(cfg).inward]
    if before is None:
        raise ValueError(
            f'stream {text!r}: {cfg.filename} has no step '
            f'{" or ".join(FEATURES)} in its pipelines; leave `streams` out')
    backbone = cfg.model.backbone
    backbone.in_channels = backbone.get('in_channels',
                                        3) // before * len(feats)
    return cfg


def feature_steps(cfg: Config) -> Iterator[dict]:
    """The steps that make features, of each loader once."""
    for _, dataset in leaves(cfg):
        for step in dataset.get('pipeline', ()):
            if step.get('type') in FEATURES:
                yield step


def leaves(cfg: Config) -> Iterator[Tuple[str, dict]]:
    """The innermost data sets of the loaders, with the loader's name."""
    for name in LOADERS:
        if cfg.get(name):
            dataset = cfg[name].dataset
            while dataset.get('dataset') is not None:
                dataset = dataset.dataset
            yield name, dataset
