"""Videos that were cut short are corrupt, whatever they are called."""
import io
import shutil
import subprocess
import sys

import cv2
import decord
import numpy as np
import pytest

from lvlm_var_mm.datasets import VideoListDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.video import check_container, check_video
from mmaction.registry import TRANSFORMS

CODECS = dict(avi='XVID', mkv='XVID', webm='VP80', mp4='mp4v')


@pytest.fixture(scope='module')
def videos(tmp_path_factory):
    """Ending -> a whole video of 30 frames."""
    folder, rng = tmp_path_factory.mktemp('videos'), np.random.default_rng(0)
    frames = rng.integers(0, 255, (30, 64, 96, 3), dtype=np.uint8)
    paths = {}
    for end, codec in CODECS.items():
        paths[end] = folder / f'whole.{end}'
        writer = cv2.VideoWriter(str(paths[end]),
                                 cv2.VideoWriter_fourcc(*codec), 25, (96, 64))
        if not writer.isOpened():
            pytest.skip(f'OpenCV writes no {end} here')
        for frame in frames:
            writer.write(frame)
        writer.release()
    return paths


def cut(source, target, share=.5):
    data = source.read_bytes()
    target.write_bytes(data[:int(share * len(data))])
    return str(target)


@pytest.mark.parametrize('end', CODECS)
def test_whole_video(videos, end):
    check_video(videos[end])


@pytest.mark.parametrize('share', [.1, .5, .95])
@pytest.mark.parametrize('end', CODECS)
def test_video_cut_short(videos, tmp_path, end, share):
    path = cut(videos[end], tmp_path / f'cut.{end}', share)
    with pytest.raises(CorruptSampleError) as error:
        check_video(path)
    assert path in str(error.value)
    assert '/workspace/' not in error.value.problem  # decord's own place


def test_avi_of_another_name(videos, tmp_path):
    """decord crashes the process on half an AVI that it reads from memory,
    so it must not get there; asked in a process of its own."""
    paths = [cut(videos['avi'], tmp_path / f'cut.{end}')
             for end in ('mkv', 'mp4', 'mov')]
    (tmp_path / 'list.txt').write_text(''.join(f'{p} 0\n' for p in paths))
    done = subprocess.run([sys.executable, '-c', f'''
from lvlm_var_mm.datasets import VideoListDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
data = VideoListDataset({str(tmp_path / "list.txt")!r}, [
    dict(type='mmaction.DecordInit'),
    dict(type='mmaction.SampleFrames', clip_len=8),
    dict(type='mmaction.DecordDecode')], test_mode=True)
for i in range(3):
    try:
        data[i]
    except CorruptSampleError as e:
        print(e)
'''], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count('ends early') == 3


def test_damaged_avi(tmp_path):
    """decord crashes the process on some that it reads from memory, such as
    this one of the fuzz, which has two bytes too many."""
    path = tmp_path / 'a.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'XVID'), 10,
                             (64, 64))
    for t in range(12):
        writer.write(np.full((64, 64, 3), 20 * t, np.uint8))
    writer.release()
    data = path.read_bytes()
    path.write_bytes(data[:6201] + bytes([39, 158]) + data[6201:])
    done = subprocess.run([sys.executable, '-c', f'''
import lvlm_var_mm
from mmaction.registry import TRANSFORMS
print(TRANSFORMS.build(dict(type='mmaction.DecordInit'))(
    dict(filename={str(path)!r}))['total_frames'])
'''], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split()[-1] == '12'


@pytest.mark.parametrize('end', CODECS)
def test_frames_are_those_that_mmaction2_reads(videos, end):
    ours = TRANSFORMS.build(dict(type='mmaction.DecordInit'))(
        dict(filename=str(videos[end])))['video_reader']
    stock = decord.VideoReader(io.BytesIO(videos[end].read_bytes()))
    np.testing.assert_array_equal(ours.get_batch([0, 29, 7]).asnumpy(),
                                  stock.get_batch([0, 29, 7]).asnumpy())


def test_training_skips_half_a_matroska(videos, tmp_path):
    cut(videos['mkv'], tmp_path / 'half.mkv')
    shutil.copy(videos['mkv'], tmp_path / 'whole.mkv')
    (tmp_path / 'list.txt').write_text('half.mkv 0\nwhole.mkv 1\n')
    data = VideoListDataset(str(tmp_path / 'list.txt'), [],
                            data_prefix=dict(video=str(tmp_path)))
    assert data.prepare_data(0) is None and data.prepare_data(1)
    with pytest.raises(CorruptSampleError, match='half.mkv: ends early'):
        data.check_sample(0)
    data.check_sample(1)


def test_live_recording_that_does_not_say_its_size(videos, tmp_path):
    data = bytearray(videos['mkv'].read_bytes())
    at = data.index(b'\x18S\x80g') + 4
    length = 9 - data[at].bit_length()
    data[at:at + length] = (2**(7 * length + 1) - 1).to_bytes(length, 'big')
    path = tmp_path / 'live.mkv'
    path.write_bytes(data)
    check_container(str(path))
