"""One call from a clip to an answer, equal to a test of the same clip."""
import json
import pickle

import cv2
import numpy as np
import pytest
import torch
from bodies import in_layout, measured, pictures
from helpers import write_frames
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer, loading
from lvlm_var_mm.apis.answers import answers_of, spans
from lvlm_var_mm.apis.influence import elsewhere
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.models.tokens import tokens_of
from mmaction.apis import inference_recognizer, inference_skeleton
from mmaction.structures import ActionDataSample

ACTIONS = 8, 23, 26, 43


@pytest.fixture(scope='module')
def clips():
    return [dict(keypoint=measured(action), frame_dir=f'a{action}',
                 label=i, total_frames=measured(action).shape[1])
            for i, action in enumerate(ACTIONS)]


@pytest.fixture(scope='module')
def inferencer(tiny_llava, clips, tmp_path_factory):
    cfg = inference_config(tiny_llava)
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    return ActionInferencer(cfg, write_checkpoint(cfg, path, clips), 'cpu',
                            show_progress=False)


def scores_of(result):
    assert not [p for p in result['predictions'] if 'error' in p]
    return np.stack([p['data_sample'].pred_score.numpy()
                     for p in result['predictions']])


# ------------------------------------------------------------- the same
@pytest.fixture(scope='module')
def tested(inferencer, clips, tmp_path_factory):
    """Scores of a test loop on a pickle of the clips."""
    folder = tmp_path_factory.mktemp('test')
    (folder / 'clips.pkl').write_bytes(pickle.dumps(clips))
    cfg = inferencer.cfg.copy()
    cfg.work_dir, cfg.launcher = str(folder), 'none'
    cfg.test_dataloader.dataset = dict(
        type='SkeletonDataset', ann_file=str(folder / 'clips.pkl'),
        pipeline=cfg.test_pipeline, test_mode=True)
    dump = dict(type='DumpResults', out_file_path=str(folder / 'dump.pkl'))
    cfg.test_evaluator = [*cfg.test_evaluator, dump]
    runner = Runner.from_cfg(cfg)
    runner.model.load_state_dict(inferencer.model.state_dict())
    runner.test()
    rows = pickle.loads((folder / 'dump.pkl').read_bytes())
    return np.stack([row['pred_score'].numpy() for row in rows]), folder


@pytest.mark.parametrize('size', [1, 3])
def test_scores_are_those_of_a_test(inferencer, tested, clips, size):
    expected, folder = tested
    assert np.ptp(expected, 0).max() > .01  # clips are told apart
    for i, clip in enumerate(clips):
        np.save(folder / f'{i}.npy', clip['keypoint'])
        write_skeleton(folder / f'{i}.skeleton', clip['keypoint'])
    for inputs in (str(folder / 'clips.pkl'), clips,
                   [clip['keypoint'] for clip in clips],
                   [folder / f'{i}.npy' for i in range(len(clips))],
                   [folder / f'{i}.skeleton' for i in range(len(clips))]):
        result = inferencer(inputs, batch_size=size, reasons=False,
                            return_datasamples=True)
        np.testing.assert_allclose(scores_of(result), expected, atol=1e-4)


def test_stock_calls_give_narrative_and_reason(inferencer, tested, clips):
    inferencer.model.cls_head.explain = dict()
    for clip, expected in zip(clips, tested[0]):
        sample = inference_recognizer(inferencer.model, dict(clip))
        np.testing.assert_allclose(sample.pred_score, expected, atol=1e-4)
        assert sample.pred_narrative and isinstance(sample.pred_reason, str)


def test_videos_and_frames_give_the_same(tiny_llava, tmp_path):
    rng = np.random.default_rng(0)
    videos = [rng.integers(0, 256, (12, 24, 32, 3)).astype('u1')
              // np.uint8(i + 1) for i in range(4)]
    for i, frames in enumerate(videos):
        write_frames(tmp_path / f'{i}.avi', frames)
    paths = [str(tmp_path / f'{i}.avi') for i in range(4)]
    cfg = inference_config(tiny_llava, 'rgb')
    checkpoint = write_checkpoint(cfg, tmp_path / 'model.pth', [
        dict(filename=p, start_index=0, modality='RGB') for p in paths])
    inferencer = ActionInferencer(cfg, checkpoint, 'cpu',
                                  show_progress=False)
    result = inferencer(paths, batch_size=4, return_datasamples=True)
    from_files = scores_of(result)
    for path, expected in zip(paths, from_files):
        sample = inference_recognizer(inferencer.model, path)
        np.testing.assert_allclose(sample.pred_score, expected, atol=1e-4)
    decoded = [np.stack([cv2.cvtColor(f, cv2.COLOR_BGR2RGB)
                         for f in frames_of(path)]) for path in paths]
    result = inferencer(decoded, batch_size=4, return_datasamples=True)
    # Two decoders of one JPEG differ by a grey level.
    np.testing.assert_allclose(scores_of(result), from_files, atol=.05)
    answer = result['predictions'][0]
    assert answer['frames'] == 12 and answer['tokens'][-1]['end'] > 0
    assert {c['true'] for c in answer['claims']} <= {None}  # no joints


def frames_of(path):
    video = cv2.VideoCapture(path)
    while True:
        there, frame = video.read()
        if not there:
            return
        yield frame


def test_joints_in_pictures(tiny_llava, tmp_path):
    """Give MMAction2's `inference_skeleton` what it takes; compare."""
    cfg = inference_config(tiny_llava, 'picture')
    joints = pictures('coco17', actions=ACTIONS)
    clips = [dict(keypoint=k, keypoint_score=k.any(-1).astype('f4'),
                  img_shape=(120, 160), total_frames=k.shape[1])
             for k in joints]
    inferencer = ActionInferencer(
        cfg, write_checkpoint(cfg, tmp_path / 'model.pth', clips), 'cpu',
        show_progress=False)
    result = inferencer(clips, batch_size=4, return_datasamples=True)
    inferencer.model.cls_head.explain = dict()
    for clip, expected in zip(clips, scores_of(result)):
        poses = [dict(keypoints=k, keypoint_scores=s) for k, s in zip(
            clip['keypoint'].swapaxes(0, 1),
            clip['keypoint_score'].swapaxes(0, 1))]
        sample = inference_skeleton(inferencer.model, poses, (120, 160))
        # It stores joints in half precision.
        np.testing.assert_allclose(sample.pred_score, expected, atol=.05)
        assert sample.pred_narrative and isinstance(sample.pred_reason, str)


# --------------------------------------------------------------- answers
def test_what_an_answer_holds(inferencer, clips):
    result = inferencer(clips[1], explain_spans=True, top_k=2)
    answer, = result['predictions']
    assert result['visualization'] is None
    assert answer['name'] == 'a23' and answer['frames'] == 48
    assert [t['score'] for t in answer['top']] == sorted(
        (t['score'] for t in answer['top']), reverse=True)
    assert answer['top'][0] == {'class': answer['class'],
                                'score': answer['score']}
    assert len(answer['top']) == 2 and isinstance(answer['reason'], str)
    assert 'waves' in answer['measured'] and answer['events']
    tokens = answer['tokens']
    assert tokens[0]['start'] == 0 and tokens[-1]['end'] == pytest.approx(
        47 / 30, abs=.01)
    assert all('influence' in t for t in tokens) or len(tokens) == 1
    json.dumps(result)


def test_claims_of_the_reason_are_checked(inferencer, clips, monkeypatch):
    """On the joints as they were recorded, whatever the model says."""
    head = inferencer.model.cls_head
    monkeypatch.setattr(head, 'generate', lambda inputs, labels, most: [
        ('', 'The right hand waves while the left foot kicks, on a bed; '
         'the head does not nod.')
        for _ in labels])
    answer, = inferencer(clips[1])['predictions']
    assert [(c['claim'], c['true']) for c in answer['claims']] == [
        ('right hand waves', True), ('left foot kicks', False),
        ('head does not nod', True)]


def test_reasons_are_verified_on_request(inferencer, clips, monkeypatch):
    head, own = inferencer.model.cls_head, 'The head nods. The %s hand waves.'
    monkeypatch.setattr(head, 'generate', lambda inputs, labels, most: [
        ('', own % 'right') for _ in labels])
    answer, = inferencer(clips[1])['predictions']
    assert answer['reason'] == own % 'right' and 'raw_reason' not in answer
    answer, = inferencer(clips[1], verify=True)['predictions']
    assert answer['reason'] == 'The right hand waves.'
    assert answer['raw_reason'] == own % 'right'
    assert [c['true'] for c in answer['claims']] == [True]


@pytest.mark.parametrize('configured', [
    None, dict(verify=True, max_new_tokens=3)])
def test_reasons_are_written_as_configured(inferencer, clips, monkeypatch,
                                           configured):
    head, asked = inferencer.model.cls_head, []
    monkeypatch.setattr(head, 'explain', configured)
    monkeypatch.setattr(
        head, 'write_reasons',
        lambda inputs, samples, **kwargs: asked.append(kwargs))
    inferencer(clips[1])
    assert asked == [configured or {}] and head.explain is configured
    inferencer(clips[1], reasons=False)
    assert len(asked) == 1 and head.explain is configured


def test_influence_is_that_of_leaving_tokens_out(inferencer, clips):
    """Score each clip anew, alone, without each span and each control."""
    model, seen = inferencer.model, 0
    answers = inferencer(clips, batch_size=4, explain_spans=True,
                         reasons=False)['predictions']
    for clip, answer in zip(clips, answers):
        data = model.data_preprocessor(
            pseudo_collate([inferencer.pipeline(dict(clip))]), False)
        tokens = tokens_of(model, data['inputs'])

        def score(gone=()):
            less = tokens._replace(mask=tokens.mask.clone())
            for at in gone:
                less.mask[0, at] = False
            with torch.no_grad():
                scores = model.cls_head(less, data['data_samples'])
            return float(scores.softmax(1)[0, answer['label']])

        number, whole = tokens.mask.shape[1], score()
        for span in answer['tokens']:
            first, steps = span['first'], span['steps']
            if steps == number:
                assert 'influence' not in span
                continue
            seen += 1
            own = range(first, first + steps)
            assert span['influence'] == pytest.approx(
                whole - score(own), abs=1e-5)
            falls = []
            for start, length in elsewhere(first, steps, number):
                gone = [at % number for at in range(start, start + length)]
                assert length == steps and not set(gone) & set(own)
                falls.append(whole - score(gone))
            assert falls or 2 * steps > number
            assert span.get('influence_elsewhere') == (
                pytest.approx(np.mean(falls), abs=1e-5) if falls else None)
    assert seen


@pytest.mark.parametrize('span, found', [
    ((0, 2, 12), [3, 6, 9]), ((5, 1, 12), [7, 11, 3]), ((2, 3, 6), [5]),
    ((0, 4, 7), []), ((0, 1, 2), [1]), ((1, 1, 3), [2, 0])])
def test_controls_lie_elsewhere(span, found):
    assert elsewhere(*span) == [(first, span[1]) for first in found]


def test_persons_each_or_together(inferencer, clips):
    pair = np.concatenate([clips[0]['keypoint'][:, :30],
                           clips[1]['keypoint'][:, :30]])
    alone = [answers_of(p)[0] for p in inferencer(
        [pair[:1], pair[1:]])['predictions']]
    both, = inferencer(pair, persons='each')['predictions']
    assert [a['person'] for a in both['persons']] == [0, 1]
    for one, other in zip(alone, both['persons']):
        assert one['score'] == pytest.approx(other['score'], abs=1e-4)
        assert one['measured'] == other['measured']
    together, = inferencer(pair)['predictions']
    assert 'persons' not in together and 'person' in together['measured']
    with pytest.raises(ValueError, match='persons'):
        inferencer(pair, persons='all')


def test_joints_of_another_layout(inferencer, clips):
    joints = in_layout(clips[1]['keypoint'], 'blazepose33').astype('f4')
    answer, = inferencer(joints)['predictions']
    assert 'blazepose33' in answer['notes'][0]
    assert 'waves' in answer['measured']


def test_spans_of_body_parts():
    sample = ActionDataSample()
    for key, value in dict(pred_tokens=[3, 3, 5, 7, 7, 7],
                           pred_parts=[0, 0, 0, 1, 1, 1]).items():
        sample.set_field(torch.tensor(value), key)
    sample.set_field((1., 4.), 'span')
    assert [(s['code'], s['part'], s['start'], s['end'], s['first'])
            for s in spans(sample)] == [
        (3, 0, 1, 3, 0), (5, 0, 3, 4, 2), (7, 1, 1, 4, 3)]


def test_what_is_written(inferencer, clips, tmp_path):
    result = inferencer([clips[0], clips[0], tmp_path / 'no.npy'],
                        out_dir=tmp_path / 'out', return_vis=True)
    saved = json.loads((tmp_path / 'out/predictions.json').read_text())
    assert saved == json.loads(json.dumps(result['predictions']))
    names = sorted(f.name for f in (tmp_path / 'out/pictures').iterdir())
    assert names == ['a8.png', 'a8_2.png']
    picture = cv2.imread(str(tmp_path / 'out/pictures/a8.png'))
    assert np.array_equal(picture[..., ::-1], result['visualization'][0][0])
    assert result['visualization'][2] == []


def test_a_checkpoint_of_another_model(tiny_llava, clips, tmp_path):
    cfg = inference_config(tiny_llava)
    checkpoint = write_checkpoint(cfg, tmp_path / 'model.pth', clips)
    cfg.model.backbone.base_channels = 8
    cfg.model.neck.in_channels = cfg.model.cls_head.in_channels = 16
    with pytest.raises(ValueError, match='model.pth is of another model'):
        ActionInferencer(cfg, checkpoint, 'cpu')
    with pytest.raises(FileNotFoundError, match='no checkpoint'):
        ActionInferencer(cfg, str(tmp_path / 'nowhere.pth'), 'cpu')


def test_a_damaged_checkpoint_is_told_before_a_model_is_built(
        tiny_llava, tmp_path, monkeypatch):
    damaged = tmp_path / 'damaged.pth'
    damaged.write_bytes(b'not a checkpoint')
    monkeypatch.setattr(loading, 'MODELS', None)
    with pytest.raises(ValueError, match='damaged.pth'):
        ActionInferencer(inference_config(tiny_llava), str(damaged), 'cpu')


def test_other_classes(tiny_llava, clips, tmp_path):
    cfg = inference_config(tiny_llava)
    checkpoint = write_checkpoint(cfg, tmp_path / 'model.pth', clips)
    inferencer = ActionInferencer(cfg, checkpoint, 'cpu',
                                  ['drink water', 'sit down'],
                                  show_progress=False)
    answer, = inferencer(clips[0])['predictions']
    assert {t['class'] for t in answer['top']} == {'drink water', 'sit down'}


def test_a_config_without_classes_has_numbers(tiny_llava):
    """Stock heads know no names."""
    cfg = inference_config(tiny_llava)
    cfg.model = dict(
        type='RecognizerGCN', backbone=cfg.model.backbone,
        cls_head=dict(type='GCNHead', num_classes=3, in_channels=8))
    inferencer = ActionInferencer(cfg, device='cpu', show_progress=False)
    answer, = inferencer(measured(8))['predictions']
    assert answer['class'].startswith('class ') and answer['events']
    assert 'tokens' not in answer
