"""Re-encoding: same names and frames, smaller, whatever interrupts it."""
import json
import os
import runpy

import cv2
import decord
import numpy as np
import pytest
from helpers import TOOLS

from lvlm_var_mm.preparation import reencode
from lvlm_var_mm.preparation.reencode import reencode_folder

NAME = 'S001C001P001R001A{:03}_rgb.avi'


def write_video(path, frames=12, size=(192, 128), fps=25, codec='XVID'):
    """A bright bar that moves by a step a frame, before noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter_fourcc(*codec), fps, size)
    assert writer.isOpened()
    rng = np.random.default_rng(0)
    for t in range(frames):
        picture = rng.integers(80, size=(size[1], size[0], 3), dtype=np.uint8)
        picture[:, 8 * t:8 * t + 16] = 220
        writer.write(picture)
    writer.release()
    return path


def bar(frame):
    """Where the bar stands, as a part of the width."""
    bright = frame.mean((0, 2)) > 128
    return np.flatnonzero(bright).mean() / frame.shape[1]


@pytest.fixture
def folders(tmp_path):
    source = tmp_path / 'full'
    for action in (1, 2):
        write_video(source / NAME.format(action))
    return source, tmp_path / 'small'


def run(source, out, **over):
    return reencode_folder(source, out, **{
        **dict(short_side=64, processes=1, progress=False), **over
    })


def run_tool(monkeypatch, name, *args):
    path = str(TOOLS / f'{name}.py')
    monkeypatch.setattr('sys.argv', [path, *map(str, args)])
    monkeypatch.syspath_prepend(TOOLS)
    runpy.run_path(path, run_name='__main__')


def test_frames_rate_and_names_stay(folders):
    source, out = folders
    write_video(source / 'more/clip.mp4', 9, (128, 192), 29.97, 'mp4v')
    done = run(source, out)
    assert (done.written, done.kept, done.copied, done.corrupt) == (3, 0, 0,
                                                                    {})
    sizes = [sum(p.stat().st_size for p in folder.rglob('*.*')
                 if p.suffix in ('.avi', '.mp4')) for folder in folders]
    assert [done.bytes_before, done.bytes_after] == sizes
    for name, shape in ((NAME.format(1), (64, 96)),
                        (NAME.format(2), (64, 96)),
                        ('more/clip.mp4', (96, 64))):
        old, new = (decord.VideoReader(str(f / name)) for f in folders)
        assert len(new) == len(old)
        assert new.get_avg_fps() == pytest.approx(old.get_avg_fps(), 1e-3)
        assert new[0].shape == (*shape, 3)
        for i in range(len(old)):
            assert bar(new[i].asnumpy()) == pytest.approx(
                bar(old[i].asnumpy()), abs=.03)


def test_after_opencv_has_used_its_threads(folders):
    """They do not survive the fork of a worker."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        cv2.resize(np.zeros((120, 160, 3), np.uint8), (1920, 1080))
        assert run(*folders).written == 2
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(threads)


def test_what_is_done_is_kept(folders):
    source, out = folders
    run(source, out)
    first, second = (out / NAME.format(a) for a in (1, 2))
    before = first.stat().st_mtime_ns
    second.write_bytes(second.read_bytes()[:3000])  # as after a power cut
    # What a run that was killed leaves behind.
    left = out / '.x.part.avi'
    left.write_bytes(b'')
    done = run(source, out)
    assert (done.written, done.kept) == (1, 1)
    assert first.stat().st_mtime_ns == before
    assert len(decord.VideoReader(str(second))) == 12
    assert not left.exists()
    # Another size, or a source that is newer, is another job.
    assert run(source, out, short_side=80).written == 2
    os.utime(source / NAME.format(1), (2**31, 2**31))
    assert run(source, out, short_side=80).written == 1


def test_small_videos_are_copied(folders):
    source, out = folders
    assert run(source, out, short_side=128).copied == 2
    assert run(source, out, short_side=128).kept == 2
    for action in (1, 2):
        name = NAME.format(action)
        assert (out / name).read_bytes() == (source / name).read_bytes()


def test_a_corrupt_video_is_named_and_the_rest_is_done(
        folders, monkeypatch, capsys):
    source, out = folders
    whole = write_video(source / NAME.format(3), 60).read_bytes()
    (source / NAME.format(3)).write_bytes(whole[:len(whole) // 2])
    (source / NAME.format(4)).write_bytes(b'no video')
    with pytest.raises(SystemExit) as end:
        run_tool(monkeypatch, 'reencode', source, out, '--short-side', 64,
                 '--processes', 2)
    assert end.value.code == 1
    said = capsys.readouterr().out
    assert f'corrupt: {NAME.format(3)}: ends early, after' in said
    assert f'corrupt: {NAME.format(4)}: ' in said
    assert '2 written' in said and '2 corrupt' in said
    assert sorted(p.name for p in out.glob('*.avi')) == [
        NAME.format(1), NAME.format(2)]


def test_other_containers(folders, monkeypatch, capsys):
    """Every one that can be read, and the rest by name."""
    source, out = folders
    ends = dict(webm='VP80', mpg='PIM1', wmv='WMV2', flv='FLV1', ts='mp4v',
                mkv='XVID', MOV='mp4v')
    ends['3gp'] = 'mp4v'
    for end, codec in ends.items():
        write_video(source / f'a.{end}', codec=codec)
    write_video(source / 'slow.webm', fps=15, codec='VP80').rename(
        source / 'slow.mpg')  # MPEG-1 knows no such rate
    (source / 'notes.txt').write_text('')
    with pytest.raises(SystemExit) as end:
        run_tool(monkeypatch, 'reencode', source, out, '--short-side', 64,
                 '--processes', 1)
    assert end.value.code == 1
    said = capsys.readouterr().out
    assert 'corrupt: slow.mpg: OpenCV cannot write a .mpg of 15 fr' in said
    assert 'no videos by their ending: notes.txt\n' in said
    assert '10 written' in said and '1 corrupt' in said
    for end in ends:
        old, new = (decord.VideoReader(str(f / f'a.{end}')) for f in folders)
        assert len(new) == len(old) == 12 and new[0].shape == (64, 96, 3)
        for i in range(12):
            assert bar(new[i].asnumpy()) == pytest.approx(
                bar(old[i].asnumpy()), abs=.03)
    assert not list(out.glob('.*part*')) and not (out / 'slow.mpg').exists()


def test_a_decoder_that_crashes_is_survived(folders, monkeypatch):
    source, out = folders
    write_video(source / NAME.format(3))
    opened = reencode._open

    def crash(path):
        if path.name == NAME.format(2):
            os._exit(11)
        return opened(path)

    monkeypatch.setattr(reencode, '_open', crash)
    monkeypatch.setattr(reencode, 'BATCH', 2)
    done = run(source, out, processes=2)
    assert done.written + done.kept == 2
    assert done.corrupt == {NAME.format(2): 'crashes its decoder'}


def test_a_target_that_does_not_read_back_does_not_appear(folders,
                                                          monkeypatch):
    """OpenCV may write half a file without a word."""
    source, out = folders
    write = reencode._write

    def short(video, path, size):
        write(video, path, size)
        path.write_bytes(path.read_bytes()[:-2000])

    monkeypatch.setattr(reencode, '_write', short)
    done = run(source, out)
    assert list(done.corrupt) == [NAME.format(1), NAME.format(2)]
    assert 'what was written has' in done.corrupt[NAME.format(1)]
    assert not list(out.glob('*.avi'))
    monkeypatch.undo()
    assert run(source, out).written == 2


def test_bad_arguments(folders):
    source, out = folders
    with pytest.raises(FileNotFoundError, match='nowhere'):
        run(source / 'nowhere', out)
    with pytest.raises(ValueError, match='within'):
        run(source, source / 'small')
    with pytest.raises(ValueError, match='short_side'):
        run(source, out, short_side=0)
    out.mkdir()
    with pytest.raises(FileNotFoundError, match='no video'):
        run(out, source)


def test_measurement(monkeypatch, capsys):
    """At small size; what it times is not judged."""
    run_tool(monkeypatch, 'perf/reencoded_video', '--clips', 1, '--repeats',
             1)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures['clips'] == 1
    assert 0 < figures['mb_small'] < figures['mb_full']
    for key in ('speedup', 'read_full_s', 'read_small_s', 'reencode_s'):
        assert figures[key] > 0
