"""MMAction2's backbones before VSTNeck: those of the table in
docs/mmaction2.md, tiny, in a recognizer that learns and predicts."""
from typing import NamedTuple

import pytest
import torch
from helpers import CLASSES, REPO, head_cfg, make_samples
from recognizers import STGCN, L

import mmaction.engine  # noqa: F401, AAGCN's way to initialise itself
from mmaction.registry import MODELS

S = 4  # segments of a clip, where it has some
SKELETON = (1, 1, 8, 25, 3)
VIDEO = (1, 3, 8, 32, 32)
FRAMES = (S, 3, 32, 32)  # as FormatShape makes of NCHW
CLIPS = (2, 3, 16, 16, 16)


class Case(NamedTuple):
    shape: tuple
    channels: int
    cfg: dict


def resnet(**over):
    return dict(depth=18, base_channels=4, pretrained=None, **over)


def pathway(**over):
    return dict(type='resnet3d', depth=18, pretrained=None, **over)


ONE_STAGE = dict(pretrained=None, num_stages=1, out_indices=(0, ),
                 strides=(1, ), dilations=(1, ))
VIT = dict(img_size=32, embed_dims=16, depth=1, num_heads=2, num_frames=8)
TIMESFORMER = dict(num_frames=8, img_size=32, patch_size=16, embed_dims=16,
                   num_heads=2, num_transformer_layers=1)
CASES = {
    'STGCN': Case(SKELETON, 8, STGCN),
    'AAGCN': Case((1, 2, *SKELETON[2:]), 8, dict(
        base_channels=4, num_stages=3, inflate_stages=[2], down_stages=[2],
        graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'))),
    'ResNet3d': Case(VIDEO, 32, resnet()),
    'ResNet3dSlowOnly': Case(VIDEO, 32, resnet()),
    'ResNet3dCSN': Case(VIDEO, 128, dict(
        depth=50, pretrained=None, pretrained2d=False, base_channels=4,
        norm_eval=False, bottleneck_mode='ip')),
    'ResNet2Plus1d': Case(VIDEO, 32, resnet(
        pretrained2d=False, conv_cfg=dict(type='Conv2plus1d'))),
    'C2D': Case(VIDEO, 64, dict(depth=18, **ONE_STAGE)),
    'OmniResNet': Case(VIDEO, 2048, dict(layers=[1, 1, 1, 1])),
    'X3D': Case(VIDEO, 64, dict(gamma_w=.25, gamma_d=.5)),
    'ResNet3dSlowFast': Case(VIDEO, 32 + 16, dict(
        resample_rate=4, speed_ratio=4, channel_ratio=2, pretrained=None,
        slow_pathway=pathway(lateral=True, base_channels=4,
                             conv1_kernel=(1, 7, 7)),
        fast_pathway=pathway(lateral=False, base_channels=2))),
    'SwinTransformer3D': Case(VIDEO, 16, dict(
        arch=dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2]),
        out_indices=(1, ), window_size=(2, 2, 2), pretrained2d=False)),
    'MViT': Case(VIDEO, 16, dict(
        arch=dict(embed_dims=8, num_layers=2, num_heads=1,
                  downscale_indices=[1]),
        spatial_size=32, temporal_size=8)),
    'UniFormer': Case(VIDEO, 32, dict(
        depth=[1, 1, 1, 1], embed_dim=[8, 16, 16, 32], head_dim=8,
        pretrained2d=False)),
    'VisionTransformer, return_feat_map=True': Case(
        VIDEO, 16, dict(**VIT, return_feat_map=True)),
    'TimeSformerMap': Case(VIDEO, 16, TIMESFORMER),
    'ResNet': Case(FRAMES, 64, dict(depth=18, **ONE_STAGE)),
    'ResNetTSM': Case(FRAMES, 512, dict(
        depth=18, pretrained=None, pretrained2d=False, num_segments=S)),
    'TANet': Case(FRAMES, 256, dict(depth=50, num_segments=S, **ONE_STAGE)),
    'MobileNetV2': Case(FRAMES, 1280, dict(widen_factor=.1)),
    'MobileNetV2TSM': Case(FRAMES, 1280, dict(
        widen_factor=.1, num_segments=S, pretrained2d=False)),
    'C3D': Case(CLIPS, 4096, dict(out_dim=512)),
    'VisionTransformer': Case((2, *VIDEO[1:]), 16, VIT),
    'TimeSformer': Case((2, *VIDEO[1:]), 16, TIMESFORMER),
    'UniFormerV2': Case((2, *VIDEO[1:]), 16, dict(
        input_resolution=32, width=16, layers=1, heads=2, t_size=8,
        return_list=[0], n_layers=1, n_dim=16, n_head=2, mlp_dropout=[0.],
        clip_pretrained=False)),
}


def rows_of_the_table():
    """Yield the cells of the table of backbones, the code marks taken off."""
    text = (REPO / 'docs/mmaction2.md').read_text(encoding='utf-8')
    _, _, table = text.partition('\n| backbone |')
    for line in table.splitlines()[2:]:
        if not line.startswith('|'):
            return
        yield [c.strip().replace('`', '') for c in line.strip('|').split('|')]


WORK = {row[0]: row[1:] for row in rows_of_the_table() if row[1] != 'no'}


def test_table_is_that_of_the_backbones_tried():
    assert list(WORK) == list(CASES)


@pytest.mark.parametrize('name', CASES)
def test_backbone_learns_and_predicts(tiny_llava, name):
    torch.manual_seed(0)
    (layout, segments, *_), (shape, channels, cfg) = WORK[name], CASES[name]
    segments = shape[0] if segments == 'num_clips' else 1
    model = MODELS.build(dict(
        type='Recognizer3D',
        backbone=dict(dict(type=name.split(',')[0]), **cfg),
        neck=dict(type='VSTNeck', in_channels=channels, input_format=layout,
                  num_tokens=L, codebook_size=2 * L,
                  num_segments=segments,
                  aux_head=dict(num_classes=len(CLASSES))),
        cls_head=head_cfg(tiny_llava, in_channels=channels)))
    samples = make_samples([0, 1])
    inputs = torch.rand(2, *shape)
    losses = model(inputs, samples, mode='loss')
    sum(loss for key, loss in losses.items() if 'loss' in key).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0
               for p in model.backbone.parameters())
    with torch.no_grad():
        predicted = model.eval()(inputs, samples, mode='predict')
    for sample in predicted:
        assert sample.pred_score.shape == (len(CLASSES), )
        assert sample.pred_tokens.shape == (L, )
