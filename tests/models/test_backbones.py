"""MMAction2's backbones before VSTNeck: those of the table in
docs/mmaction2.md, tiny, in a recognizer that learns and predicts."""
import re
from typing import NamedTuple

import pytest
import torch
from helpers import CLASSES, REPO, head_cfg
from recognizers import STGCN, K, L, batch, build

from mmaction.registry import MODELS

S = 2  # segments of a clip, where it has some
SKELETON = (1, 1, 8, 25, 3)
VIDEO = (1, 3, 8, 32, 32)
FRAMES = (S, 3, 32, 32)  # as FormatShape makes of NCHW
CLIPS = (S, 3, 16, 16, 16)


class Case(NamedTuple):
    shape: tuple
    channels: int
    cfg: dict


def resnet(**over):
    return dict(depth=18, base_channels=4, pretrained=None, **over)


def pathway(**over):
    return dict(type='resnet3d', depth=18, pretrained=None, **over)


RESNET = dict(depth=18, pretrained=None)
VIT = dict(img_size=32, embed_dims=16, depth=1, num_heads=2, num_frames=8)
TIMESFORMER = dict(num_frames=8, img_size=32, patch_size=16, embed_dims=16,
                   num_heads=2, num_transformer_layers=1)
CASES = {
    'STGCN': Case(SKELETON, 8, STGCN),
    'AAGCN': Case(SKELETON, 8, dict(
        base_channels=4, num_stages=3, inflate_stages=[2], down_stages=[2],
        graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'))),
    'ResNet3d': Case(VIDEO, 32, resnet()),
    'ResNet3dSlowOnly': Case(VIDEO, 32, resnet()),
    'ResNet3dCSN': Case(VIDEO, 128, dict(
        depth=50, pretrained=None, pretrained2d=False, base_channels=4,
        norm_eval=False, bottleneck_mode='ip')),
    'ResNet2Plus1d': Case(VIDEO, 32, resnet(
        pretrained2d=False, conv_cfg=dict(type='Conv2plus1d'))),
    'C2D': Case(VIDEO, 512, RESNET),
    'OmniResNet': Case(VIDEO, 2048, dict(layers=[1, 1, 1, 1])),
    'X3D': Case(VIDEO, 54, dict(gamma_w=.25, gamma_d=.5)),
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
    'VisionTransformer': Case(VIDEO, 16, dict(**VIT, return_feat_map=True)),
    'TimeSformerMap': Case(VIDEO, 16, TIMESFORMER),
    'ResNet': Case(FRAMES, 512, RESNET),
    'ResNetTSM': Case(FRAMES, 512, dict(
        **RESNET, num_segments=S, pretrained2d=False)),
    'ResNetTIN': Case(FRAMES, 512, dict(
        **RESNET, num_segments=S, pretrained2d=False)),
    'TANet': Case(FRAMES, 512, dict(
        **RESNET, num_segments=S, tam_cfg=dict())),
    'MobileNetV2': Case(FRAMES, 1280, dict(widen_factor=.1)),
    'MobileNetV2TSM': Case(FRAMES, 1280, dict(
        widen_factor=.1, num_segments=S, pretrained2d=False)),
    'C3D': Case(CLIPS, 4096, dict(out_dim=512)),
    'TimeSformer': Case((S, *VIDEO[1:]), 16, TIMESFORMER),
    'UniFormerV2': Case((S, *VIDEO[1:]), 16, dict(
        input_resolution=32, width=16, layers=1, heads=2, t_size=8,
        return_list=[0], n_layers=1, n_dim=16, n_head=2, mlp_dropout=[0.],
        clip_pretrained=False)),
}
