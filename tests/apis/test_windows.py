"""Long recordings: windows, scores over time, segments, subtitles."""
import csv
import json
from types import SimpleNamespace

import decord
import numpy as np
import pytest
import torch
from bodies import measured
from helpers import write_frames
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer, windows
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.timeline import as_vtt, write_timeline
from lvlm_var_mm.apis.wanted import Wanted, take_window
from lvlm_var_mm.apis.windows import Scan, Segment, Step, grid_of, segments
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.pose.blazepose import Landmarks
from mmaction.structures import ActionDataSample

FPS = 10.


class Fake:
    """Answers a window by what its first joint says, the mean of x."""
    wanted = Wanted(False, LAYOUTS['ntu25'], 3, 1, fps=FPS)
    class_names = ['zero', 'one', 'two']

    def __init__(self):
        self.seen = []

    def pipeline(self, results):
        return results

    def collate_fn(self, data):
        return data

    def forward(self, data, reasons):
        assert not reasons
        samples = []
        for results in data:
            x = results['keypoint'][0, :, 0, 0]
            self.seen.append(len(x))
            scores = torch.stack([torch.tensor((np.abs(x - k) < .5).mean())
                                  for k in (1, 2, 3)])
            samples.append(ActionDataSample().set_pred_score(scores))
        return samples


def recording(*lengths):
    """Frames of class 0, 1, ... in turn; of -1 nobody is seen."""
    values = np.concatenate([[1. + label] * n for label, n in lengths])
    return np.broadcast_to(values[None, :, None, None],
                           (1, len(values), 25, 3)).astype('f4').copy()


@pytest.mark.parametrize('frames', [1, 3, 4, 5, 7, 8, 9, 41])
@pytest.mark.parametrize('window, stride', [(.4, .1), (.4, .2), (.4, .4)])
def test_steps_cover_the_recording_once(frames, window, stride):
    steps = list(Scan(Fake(), recording((0, frames)), window, stride))
    assert steps[0].start == 0 and steps[-1].end == pytest.approx(frames / FPS)
    for one, other in zip(steps, steps[1:]):
        assert one.end == other.start
    assert all(step.scores.tolist() == [1, 0, 0] for step in steps)


@pytest.mark.parametrize('size', [1, 3, 100])
def test_scores_are_the_mean_of_the_windows(size):
    keypoint = recording((0, 10), (2, 10))
    steps = list(Scan(Fake(), keypoint, .4, .2, size))
    x = keypoint[0, :, 0, 0]
    starts = range(0, 17, 2)
    for i, step in enumerate(steps):
        covering = [s for s in starts if s <= 2 * i < s + 4]
        expected = np.mean([[np.mean(x[s:s + 4] == k) for k in (1, 2, 3)]
                            for s in covering], 0)
        np.testing.assert_allclose(step.scores, expected)


def test_nobody_is_no_class():
    steps = Scan(Fake(), recording((1, 8), (-1, 12), (0, 8)), .4, .4)
    found = list(segments(steps))
    assert [s.label for s in found] == [1, None, 0]
    assert found[1].start == pytest.approx(.8)
    assert found[1].end == pytest.approx(2.)


def test_memory_does_not_grow_with_the_length(monkeypatch):
    """Windows are asked for as they are needed, none is kept."""
    asked = []

    def endless():
        at = 0
        while True:
            asked.append(at)
            yield at, at + 4, None
            at += 2

    monkeypatch.setattr(windows, '_opened', lambda *args: (
        FPS, grid_of(.4, .2, FPS), endless()))
    found = iter(Scan(Fake(), None, .4, .2, 1))
    for _ in range(1000):
        assert next(found).scores is None
        assert len(found.gi_frame.f_locals['open_windows']) <= 2
    assert len(asked) == 1000


def test_landmarks_of_one_window_are_kept(monkeypatch, tmp_path):
    made = []

    def frames(path):
        for t in range(21):
            made.append(t)
            yield Landmarks(np.full((33, 3), t, 'f4'),
                            np.zeros((33, 2), 'f4'),
                            np.full(33, t != 20, 'f4'))

    monkeypatch.setattr(windows.blazepose, 'look_at_video', frames)
    monkeypatch.setattr(windows, 'of_landmarks',
                        lambda name, source, seen, *args: seen)
    parts = windows._posed(SimpleNamespace(wanted=None), tmp_path / 'a.mp4',
                           (9, 9), FPS, grid_of(.4, .2, FPS), Reading())
    spans = []
    for start, end, seen in parts:
        spans.append((start, end))
        assert made[-1] < end + 1  # no frame too early
        assert seen.world[:, 0, 0].tolist() == list(range(start, end))
    assert spans == [(s, s + 4) for s in range(0, 17, 2)] + [(18, 21)]


def test_segments_merge_and_thresholds_cut():
    steps = [Step(i, i + 1, None if s is None else np.array(s)) for i, s in
             enumerate([[.9, .1], [.7, .3], None, [.2, .8], [.45, .55]])]
    assert list(segments(steps)) == [
        Segment(0, 2, 0, pytest.approx(.8)), Segment(2, 3, None, 0),
        Segment(3, 5, 1, pytest.approx(.675))]
    assert [s.label for s in segments(steps, .6)] == [0, None, 1, None]
    assert list(segments([])) == []


def test_files(tmp_path):
    steps = Scan(Fake(), recording((0, 10), (2, 10)), .4, .2)
    found = write_timeline(steps, tmp_path / 'out', 'day', Fake.class_names,
                           window=.4)
    assert [row['class'] for row in found] == ['zero', 'two']
    content = json.loads((tmp_path / 'out/day.json').read_text())
    assert content == dict(window=.4, segments=found)
    with (tmp_path / 'out/day.scores.csv').open() as f:
        rows = list(csv.DictReader(f))
    assert len(rows) == 10 and float(rows[0]['zero']) == 1
    with (tmp_path / 'out/day.segments.csv').open() as f:
        assert [r['class'] for r in csv.DictReader(f)] == ['zero', 'two']
    cues = (tmp_path / 'out/day.vtt').read_text().split('\n\n')
    assert cues[0] == 'WEBVTT' and cues[1].startswith(
        '00:00:00.000 --> 00:00:01.')


def test_subtitles_of_hours_and_odd_names():
    text = as_vtt([
        {'start': 3599.9996, 'end': 7325.25, 'class': 'a < b & c',
         'score': .5}, {'start': 1, 'end': 2, 'class': '', 'score': 0}])
    assert text == ('WEBVTT\n\n01:00:00.000 --> 02:02:05.250\n'
                    'a &lt; b &amp; c (0.50)\n')


@pytest.mark.parametrize('window, stride', [(1., 0.), (1., 2.), (0., 0.)])
def test_windows_that_make_no_sense(window, stride):
    with pytest.raises(ValueError, match='stride'):
        list(Scan(Fake(), recording((0, 9)), window, stride))


@pytest.mark.parametrize('window, stride, fps, length, step', [
    (2, .5, 30, 60, 15), (2, 1.5, 30, 60, 60), (2, 1.2, 30, 60, 30),
    (1, .7, 30, 30, 30), (.5, .125, 12, 6, 2), (2, .5, 1, 2, 1),
    (2, .1, 2, 4, 1), (.01, .01, 30, 1, 1), (2, .5, 12, 24, 6)])
def test_a_window_is_as_long_as_asked(window, stride, fps, length, step):
    assert grid_of(window, stride, fps) == (length, step)


def test_a_scan_tells_its_windows():
    scan = Scan(Fake(), recording((0, 9)), .44, .2)
    assert (scan.window, scan.stride) == (.4, .2)
    with pytest.raises(ValueError, match='`batch_size` is 0'):
        Scan(Fake(), recording((0, 9)), batch_size=0)


@pytest.mark.parametrize('error', [KeyboardInterrupt,
                                   decord.DECORDError('broken')])
def test_what_stops_a_scan_leaves_what_was_before(tmp_path, error):
    def steps():
        for i in range(3):
            yield Step(i, i + 1, np.array([0., 1., 0.]))
        raise error

    with pytest.raises(type(error) if isinstance(error, Exception)
                       else KeyboardInterrupt):
        write_timeline(steps(), tmp_path, 'day', Fake.class_names, window=.4)
    content = json.loads((tmp_path / 'day.json').read_text())
    assert content['stopped'] == 3 and content['segments'] == [
        {'start': 0, 'end': 3, 'class': 'one', 'score': 1}]
    with (tmp_path / 'day.scores.csv').open() as f:
        assert len(list(csv.DictReader(f))) == 3
    # Before the first step there is nothing to keep.
    with pytest.raises(ValueError, match='at once'):
        write_timeline(iter_of(ValueError('at once')), tmp_path / 'none',
                       'day', Fake.class_names)
    assert not list((tmp_path / 'none').iterdir())


def iter_of(error):
    raise error
    yield


def test_a_window_of_a_video():
    assert take_window(dict(total_frames=9)) == dict(total_frames=9)
    found = take_window(dict(total_frames=9, start_index=0, window=(2, 6)))
    assert (found['start_index'], found['total_frames']) == (2, 4)


@pytest.mark.parametrize('kind', ['skeleton', 'rgb'])
def test_a_window_is_scored_as_a_clip_of_its_own(tiny_llava, tmp_path, kind):
    if kind == 'skeleton':
        clip = np.concatenate([measured(a)[:, :30] for a in (8, 23, 26)], 1)
        source, parts = clip, [clip[:, s:s + 20] for s in range(0, 90, 10)]
        first = dict(keypoint=clip)
    else:
        rng = np.random.default_rng(0)
        clip = rng.integers(0, 256, (90, 24, 32, 3)).astype('u1')
        clip = np.sort(clip, 0)  # it grows lighter
        source = tmp_path / 'clip.avi'
        write_frames(source, clip)
        parts = [np.stack([frame.asnumpy() for frame in decord.VideoReader(
            str(source))][s:s + 20]) for s in range(0, 90, 10)]
        first = dict(filename=str(source), start_index=0, modality='RGB')
    cfg = inference_config(tiny_llava, kind)
    inferencer = ActionInferencer(cfg, write_checkpoint(
        cfg, tmp_path / 'model.pth', [first]), 'cpu', show_progress=False)
    alone = [p['data_sample'].pred_score.numpy() for p in inferencer(
        parts, reasons=False, return_datasamples=True)['predictions']]
    found = list(Scan(inferencer, source, 2 / 3, 1 / 3, 4))
    assert len(found) == 9
    for i, step in enumerate(found):
        expected = np.mean(alone[max(0, i - 1):min(i + 1, 8)], 0)
        np.testing.assert_allclose(step.scores, expected, atol=1e-4)
