"""The compiled reader of ``.skeleton`` files: the same arrays as the careful
one, or a ValueError that leaves the file to it."""
import numpy as np
import pytest

from lvlm_var_mm.datasets.ntu.skeleton_io import (_walk, read_skeleton,
                                                  write_skeleton)
from lvlm_var_mm.datasets.ntu.skeleton_scan import scan

IDS = ['72057594037944738', '72057594037944739', '123456789012345678901234']
# What float() makes of these is what the compiled reader has to make.
NUMBERS = [
    '0.2181153', '-0.05349901', '3.785547', '1036.233', '-0', '0', '-0.0',
    '7', '5.', '.5', '-.5', '00012.50', '1e-05', '-1.234567E-05', '1.5E+3',
    '2e10', '0.00000000000001', '123456789012345', '0.12345678901234',
    '9.007199254741', '1.1e22', '9e-22',
    # These take more digits or a larger power than it knows.
    '0.1234567890123456', '1234567890123456', '1e23', '1e-30', '+1.5',
    '12345678901234567890.5', '1e0000001', '1_0'
]
UNUSUAL = 8
NO_NUMBERS = [
    '.', '-', '-.', '1.2.3', '1..2', '--1', '1-', '1,5', '1/2', '0x1', '1e',
    'e5', '1e+', '1.-', ':', 'left', 'inf', 'NaN', '-Infinity'
]


def joint(x='0.1', y='0.2', z='3', color='5 6'):
    return f'{x} {y} {z} 277.419 191.8218 {color} -0.2 0.05 0.9 -0.12 2'


def text(*joints, body_id='7'):
    """A file of one frame with one body, whose first joints these are."""
    rest = [joint()] * (25 - len(joints))
    return '\n'.join(['1', '1', f'{body_id} 0 1 1 1 1 0 0.02 -0.05 2', '25',
                      *joints, *rest, '']).encode()


def same(data):
    """The arrays of the compiled reader, which are those of the careful."""
    fast, careful = scan(data), _walk('a', data)
    assert fast[:2] == careful[:2]
    for mine, other in zip(fast[2:], careful[2:]):
        np.testing.assert_array_equal(mine, other)
        np.testing.assert_array_equal(np.signbit(mine), np.signbit(other))
    return fast


@pytest.mark.parametrize('number', NUMBERS[:-UNUSUAL])
def test_numbers_are_exact(number):
    xyz, pixels = same(text(joint(number, color=f'{number} 6')))[3:]
    want = np.float32(float(number))
    assert xyz[0, 0, 0] == pixels[0, 0, 0] == want
    assert np.signbit(xyz[0, 0, 0]) == np.signbit(want)


@pytest.mark.parametrize('kind', ['%.7g', '%.9g', '%.4f', '%.12f', '%d'])
def test_many_numbers_are_exact(kind):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 25, 3)) * 10.**rng.integers(
        -7, 3, (40, 25, 3))
    for body in numbers:
        written = [[kind % x for x in row] for row in body]
        xyz = scan(text(*(joint(*row) for row in written)))[3][0]
        np.testing.assert_array_equal(
            xyz, np.array(written, np.float64).astype(np.float32))


@pytest.mark.parametrize('number', NUMBERS[-UNUSUAL:])
def test_unusual_numbers_are_left_to_the_careful(number, tmp_path):
    data = text(joint(number))
    with pytest.raises(ValueError):
        scan(data)
    (tmp_path / 'a').write_bytes(data)
    assert (read_skeleton(tmp_path / 'a')['keypoint'][0, 0, 0, 0] ==
            np.float32(float(number)))


@pytest.mark.parametrize('number', NO_NUMBERS)
def test_what_is_no_number_is_not_read(number):
    for data in (text(joint(number)), text(joint(color=f'5 {number}'))):
        with pytest.raises(ValueError):
            scan(data)


@pytest.fixture
def data(tmp_path):
    """Three bodies that come and go, and a frame with none."""
    rng = np.random.default_rng(0)
    keypoint = rng.normal(size=(3, 8, 25, 3))
    keypoint[0, :2] = keypoint[1, 4:] = keypoint[:, 7] = 0
    write_skeleton(tmp_path / 'a', keypoint, rng.uniform(
        0, 1000, (3, 8, 25, 2)), IDS)
    return (tmp_path / 'a').read_bytes()


USUAL = {
    'as written': lambda data: data,
    'from Windows': lambda data: data.replace(b'\n', b'\r\n'),
    'no last line end': lambda data: data.rstrip(b'\n'),
    'Windows, no last': lambda data: data.replace(b'\n', b'\r\n')[:-2],
}


@pytest.mark.parametrize('kind', USUAL)
def test_bodies_come_and_go(data, kind):
    frames, ids, frame, xyz, pixels = same(USUAL[kind](data))
    assert frames == 8 and len(ids) == 5 + 4 + 7
    assert sorted(set(ids)) == sorted(i.encode() for i in IDS)
    assert xyz.shape == (len(ids), 25, 3) and pixels.shape[2:] == (2, )
    assert frame.tolist() == sorted(frame) and 7 not in frame


BLANKS = {
    'two spaces': lambda data: data.replace(b' ', b'  ', 1),
    'tab': lambda data: data.replace(b' ', b'\t', 50),
    'blank before a line end': lambda data: data.replace(b'\n', b' \n'),
    'blank at the start': lambda data: b' ' + data,
    'blank lines at the end': lambda data: data + b'\n\n',
    'CR alone': lambda data: data.replace(b'\n', b'\r'),
}


@pytest.mark.parametrize('kind', BLANKS)
def test_unusual_blanks_are_left_to_the_careful(data, tmp_path, kind):
    (tmp_path / 'usual').write_bytes(data)
    (tmp_path / 'unusual').write_bytes(BLANKS[kind](data))
    with pytest.raises(ValueError):
        scan(BLANKS[kind](data))
    usual = read_skeleton(tmp_path / 'usual')
    unusual = read_skeleton(tmp_path / 'unusual')
    for key, value in usual.items():
        np.testing.assert_array_equal(unusual[key], value)
