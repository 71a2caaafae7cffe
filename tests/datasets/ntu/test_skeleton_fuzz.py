"""Damaged files: each is read or named, none crashes, hangs or takes memory.
"""
import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton, write_skeleton
from lvlm_var_mm.synthetic.make import make_sample

MUTATIONS = {
    'cut': lambda lines, i, rng: '\n'.join(lines)[:rng.integers(1, 4000)],
    'cut at a line': lambda lines, i, rng: '\n'.join(lines[:i]) + '\n',
    'line lost': lambda lines, i, rng: '\n'.join(lines[:i] + lines[i + 1:]),
    'line twice': lambda lines, i, rng: '\n'.join(lines[:i + 1] + lines[i:]),
    'lines swapped': lambda lines, i, rng: '\n'.join(
        lines[:i] + lines[i + 1:i + 2] + lines[i:i + 1] + lines[i + 2:]),
    'not a number': lambda lines, i, rng: replace(
        lines, i, rng, ['nan', 'NaN', 'inf', '-1.#IND', 'x', '', '1e999',
                        '--1', '0x10', '1_0', '٣']),
    'count': lambda lines, i, rng: '\n'.join(
        lines[:i] + [str(rng.choice(['-1', '99999999999999999999', '7' * 400,
                                     '1000000000', '26', '0', '+1', '1.0']))]
        + lines[i + 1:]),
    'huge': lambda lines, i, rng: '\n'.join(
        [str(rng.integers(10**6, 10**18))] + lines[1:]),
    'blanks': lambda lines, i, rng: '\r\n'.join(
        lines[:i] + [lines[i].replace(' ', '  ') + ' '] + lines[i + 1:]),
    'noise': lambda lines, i, rng: bytes(
        rng.integers(0, 256, rng.integers(0, 2000), dtype=np.uint8)),
    'noise inside': lambda lines, i, rng: '\n'.join(lines[:i]).encode() +
    bytes(rng.integers(0, 256, 50, dtype=np.uint8)) +
    '\n'.join(lines[i:]).encode(),
}


def replace(lines, i, rng, values):
    fields = lines[i].split(' ')
    fields[rng.integers(len(fields))] = str(rng.choice(values))
    return '\n'.join(lines[:i] + [' '.join(fields)] + lines[i + 1:])


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp('whole') / 'a.skeleton'
    keypoint = np.random.default_rng(0).normal(size=(2, 8, 25, 3))
    keypoint[1, 5:] = 0
    write_skeleton(path, keypoint, 500 + keypoint[..., :2],
                   [72057594037944738, 72057594037944739])
    read_skeleton(path)  # compiles, which takes memory
    return path.read_text().splitlines()


@pytest.mark.parametrize('kind', MUTATIONS)
def test_mutated_skeletons(kind, whole, tmp_path):
    """100 files of each kind, 1,100 in all."""
    rng = np.random.default_rng(list(MUTATIONS).index(kind))
    refused = 0
    for number in range(100):
        name = f'S001C001P001R001A{number:03}' if number % 2 else f'x{number}'
        path = tmp_path / f'{name}.skeleton'
        data = MUTATIONS[kind](whole, int(rng.integers(len(whole))), rng)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        tracemalloc.start()
        try:
            bodies = read_skeleton(path)
        except CorruptSampleError as e:
            refused += 1
            assert str(path) in str(e) and e.problem
        else:
            persons, frames = bodies['keypoint'].shape[:2]
            assert bodies['keypoint'].shape == (persons, frames, 25, 3)
            assert bodies['color'].shape == (persons, frames, 25, 2)
            assert bodies['present'].shape == (persons, frames)
            assert np.isfinite(bodies['keypoint']).all()
            assert len(bodies['body_ids']) == persons
            kept = real_persons(bodies)
            assert kept['total_frames'] == kept['keypoint'].shape[1] > 0
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 5e6, (path.name, peak)
    if kind != 'blanks':
        assert refused


def test_blanks_and_line_ends_change_nothing(whole, tmp_path):
    path = tmp_path / 'a.skeleton'
    path.write_text('\n'.join(whole) + '\n')
    expected = read_skeleton(path)
    for text in ('\r\n'.join(whole), '\n'.join(whole) + '\n \n',
                 '\n'.join(line.replace(' ', '  ') for line in whole)):
        path.write_bytes(text.encode())
        for key, value in read_skeleton(path).items():
            np.testing.assert_array_equal(value, expected[key])


@pytest.mark.parametrize('number', [
    '1e-05', '-0', '0.1', '3.785547', '123456789.25', '5e-324', '7',
    '0.30000000000000004', '1e22', '-2.5E3', '.5', '5.'])
def test_numbers_are_those_of_python(number, whole, tmp_path):
    line = 4  # the first joint
    fields = whole[line].split(' ')
    fields[0] = number
    path = tmp_path / 'a.skeleton'
    path.write_text('\n'.join([*whole[:line], ' '.join(fields),
                               *whole[line + 1:]]) + '\n')
    read = read_skeleton(path)['keypoint'][0, 0, 0, 0]
    assert read == np.float32(float(number))


# What decord does with a broken file may end the process, so another one
# reads them.
READ_VIDEOS = """
import json, sys
from mmengine.registry import init_default_scope
from lvlm_var_mm.datasets import NTURGBDVideoDataset
from lvlm_var_mm.datasets.ntu.skeleton_io import CorruptSampleError
init_default_scope('mmaction')
dataset = NTURGBDVideoDataset(sys.argv[1], [
    dict(type='DecordInit', num_threads=1),
    dict(type='SampleFrames', clip_len=4, frame_interval=4, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))],
    'xsub_train', test_mode=True)
for i in range(len(dataset)):
    name = dataset.sample_name(i)
    print(json.dumps(['reads', name]), flush=True)
    try:
        print(json.dumps(['shape', list(dataset[i]['inputs'].shape)]),
              flush=True)
    except CorruptSampleError as e:
        print(json.dumps(['corrupt', str(e)]), flush=True)
"""


def mutate_avi(data, rng):
    kind = rng.integers(6)
    at = int(rng.integers(12, len(data)))
    if kind == 0:
        return data[:at]
    if kind == 1:
        return bytes(rng.integers(0, 256, 4000, dtype=np.uint8))
    if kind == 2:
        return data[:at] + bytes(len(data) - at)
    data = bytearray(data)
    if kind == 3:  # a hole anywhere
        data[at:at + 200] = bytes(200)
    elif kind == 4:  # damage in the header
        for place in rng.integers(12, 300, 8):
            data[place] = rng.integers(256)
    else:  # single bytes anywhere
        for place in rng.integers(12, len(data), 40):
            data[place] = rng.integers(256)
    return bytes(data)


@pytest.mark.slow
def test_mutated_videos(tmp_path):
    sample = make_sample(tmp_path / 'one', repeats=1, classes=[1],
                         performers=[1], progress=False)
    whole = next((sample / 'nturgb+d_rgb').iterdir()).read_bytes()
    rng = np.random.default_rng(0)
    folder = tmp_path / 'nturgb+d_rgb'
    folder.mkdir()
    for number in range(100):
        name = f'S001C001P001R{1 + number // 50:03}A{1 + number % 50:03}'
        (folder / f'{name}_rgb.avi').write_bytes(mutate_avi(whole, rng))
    done = subprocess.run([sys.executable, '-c', READ_VIDEOS, str(tmp_path)],
                          capture_output=True, text=True, timeout=240)
    said = [json.loads(line) for line in done.stdout.splitlines()
            if line.startswith('["')]
    assert done.returncode == 0, (said[-1:], done.stderr[-2000:])
    reads, results = said[::2], said[1::2]
    assert len(reads) == len(results) == 100
    for (_, name), (kind, result) in zip(reads, results):
        if kind == 'corrupt':
            assert name in result
        else:
            assert result[:3] == [1, 3, 4]
    assert 0 < sum(kind == 'corrupt' for kind, _ in results) < 100
