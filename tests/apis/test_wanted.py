"""Ask the config of a model what it reads."""
import numpy as np
import pytest
from bodies import measured
from mmengine.config import Config
from recognizers import inference_config

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.wanted import decodes_frames, wanted_by
from lvlm_var_mm.engine import AnswerPicturesHook
from lvlm_var_mm.shipped import find_config


@pytest.mark.parametrize('config, video, layout, dims', [
    ('lvlmvar_nucla_xview', False, 'kinect20', 3),
    ('baselines/stgcnpp_stock_nucla_xview', False, 'kinect20', 3),
    ('baselines/stgcnpp_recipe_nucla_xview', False, 'kinect20', 3),
    ('baselines/posec3d_nucla_xview', False, 'kinect20', 3),
    ('baselines/posec3d_quickstart', False, 'ntu25', 3),
    ('baselines/posec3d_ntu60_xsub', False, None, 2),
    ('baselines/slowonly_quickstart', True, None, None),
    ('lvlmvar_rgb_quickstart', True, None, None)])
def test_shipped_configs(config, video, layout, dims):
    wanted = wanted_by(Config.fromfile(find_config(config)))
    assert wanted.video is video and wanted.dims == dims
    assert (wanted.layout and wanted.layout.name) == layout


@pytest.mark.parametrize('step, frames', [
    ('DecordDecode', True), ('mmaction.RawFrameDecode', True),
    ('PoseDecode', False), ('mmaction.PoseDecode', False),
    ('FormatShape', False)])
def test_which_decoders_open_frames(step, frames):
    assert decodes_frames(step) is frames


def test_a_stock_model_of_joints_answers(tiny_llava):
    cfg = inference_config(tiny_llava)
    steps = [dict(type='PreNormalize3D'),
             dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j']),
             dict(type='UniformSampleFrames', clip_len=16, test_mode=True),
             dict(type='PoseDecode'),
             dict(type='FormatGCNInput', num_person=2),
             dict(type='PackActionInputs')]
    cfg.test_dataloader.dataset.pipeline = steps
    cfg.model = dict(
        type='RecognizerGCN', backbone=cfg.model.backbone,
        cls_head=dict(type='GCNHead', num_classes=3, in_channels=8))
    inferencer = ActionInferencer(cfg, device='cpu', show_progress=False)
    answer, = inferencer(measured(23))['predictions']
    assert 'error' not in answer and 'waves' in answer['measured']


def test_joints_in_pictures_are_not_drawn_as_frames():
    """Tell the input of PoseC3D, which has the shape of a video, apart."""
    wanted = wanted_by(Config.fromfile(find_config(
        'baselines/posec3d_nucla_xview')))
    clip = AnswerPicturesHook()._clip(
        'clip', object(), np.zeros((1, 17, 8, 56, 56), 'f4'), wanted)
    assert clip.video is None
