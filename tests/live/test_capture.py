"""Frames of sources: at their time, and again after a source was lost."""
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import decord
import numpy as np
import pytest
from helpers import write_frames

from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.live import Live, SourceLost, capture, open_source, sources
from lvlm_var_mm.live.capture import Capture
from lvlm_var_mm.live.sources import Camera, JointsFile, Source, VideoFile
from lvlm_var_mm.pose import blazepose

JOINTS = Wanted(False, None, None, 2)
PICTURES = Wanted(True, None, None, 2)
PATIENCE = 60  # seconds, only for a test that fails


class Made(Source):
    """Give frames in visits: of each, how many; then it is lost."""
    name, fps, returns = 'made', 10., True

    def __init__(self, *visits):
        self.visits = list(visits)

    def read(self):
        if not self.visits:
            raise SourceLost('nothing is there')
        for number in range(self.visits.pop(0)):
            yield dict(joints=np.full((1, 25, 3), 1. + number, 'f4'))
        raise SourceLost('it broke off')


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(capture, 'FIRST_WAIT', .001)
    monkeypatch.setattr(capture, 'LONGEST_WAIT', .002)


def test_a_source_that_dies_and_returns():
    said, stop = [], threading.Event()
    found = Capture(Made(3, 0, 2), stop, tell=said.append)
    frames = []
    for frame in found:
        frames.append((frame.visit, frame.number))
        if len(frames) == 5:
            stop.set()
    assert frames == [(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)]
    assert found.frames == 5 and found.reconnects == 1
    assert [line.partition(': ')[2] for line in said] == [
        'it broke off; trying again in 0.001 s',
        'it broke off; trying again in 0.002 s', 'it is back']


def test_waits_grow_while_it_is_away(monkeypatch):
    waits, stop = [], threading.Event()

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 5:
            stop.set()
        return stop.is_set()

    monkeypatch.setattr(capture, 'FIRST_WAIT', .5)
    monkeypatch.setattr(capture, 'LONGEST_WAIT', 3.)
    monkeypatch.setattr(stop, 'wait', wait)
    assert len(list(Capture(Made(1), stop, tell=str))) == 1
    assert waits == [.5, 1, 2, 3, 3]


def test_a_source_that_never_was_there():
    with pytest.raises(ValueError, match='made: nothing is there. Look'):
        list(Capture(Made(), threading.Event(), tell=str))


def test_a_recording_that_is_lost():
    source = Made(2, 2)
    source.returns = False
    with pytest.raises(ValueError, match='made: it broke off'):
        list(Capture(source, threading.Event(), loop=True, tell=str))


def test_recordings_keep_their_rate(tmp_path):
    clip = np.ones((1, 6, 25, 3), 'f4')
    source = open_source(dict(keypoint=clip, fps=50.), JOINTS)
    frames = list(Capture(source, threading.Event()))
    assert [f.time for f in frames] == [t / 50 for t in range(6)]
    for frame in frames:  # none is there before its time
        assert frame.captured - frames[0].captured >= frame.time - 1e-3
    frames = list(Capture(source, threading.Event(), fast=True))
    assert [f.number for f in frames] == list(range(6))
    looped = iter(Capture(source, threading.Event(), fast=True, loop=True))
    frames = [next(looped) for _ in range(13)]
    assert [(f.visit, f.number) for f in frames[5:8]] == [
        (0, 5), (1, 0), (1, 1)]
    assert frames[12].time == 12 / 50


class Frames(BaseHTTPRequestHandler):
    """Motion JPEG, as network cameras give it, that breaks off."""

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type',
                         'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for number in range(8):
            data = cv2.imencode('.jpg', np.full(
                (48, 64, 3), (0, 0, 16 * number), 'u1'))[1].tobytes()
            self.wfile.write(b'--frame\r\nContent-Type: image/jpeg\r\n'
                             b'Content-Length: %d\r\n\r\n' % len(data) +
                             data + b'\r\n')
            time.sleep(.02)

    def log_message(self, *args):
        pass


@pytest.mark.skipif(
    cv2.CAP_FFMPEG not in cv2.videoio_registry.getBackends(),
    reason='this OpenCV was built without FFmpeg')
def test_a_network_stream_that_breaks_off(monkeypatch):
    """Frames are RGB, windows hold frames of one visit, and it goes on."""
    monkeypatch.delenv('http_proxy', raising=False)
    monkeypatch.setattr(sources, 'PATIENCE', 1000 * PATIENCE)
    server = ThreadingHTTPServer(('127.0.0.1', 0), Frames)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(clip):
        return dict(reds=[int(f[0, 0, 0]) for f in clip.results['array']],
                    rest=max(int(f[0, 0, 1:].max())
                             for f in clip.results['array']))

    answer.wanted = PICTURES
    try:
        source = open_source(
            f'http://127.0.0.1:{server.server_port}/a.mjpg', PICTURES)
        with Live(answer, source, .06, .03, tell=str) as live:
            end = time.monotonic() + PATIENCE
            while live.summary()['reconnects'] < 2:
                assert time.monotonic() < end
                found = live.next(.01)
                if found is None:
                    continue
                assert 'error' not in found and found['latency_ms'] >= 0
                assert found['reds'] == sorted(found['reds'])
                assert found['rest'] < 20
            assert live.stop()
    finally:
        server.shutdown()
        server.server_close()
    assert live.summary()['frames'] > 16


def test_what_a_source_is(tmp_path, monkeypatch):
    monkeypatch.setattr(blazepose, 'available', lambda: True)
    video, joints = tmp_path / 'a.avi', tmp_path / 'a.npy'
    write_frames(video, np.zeros((4, 24, 32, 3), 'u1'), fps=12)
    np.save(joints, np.ones((1, 4, 25, 3), 'f4'))
    pose = Reading(pose='mediapipe')
    assert isinstance(open_source('0', PICTURES), Camera)
    assert isinstance(open_source('rtsp://x/y', JOINTS, pose), Camera)
    found = open_source(str(video), PICTURES)
    assert isinstance(found, VideoFile) and found.fps == 12
    assert len(list(found.read())) == 4
    assert isinstance(open_source(video, JOINTS, pose), VideoFile)
    found = open_source(str(joints), JOINTS)
    assert isinstance(found, JointsFile) and found.fps == JOINTS.fps
    assert found.name == str(joints)


@pytest.mark.parametrize('address, wanted, words', [
    ('0', JOINTS, 'camera 0 is a video, and the model reads joints'),
    ('rtsp://me:secret@x/y', JOINTS, '^rtsp://x/y is a video'),
    ('rtsp://me:p@ss/w@x/y?key=z', JOINTS, '^rtsp://x/y is a video'),
    ('rtsp://x/y', PICTURES._replace(boxes=True), 'PersonCrop'),
    ('nowhere.mp4', PICTURES, 'no file nowhere.mp4'),
    ('nowhere.npy', JOINTS, 'no file nowhere.npy: give a file'),
    ('{tmp}/bad.npy', JOINTS, 'bad.npy .*cannot be read'),
    ('{tmp}/bad.mp4', PICTURES, 'bad.mp4 '),
    ('{tmp}/good.npy', PICTURES, 'good.npy is no video')])
def test_sources_that_cannot_be_read(tmp_path, address, wanted, words):
    for name in ('bad.npy', 'bad.mp4'):
        (tmp_path / name).write_text('no')
    np.save(tmp_path / 'good.npy', np.ones((1, 4, 25, 3), 'f4'))
    with pytest.raises((ValueError, OSError), match=words):
        open_source(address.format(tmp=tmp_path), wanted)


def test_a_video_that_is_damaged_inside(tmp_path, monkeypatch):
    path = tmp_path / 'a.avi'
    write_frames(path, np.zeros((4, 24, 32, 3), 'u1'))

    def frames(path, decoded):
        yield np.zeros((24, 32, 3), 'u1')
        raise decord.DECORDError('[12:00:00] at.cc:1: Error reading')

    monkeypatch.setattr(sources, 'frames_of_video', frames)
    source = open_source(path, PICTURES)
    with pytest.raises(ValueError, match='a.avi cannot be decoded behind '
                       'frame 1'):
        list(Capture(source, threading.Event(), fast=True))


def test_without_mediapipe(monkeypatch):
    monkeypatch.setattr(blazepose, 'available', lambda: False)
    with pytest.raises(ImportError, match=r'\[pose\]'):
        open_source(0, JOINTS, Reading(pose='mediapipe'))
