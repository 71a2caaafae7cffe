"""Answers while it happens: equal to those of a test, and never late."""
import pickle
import threading
import time

import decord
import numpy as np
import pytest
from bodies import measured
from helpers import write_frames
from mmengine.runner import Runner
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer, answers
from lvlm_var_mm.apis.answers import Ask
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.datasets.transforms import events
from lvlm_var_mm.live import ByJoints, ByModel, Live, live, open_source
from lvlm_var_mm.live.display import Scene, no_window
from lvlm_var_mm.live.sources import Source
from lvlm_var_mm.models.lvlm import language_model
from lvlm_var_mm.pose import blazepose
from lvlm_var_mm.pose.blazepose import Landmarks

WINDOW, EVERY = 2 / 3, 1 / 3  # 20 and 10 frames
PARTS = [slice(s, s + 20) for s in range(0, 70, 10)] + [slice(70, 85)]
KEEP = Ask(reasons=False, keep=True)
PATIENCE = 20  # seconds, only for a test that fails


@pytest.fixture(scope='module')
def recording():
    return np.concatenate([measured(a)[:, :30] for a in (8, 23, 26)],
                          1)[:, :85]


@pytest.fixture(scope='module')
def inferencer(tiny_llava, recording, tmp_path_factory):
    cfg = inference_config(tiny_llava)
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    return ActionInferencer(
        cfg, write_checkpoint(cfg, path, [
            dict(keypoint=recording[:, part]) for part in PARTS]), 'cpu',
        show_progress=False)


def scores_of(found):
    assert not [a for a in found if 'error' in a]
    return np.stack([a['data_sample'].pred_score.numpy() for a in found])


def stream(answering, address, how=None, **kwargs):
    source = open_source(address, answering.wanted, how)
    with Live(answering, source, how=how, tell=str, **kwargs) as found:
        return list(found), found.summary()


# --------------------------------------------------------------- the same
def test_windows_score_as_the_test_loop_and_the_inferencer(
        inferencer, recording, tmp_path):
    clips = [dict(keypoint=recording[:, part], frame_dir=f'w{i}', label=0,
                  total_frames=recording[:, part].shape[1])
             for i, part in enumerate(PARTS)]
    (tmp_path / 'clips.pkl').write_bytes(pickle.dumps(clips))
    cfg = inferencer.cfg.copy()
    cfg.work_dir, cfg.launcher = str(tmp_path), 'none'
    cfg.test_dataloader.dataset = dict(
        type='SkeletonDataset', ann_file=str(tmp_path / 'clips.pkl'),
        pipeline=cfg.test_pipeline, test_mode=True)
    cfg.test_evaluator = [dict(
        type='DumpResults', out_file_path=str(tmp_path / 'dump.pkl'))]
    runner = Runner.from_cfg(cfg)
    runner.model.load_state_dict(inferencer.model.state_dict())
    runner.test()
    tested = np.stack([
        row['pred_score'].numpy()
        for row in pickle.loads((tmp_path / 'dump.pkl').read_bytes())])
    assert np.ptp(tested, 0).max() > .01  # windows are told apart

    np.save(tmp_path / 'day.npy', recording)
    found, summary = stream(ByModel(inferencer, KEEP), tmp_path / 'day.npy',
                            window=WINDOW, every=EVERY, fast=True)
    np.testing.assert_allclose(scores_of(found), tested, atol=1e-4)
    alone = inferencer([recording[:, part] for part in PARTS],
                       reasons=False, return_datasamples=True)['predictions']
    np.testing.assert_allclose(scores_of(found), scores_of(alone), atol=1e-4)
    for one, other, part in zip(found, alone, PARTS):
        assert one['narrative'] == other['narrative']
        assert one['measured'] == other['measured']
        assert one['frames'] == part.stop - part.start
        assert (one['start'], one['end']) == (
            round(part.start / 30, 3), round(part.stop / 30, 3))
        assert one['skipped'] == one['skipped_windows'] == 0
    assert {k: summary[k] for k in ('frames', 'skipped', 'answers',
                                    'skipped_windows', 'reconnects')} == dict(
        frames=85, skipped=0, answers=8, skipped_windows=0, reconnects=0)


def test_at_its_own_pace_it_says_the_same(inferencer, recording):
    """Where nothing was skipped; on a slow machine that may be little."""
    fps = 90.  # nobody wants to wait
    found, summary = stream(
        ByModel(inferencer, KEEP), dict(keypoint=recording, fps=fps),
        window=20 / fps, every=10 / fps)
    assert summary['frames'] == 85 and found
    assert summary['answers'] == len(found)
    whole = [a for a in found if a['frames'] == 20]
    alone = inferencer([dict(keypoint=recording[:, s:s + 20], fps=fps)
                        for s in (round(fps * a['start']) for a in whole)],
                       reasons=False, return_datasamples=True)['predictions']
    if whole:
        np.testing.assert_allclose(scores_of(whole), scores_of(alone),
                                   atol=1e-4)


def test_a_loop_that_is_shorter_than_a_window(recording):
    answering = ByJoints()
    source = open_source(dict(keypoint=recording[:, :45], fps=90.,
                              frame_dir='s3://bucket/clip'), answering.wanted)
    with Live(answering, source, 1., 1., loop=True, tell=str) as found:
        for _ in range(2):
            assert found.next(PATIENCE)['frames'] <= 45


def test_videos(tiny_llava, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / 'clip.avi'
    write_frames(path, np.sort(  # it grows lighter
        rng.integers(0, 256, (85, 24, 32, 3)).astype('u1'), 0))
    frames = [f.asnumpy() for f in decord.VideoReader(str(path))]
    cfg = inference_config(tiny_llava, 'rgb')
    inferencer = ActionInferencer(cfg, write_checkpoint(
        cfg, tmp_path / 'model.pth', [dict(
            filename=str(path), start_index=0, modality='RGB')]), 'cpu',
        show_progress=False)
    alone = inferencer([np.stack(frames[part]) for part in PARTS],
                       reasons=False, return_datasamples=True)['predictions']
    found, _ = stream(ByModel(inferencer, KEEP), path, window=WINDOW,
                      every=EVERY, fast=True)
    np.testing.assert_allclose(scores_of(found), scores_of(alone), atol=1e-4)
    assert np.ptp(scores_of(found), 0).max() > .001


def test_poses_are_estimated_once(inferencer, recording, tmp_path,
                                  monkeypatch):
    looked = []

    def look(frames):
        for t, frame in enumerate(frames):
            looked.append(t)
            joints = recording[0, t, [0] * 33] + np.arange(99).reshape(
                33, 3) % 7 / 9
            yield Landmarks(joints.astype('f4'), 20 * joints[:, :2].astype(
                'f4'), np.ones(33, 'f4'))

    monkeypatch.setattr(blazepose, 'look', look)
    monkeypatch.setattr(blazepose, 'available', lambda: True)
    path, how = tmp_path / 'clip.avi', Reading(pose='mediapipe')
    write_frames(path, np.zeros((20, 24, 32, 3), 'u1'))
    alone = inferencer(path, reasons=False, return_datasamples=True,
                       pose='mediapipe')['predictions']
    looked.clear()
    found, _ = stream(ByModel(inferencer, KEEP), path, how, window=WINDOW,
                      every=EVERY / 2, fast=True)
    np.testing.assert_allclose(scores_of(found), scores_of(alone), atol=1e-4)
    assert looked == list(range(20))
    looked.clear()
    found, _ = stream(ByModel(inferencer, KEEP), path, how, window=.2,
                      every=.1, fast=True)
    assert len(found) == 6 and looked == list(range(20))


# ------------------------------------------------------------- done once
def test_events_are_measured_once_and_the_prefix_is_read_once(
        inferencer, recording, monkeypatch):
    calls = dict.fromkeys(['events', 'prefix'], 0)

    def counted(name, function):
        def call(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)
        return call

    for module in (answers, events):
        monkeypatch.setattr(module, 'observe',
                            counted('events', module.observe))
    monkeypatch.setattr(language_model, 'read_prefix', counted(
        'prefix', language_model.read_prefix))
    found, _ = stream(ByModel(inferencer), recording, window=WINDOW,
                      every=EVERY, fast=True)
    assert len(found) == 8 and all(a['events'] is not None for a in found)
    assert calls['events'] == 8 and calls['prefix'] <= 1


# ------------------------------------------------------------- never late
class Slow:
    """Answers the first window when the recording is over."""
    wanted = Wanted(False, None, None, 2)

    def __init__(self):
        self.over, self.seen = threading.Event(), []

    def __call__(self, clip):
        self.seen.append(int(clip.keypoint[0, -1, 0, 0]))
        assert self.over.wait(PATIENCE)
        return {}


class Ramp(Source):
    """A hundred frames, one after the other."""
    name, fps, frames = 'ramp', 1000., 100

    def __init__(self, over):
        self.over = over

    def read(self):
        for t in range(self.frames):
            yield dict(joints=np.full((1, 25, 3), 1. + t, 'f4'))
        self.over.set()


def test_a_slow_model_answers_about_what_happened_last():
    slow = Slow()
    source = Ramp(slow.over)
    source.layout = open_source(np.ones((1, 2, 25, 3), 'f4'),
                                slow.wanted).layout
    with Live(slow, source, .02, .01, tell=str) as found:
        rows, summary = list(found), found.summary()
    assert summary['frames'] == 100 and rows[-1]['end'] == .1
    assert slow.seen[-1] == 100 and slow.seen == sorted(slow.seen)
    assert sum(r['skipped'] for r in rows) == summary['skipped']
    assert sum(r['skipped_windows'] for r in rows) == (
        summary['skipped_windows'])
    # Of nine windows; fewer were due where frames were skipped.
    assert len(rows) < 9 and len(rows) + summary['skipped_windows'] <= 10


def test_fast_skips_nothing_however_slow_it_is():
    slow = Slow()
    slow.over.set()
    found, summary = stream(slow, np.ones((1, 100, 25, 3), 'f4'), window=.2,
                            every=.1, fast=True)
    assert len(found) == 33 and summary['skipped'] == 0
    assert summary['skipped_windows'] == 0


def test_windows_do_not_reach_over_a_gap():
    class Twice(Source):
        name, fps, returns = 'twice', 10., True
        layout = open_source(np.ones((1, 2, 25, 3), 'f4'),
                             Slow.wanted).layout
        visits = 0

        def read(self):
            self.visits += 1
            for t in range(12):
                # The other stages keep up, or something would be skipped.
                while any(box._thing for box in found._boxes[:2]):
                    time.sleep(.001)
                yield dict(joints=np.full((1, 25, 3), self.visits, 'f4'))

    def answer(clip):
        return dict(values=sorted(set(clip.keypoint[..., 0].ravel())))

    answer.wanted = Slow.wanted
    found = Live(answer, Twice(), 1., .5, tell=str)
    rows = []
    with found:
        for row in found:
            rows.append(row)
            if len(rows) == 2:
                break
    assert [row['values'] for row in rows] == [[1], [2]]
    assert found.summary()['reconnects'] >= 1


# ------------------------------------------------------------ what fails
def test_nobody_is_no_class(inferencer, recording):
    found, _ = stream(ByModel(inferencer), np.concatenate(
        [recording[:, :20], 0 * recording[:, :40]], 1), window=WINDOW,
        every=WINDOW, fast=True)
    assert [a['class'] is None for a in found] == [False, True, True]
    assert 'error' not in found[1] and 'narrative' not in found[1]


def test_a_window_that_fails_does_not_end_it():
    def answer(clip):
        raise ValueError('is odd')

    answer.wanted = Slow.wanted
    found, _ = stream(answer, np.ones((1, 60, 25, 3), 'f4'), window=1.,
                      every=1., fast=True)
    assert [a['error'] for a in found] == ['input is odd'] * 2


def test_a_fault_of_a_stage_is_raised():
    def answer(clip):
        raise KeyError('gone')

    answer.wanted = Slow.wanted
    with pytest.raises(KeyError, match='gone'):
        stream(answer, np.ones((1, 60, 25, 3), 'f4'), fast=True)


def test_a_camera_that_hangs_does_not_hold_the_program(monkeypatch):
    monkeypatch.setattr(live, 'GOODBYE', .05)
    over = threading.Event()

    class Hanging(Source):
        name, returns = 'hanging', True

        def read(self):
            over.wait(PATIENCE)
            yield {}

    found = Live(Slow(), Hanging(), tell=str)
    with found:
        assert found.next(.01) is None
    assert not found.stop()
    over.set()
    monkeypatch.setattr(live, 'GOODBYE', PATIENCE)
    assert found.stop()


def test_pictures_have_one_answer():
    with pytest.raises(ValueError, match='camera 0 gives pictures'):
        Live(Slow(), open_source(0, Wanted(True, None, None, 2)),
             how=Reading(persons='each'))


def test_cameras_are_not_played():
    source = open_source(0, Wanted(True, None, None, 2))
    with pytest.raises(ValueError, match='camera 0 is no recording'):
        Live(Slow(), source, fast=True)
    with pytest.raises(ValueError, match='stride'):
        Live(Slow(), source, window=1., every=2.)


# ---------------------------------------------------------------- pictures
def test_scenes(recording):
    answering = ByJoints()
    source = open_source(recording, answering.wanted)
    with Live(answering, source, fast=True, tell=str) as found:
        answer = list(found)[0]
    scene = Scene(source.layout)
    plain = scene.draw(*found.latest)
    told = scene.draw(*found.latest, answer)
    assert plain.shape == told.shape and (plain != told).any()
    assert (plain[:-30] != 255).any()  # a body
    of_each = scene.draw(*found.latest, dict(persons=[
        {'person': 0, 'class': 'drink', 'score': .5},
        dict(person=1, measured='The head nods.')]))
    assert (of_each[:-31] == plain[:-31]).all()
    assert (of_each[-31:] > 200).any() and (of_each[-31:] < 100).any()
    frame = found.latest[0]._replace(content=dict(
        image=np.zeros((48, 64, 3), 'u1')))
    body = Landmarks(np.ones((33, 3)), np.linspace(
        (4, 4), (60, 44), 33), np.ones(33))
    answer.update({'class': 'drink', 'score': .5})
    drawn = scene.draw(frame, body, answer)
    assert drawn.shape[0] == 432 and drawn[:3].any()
    assert (drawn[100:300] != 0).any()  # the pose


def test_why_there_is_no_window(monkeypatch):
    monkeypatch.setattr('cv2.getBuildInformation', lambda: '  GUI:  NONE\n')
    assert 'headless' in no_window()
    monkeypatch.setattr('cv2.getBuildInformation', lambda: '  GUI:  QT5\n')
    monkeypatch.setattr('sys.platform', 'linux')
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    assert 'DISPLAY' in no_window()
    monkeypatch.setenv('DISPLAY', ':0')
    assert no_window() is None
