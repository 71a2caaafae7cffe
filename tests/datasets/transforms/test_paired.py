"""Pairs of the made sample through their pipeline, and from there through a
Runner."""
import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import CLASSES
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from recognizers import (K, L, build, build_for_test, paired_batch,
                         paired_recognizer)

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.datasets import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                                  PairedTransforms)
from lvlm_var_mm.synthetic.make import make_sample

EVENTS = dict(type='BodyPartEvents', layout='ntu25', fps=30)
RGB = [
    dict(type='DecordInit'),
    dict(type='UniformSample', clip_len=8, test_mode=True),
    dict(type='ClipSpan'),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(16, 16), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW')
]
SKELETON = [
    dict(type='AlignSkeleton3D', center=1, torso=(0, 20),
         left_right=[(4, 8), (12, 16)]),
    dict(type='ResampleFrames', clip_len=16, part=(1., 1.), test_mode=True),
    dict(type='FormatGCNInput', num_person=2)
]
PACK = dict(
    type='PackActionInputs', collect_keys=('rgb', 'skeleton'),
    meta_keys=('frame_dir', 'events', 'decidable', 'span'))


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """Drinking and falling of a performer who trains and one who tests."""
    return str(make_sample(
        tmp_path_factory.mktemp('made') / 'sample', repeats=1,
        classes=(1, 43), performers=(1, 3), progress=False))


def pipeline(**over):
    return [EVENTS, dict(type='PairedTransforms', **{
        **dict(rgb=RGB, skeleton=SKELETON), **over}), PACK]


def pairs(root, steps=(), split='xsub_val', **over):
    return dict(type='NTURGBDPairedDataset', data_root=root, split=split,
                pipeline=list(steps), actions=[1, 43], serialize_data=False,
                **over)


@pytest.fixture(scope='module')
def items(root):
    """Return what the data set gives, before any pipeline."""
    dataset = NTURGBDPairedDataset(**{
        k: v for k, v in pairs(root).items() if k != 'type'})
    return [dataset[i] for i in range(len(dataset))]


def through(item, steps):
    return Compose(steps)(copy.deepcopy(item))


@pytest.mark.parametrize('missing', [None, 'rgb', 'skeleton'])
def test_shapes(items, missing):
    packed = through(items[0], pipeline(missing=missing))
    shapes = {k: tuple(v.shape) for k, v in packed['inputs'].items()}
    whole = dict(rgb=(1, 3, 8, 16, 16), skeleton=(1, 2, 16, 25, 3))
    assert shapes == {**whole, **({missing: (1, 0)} if missing else {})}
    sample = packed['data_samples']
    assert int(sample.gt_label) == items[0]['label']
    assert len(sample.events) and sample.span[1] > sample.span[0] >= 0


def test_each_is_what_its_own_transforms_make(items):
    packed = through(items[0], pipeline())['inputs']
    video = {k: v for k, v in items[0].items() if k != 'keypoint_3d'}
    alone = through(dict(video, fps=30), RGB)
    assert np.array_equal(packed['rgb'].numpy(), alone['imgs'])
    frames = items[0]['video_frames']
    start, end = alone['span']
    inside = (frames / 30 >= start) & (frames / 30 < end)
    assert 0 < inside.sum() <= len(frames)
    alone = through(dict(
        keypoint=items[0]['keypoint_3d'][:, inside], fps=30,
        total_frames=int(inside.sum())), SKELETON)
    assert np.array_equal(packed['skeleton'].numpy(), alone['keypoint'])


def test_both_show_the_same_seconds(items):
    """A number that rises with the frames of the skeleton says which of them
    the model sees: those of the video that was sampled."""
    item = copy.deepcopy(items[0])
    item['keypoint_3d'] = np.ones_like(item['keypoint_3d']) * np.float32(
        item['video_frames'])[:, None, None]
    short = [RGB[0], dict(type='SampleFrames', clip_len=8, frame_interval=3,
                          test_mode=True), *RGB[2:]]
    steps = pipeline(rgb=short, skeleton=SKELETON[1:])
    packed = through(item, steps)
    start, end = packed['data_samples'].span
    assert end - start == pytest.approx(24 / 30)
    seen = packed['inputs']['skeleton'][0, 0, :, 0, 0].numpy()
    assert seen[0] / 30 == pytest.approx(start)
    assert seen[-1] / 30 == pytest.approx(end - 1 / 30)
    assert (np.diff(seen) > 0).all()


def test_times_without_a_video_are_those_of_the_video(items):
    item = copy.deepcopy(items[0])
    item['video_frames'] = item['video_frames'] + 15
    span = through(item, pipeline(missing='rgb'))['data_samples'].span
    last = len(item['video_frames']) - 1
    assert span == pytest.approx((15 / 30, (15 + last) / 30))


@pytest.mark.parametrize('key, missing', [
    ('filename', 'rgb'), ('keypoint_3d', 'skeleton')])
def test_a_sample_may_lack_one(items, key, missing):
    item = {k: v for k, v in items[0].items() if k != key}
    steps = pipeline() if missing == 'rgb' else [
        dict(pipeline()[1]), PACK]  # no joints, no events
    lacking = through(item, steps)['inputs']
    meant = through(items[0], pipeline(missing=missing))['inputs']
    for name in ('rgb', 'skeleton'):
        assert torch.equal(lacking[name], meant[name])


def test_a_data_set_of_skeletons_lacks_videos(root, items):
    """Give clips as they are, behind the pipeline of pairs."""
    dataset = NTURGBDSkeletonDataset(
        root, pipeline=pipeline(), split='xsub_val', actions=[1, 43])
    found = dataset[0]
    item, = [i for i in items
             if i['frame_dir'] == found['data_samples'].frame_dir]
    meant = through(item, pipeline(missing='rgb'))
    assert torch.equal(found['inputs']['skeleton'],
                       meant['inputs']['skeleton'])
    assert not found['inputs']['rgb'].numel()
    assert found['data_samples'].span == pytest.approx(
        meant['data_samples'].span)


def test_nobody_in_sight_is_a_missing_skeleton(items):
    item = copy.deepcopy(items[0])
    item['video_frames'] = item['video_frames'] + 10000
    packed = through(item, pipeline()[1:])
    assert not packed['inputs']['skeleton'].numel()
    assert packed['inputs']['rgb'].numel()


@pytest.mark.parametrize('over, match', [
    (dict(missing='flow'), "'flow', must be one of rgb, skeleton or None"),
    (dict(rgb=[s for s in RGB if s['type'] != 'ClipSpan']), 'ClipSpan')])
def test_what_is_refused(items, over, match):
    with pytest.raises(ValueError, match=match):
        through(items[0], pipeline(**over))


def test_describes_itself():
    text = repr(PairedTransforms([], [], missing='rgb'))
    assert "missing=rgb" in text


def test_two_epochs_by_a_runner(root, tiny_llava, tmp_path, monkeypatch):
    """Tokens alone, then the whole model; a checkpoint, which is tested with
    either modality and both."""
    # The layout of the config in the log takes longer than the training.
    monkeypatch.setattr(Config, 'pretty_text', property(repr))
    loader = dict(batch_size=3, num_workers=0, sampler=dict(
        type='DefaultSampler', shuffle=True))
    model = paired_recognizer(tiny_llava, modality_drop=.5)
    cfg = Config(dict(
        model=model, default_scope='mmaction', launcher='none',
        work_dir=str(tmp_path),
        train_dataloader=dict(loader, dataset=pairs(
            root, pipeline(), 'xsub_train')),
        val_dataloader=dict(loader, dataset=pairs(
            root, pipeline(), test_mode=True)),
        val_cfg=dict(type='ValLoop'),
        val_evaluator=[dict(type='AccMetric'), dict(type='TokenMetric')],
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=2),
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(
            type='AdamW', lr=1e-3)),
        default_hooks=dict(checkpoint=dict(
            type='CheckpointHook', interval=2)),
        custom_hooks=[dict(type='LVLMWarmupHook', epochs=1),
                      dict(type='CodeNamesHook', support=1, truth=0.)],
        randomness=dict(seed=0)))
    runner = Runner.from_cfg(cfg)
    runner.train()
    neck = runner.model.neck
    assert all(side.quantizer.settled for side in (neck.rgb, neck.skeleton))
    for side in (neck.rgb, neck.skeleton):  # named from the same events
        assert any(name != 'unnamed' for name in side.code_names)
    state = torch.load(tmp_path / 'epoch_2.pth', weights_only=False)
    again = build(model)
    again.load_state_dict(state['state_dict'], strict=True)
    for missing, length in ((None, 2 * L), ('rgb', L), ('skeleton', L)):
        dataset = pairs(root, pipeline(missing=missing), test_mode=True)
        test = Runner.build_dataloader(dict(
            batch_size=6, num_workers=0, dataset=dataset,
            sampler=dict(type='DefaultSampler', shuffle=False)))
        data, = test
        samples = again.eval().test_step(data)
        for sample in samples:
            assert sample.pred_score.shape == (len(CLASSES), )
            assert sample.pred_tokens.shape == (length, )
            video = sample.pred_tokens < K
            assert video.sum() == (0 if missing == 'rgb' else L)
            assert ' s ' in sample.pred_narrative


def test_inferencer_answers_skeletons(root, tiny_llava, tmp_path):
    """Answer them as clips without a video; refuse videos alone."""
    model = paired_recognizer(tiny_llava)
    cfg = Config(dict(
        model=model, default_scope='mmaction', test_pipeline=pipeline(),
        test_dataloader=dict(dataset=dict(pipeline=pipeline()))))
    trained = build_for_test(copy.deepcopy(model), data=paired_batch(range(4)))
    torch.save(dict(state_dict=trained.state_dict()), tmp_path / 'a.pth')
    inferencer = ActionInferencer(cfg, str(tmp_path / 'a.pth'), device='cpu',
                                  show_progress=False)
    skeleton, video = (sorted(Path(root, folder).glob('*'))[0] for folder in (
        'nturgb+d_skeletons', 'nturgb+d_rgb'))
    found = inferencer([skeleton, video], reasons=False)['predictions']
    answer, refused = found
    assert answer['class'] in dict(CLASSES)
    assert {span['part'] for span in answer['tokens']} == {1}
    assert answer['tokens'][0]['start'] == 0
    assert answer['tokens'][-1]['end'] == pytest.approx(
        (answer['frames'] - 1) / 30, abs=.01)
    assert 'is a video, and the model reads joints' in refused['error']


def test_collates_with_and_without(items):
    data = pseudo_collate([through(items[0], pipeline(missing=m))
                           for m in (None, 'rgb', 'skeleton')])
    assert [x.numel() > 0 for x in data['inputs']['rgb']] == [1, 0, 1]
    assert [x.numel() > 0 for x in data['inputs']['skeleton']] == [1, 1, 0]
