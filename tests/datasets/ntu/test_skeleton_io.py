"""The raw NTU files: what is written is read, and damage is named."""
import pickle
import tracemalloc

import numpy as np
import pytest

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton, write_skeleton

IDS = ['72057594037944738', '72057594037944739', '5']


def bodies(persons=2, frames=20, seed=0):
    """(M, T, 25, 3) metres, and (M, T, 25, 2) pixels."""
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, (persons, frames, 25, 3)) + [0, 0, 3],
            rng.uniform(0, 1000, (persons, frames, 25, 2)))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'S001C001P001R001A001.skeleton'
    keypoint, color = bodies()
    write_skeleton(path, keypoint, color, IDS[:2])
    return path


def test_round_trip(file):
    keypoint, color = bodies()
    read = read_skeleton(file)
    assert read['total_frames'] == 20
    assert read['body_ids'] == IDS[:2]
    assert read['present'].all() and read['present'].shape == (2, 20)
    assert read['keypoint'].dtype == read['color'].dtype == np.float32
    np.testing.assert_allclose(read['keypoint'], keypoint, rtol=1e-6)
    np.testing.assert_allclose(read['color'], color, rtol=1e-6)


def test_reads_ntu_lines(tmp_path):
    """A file put together by hand, with NTU's own field order."""
    joint = ('0.2181153 0.1725972 3.785547 277.419 191.8218 1036.233 '
             '519.1677 -0.2059419 0.05349901 0.9692109 -0.1239193 2')
    body = ['72057594037931101 0 1 1 1 1 0 0.02764709 -0.05745083 2', '25']
    path = tmp_path / 'a.skeleton'
    path.write_bytes('\r\n'.join(['2', '0', '1', *body, *[joint] * 25, '']
                                 ).encode())
    read = read_skeleton(str(path))
    assert read['body_ids'] == ['72057594037931101']
    assert read['present'].tolist() == [[False, True]]
    np.testing.assert_allclose(
        read['keypoint'][0, 1, 24], [.2181153, .1725972, 3.785547], rtol=1e-6)
    np.testing.assert_allclose(
        read['color'][0, 1, 0], [1036.233, 519.1677], rtol=1e-6)
    assert not read['keypoint'][0, 0].any()


@pytest.mark.parametrize('absent', [0., np.nan])
def test_bodies_come_and_go(tmp_path, absent):
    keypoint, _ = bodies(3)
    present = np.ones((3, 20), bool)
    present[0, :5] = present[1, 10:] = present[2, 3:15] = False
    present[:, 19] = False  # a frame without anybody
    keypoint[~present] = absent
    write_skeleton(tmp_path / 'a.skeleton', keypoint, body_ids=IDS)
    read = read_skeleton(tmp_path / 'a.skeleton')
    order = [IDS.index(body_id) for body_id in read['body_ids']]
    assert sorted(order) == [0, 1, 2]
    assert order[-1] == 0  # in the order of appearance
    np.testing.assert_array_equal(read['present'], present[order])
    np.testing.assert_allclose(
        read['keypoint'], np.where(present[..., None, None], keypoint, 0)
        [order], rtol=1e-6)


def test_a_joint_without_a_pixel_is_no_damage(file):
    lines = file.read_text().splitlines()
    fields = lines[4].split()
    fields[5:7] = '-Infinity', 'NaN'
    lines[4] = ' '.join(fields)
    file.write_text('\n'.join(lines))
    color = read_skeleton(file)['color']
    assert np.isnan(color[0, 0, 0]).all() and np.isnan(color).sum() == 2


def replaced(line, text):
    def damage(data):
        lines = data.decode().splitlines()
        lines[line] = text
        return '\n'.join(lines).encode()
    return damage


def first_joint(value):
    return replaced(4, f'0.1 {value} 3 0 0 5 5 0 0 0 0 2')


DAMAGE = {
    'empty': lambda data: b'',
    'blank': lambda data: b'\n\n',
    'truncated': lambda data: data[:len(data) // 2],
    'last line missing': lambda data: data[:data.rstrip().rfind(b'\n')],
    'no frames': lambda data: b'0\n',
    'nobody': lambda data: b'3\n0\n0\n0\n',
    'huge frame count': replaced(0, '999999999999'),
    'absurd frame count': replaced(0, '9' * 5000),
    'huge body count': replaced(1, '123456789'),
    'negative count': replaced(1, '-1'),
    'fractional count': replaced(0, '20.0'),
    'body id': replaced(2, 'x 0 0 0 0 0 0 0 0 2'),
    'short body line': replaced(2, '1 0 0'),
    'fewer joints': replaced(3, '24'),
    'more joints': replaced(3, '26'),
    'short joint line': replaced(4, '1 2 3'),
    'a word': first_joint('left'),
    'nan': first_joint('nan'),
    'infinity': first_joint('inf'),
    'beyond float32': first_joint('1e300'),
    'trailing garbage': lambda data: data + b'1\n',
    'same body twice': lambda data: data.replace(
        IDS[1].encode(), IDS[0].encode()),
    'binary noise': lambda data: np.random.default_rng(0).bytes(5000),
    'zeros': lambda data: bytes(5000),
}


@pytest.mark.parametrize('kind', DAMAGE)
def test_damage_is_named(file, kind):
    file.write_bytes(DAMAGE[kind](file.read_bytes()))
    with pytest.raises(CorruptSampleError) as caught:
        read_skeleton(file)
    assert str(file) in str(caught.value)
    assert '`exclude`' in str(caught.value)


@pytest.mark.parametrize('line, count', [(0, 10**12), (1, 10**8)])
def test_a_declared_count_allocates_nothing(file, line, count):
    size = file.stat().st_size
    file.write_bytes(replaced(line, str(count))(file.read_bytes()))
    tracemalloc.start()
    with pytest.raises(CorruptSampleError, match='truncated'):
        read_skeleton(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * size


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_skeleton(tmp_path / 'none.skeleton')


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(CorruptSampleError('a/b', 'is bad')))
    assert str(error).startswith('a/b: is bad')


def test_write_refuses_what_does_not_fit(tmp_path):
    keypoint, color = bodies()
    for kwargs in (dict(color=color[:, :5]), dict(body_ids=['1']),
                   dict(body_ids=['a', 'b']), dict(tracking=[2])):
        with pytest.raises(ValueError):
            write_skeleton(tmp_path / 'a', keypoint, **kwargs)
    with pytest.raises(ValueError):
        write_skeleton(tmp_path / 'a', keypoint[:, :, :17])
