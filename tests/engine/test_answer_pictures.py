"""Pictures of a test go where they should."""
import pickle

import cv2
import numpy as np
import pytest
import torch
from bodies import measured
from mmengine.runner import Runner
from recognizers import inference_config, write_checkpoint
from tensorboard.backend.event_processing.event_accumulator import \
    EventAccumulator

from lvlm_var_mm.engine import AnswerPicturesHook, AnswerVisualizer
from lvlm_var_mm.engine.answer_pictures import stem_of
from mmaction.registry import VISUALIZERS
from mmaction.structures import ActionDataSample

ACTIONS = 8, 23, 26


@pytest.fixture
def config(tiny_llava, tmp_path):
    clips = [dict(keypoint=measured(a), frame_dir=f'a{a}', label=i,
                  total_frames=measured(a).shape[1])
             for i, a in enumerate(ACTIONS)]
    (tmp_path / 'clips.pkl').write_bytes(pickle.dumps(clips))
    cfg = inference_config(tiny_llava)
    cfg.load_from = write_checkpoint(cfg, tmp_path / 'model.pth', clips)
    cfg.work_dir, cfg.launcher = str(tmp_path / 'work'), 'none'
    cfg.test_dataloader.update(batch_size=2, dataset=dict(
        type='SkeletonDataset', ann_file=str(tmp_path / 'clips.pkl'),
        pipeline=cfg.test_pipeline, test_mode=True))
    return cfg


def test_show_dir_of_the_tool(config, tmp_path, run_tool):
    config.default_hooks = dict(visualization=dict(type='VisualizationHook'))
    config.dump(tmp_path / 'config.py')
    said = run_tool('test.py', tmp_path / 'config.py', config.load_from,
                    '--work-dir', tmp_path / 'work', '--show-dir',
                    tmp_path / 'shown', '--interval', 2, '--explain', 0)
    assert said.code == 0, said.err
    names = sorted(f.name for f in (tmp_path / 'shown').iterdir())
    assert names == ['a26.png', 'a8.png']
    picture = cv2.imread(str(tmp_path / 'shown/a8.png'))
    assert picture.shape[1] == 1100 and np.ptp(picture) == 255


def test_clips_of_one_name_in_two_folders_have_a_picture_each():
    names = 'x/anna/01.npy', 'x/ben/01.npy', 'y/ben/01.npy', '/c/02.npy', '3'
    assert [stem_of(name, names) for name in names] == [
        'anna_01.npy', 'x_ben_01.npy', 'y_ben_01.npy', '02.npy', '3']


def test_tensorboard(config, tmp_path):
    config.visualizer = dict(
        type='AnswerVisualizer', name=str(tmp_path),
        vis_backends=[dict(type='TensorboardVisBackend',
                           save_dir=str(tmp_path / 'board'))])
    config.custom_hooks = [dict(type='AnswerPicturesHook', enable=True,
                                interval=1)]
    Runner.from_cfg(config).test()
    board = EventAccumulator(str(tmp_path / 'board'))
    board.Reload()
    assert sorted(board.Tags()['images']) == ['a23', 'a26', 'a8']


def test_visualizer(tmp_path):
    visualizer = VISUALIZERS.build(dict(
        type='AnswerVisualizer', name=str(tmp_path),
        vis_backends=[dict(type='LocalVisBackend')],
        save_dir=str(tmp_path)))
    visualizer.dataset_meta = dict(classes=['sit', 'wave'])
    assert isinstance(visualizer, AnswerVisualizer)
    sample = ActionDataSample().set_pred_score(
        torch.tensor([.2, .8])).set_pred_label(1).set_gt_label(0)
    video = np.zeros((12, 24, 32, 3), 'u1')
    picture = visualizer.add_datasample('clip', video, sample)
    assert list(tmp_path.rglob('clip_0.png'))
    other = visualizer.add_datasample('clip', video, sample,
                                      out_path=str(tmp_path / 'out.png'))
    assert np.array_equal(picture, other)
    assert np.array_equal(cv2.imread(str(tmp_path / 'out.png'))[..., ::-1],
                          picture)


def test_intervals_make_sense():
    with pytest.raises(ValueError, match='interval'):
        AnswerPicturesHook(interval=0)
    assert not AnswerPicturesHook().enable
