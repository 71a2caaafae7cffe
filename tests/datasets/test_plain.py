"""Arrays and plain containers in a file without code."""
import io
import zipfile

import numpy as np
import pytest
from helpers import annotations

from lvlm_var_mm.datasets.plain import load_arrays, load_plain, save_plain
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.trials.damage import npy

CONTENT = dict(
    number=3, real=.1, none=None, truth=True, text='täglich', empty=[],
    pair=(1, ('a', 2.5)), nested=[dict(a=np.arange(3)), dict(a=np.arange(4))],
    half=np.float16([[1.5, -2]]), nothing=np.zeros((0, 3), np.float32),
    words=np.array(['a', 'bcd']), single=np.array(7), scalar=np.int32(5))


def written(path, content):
    with open(path, 'wb') as f:
        save_plain(f, content)
    return path


def test_what_is_written_is_read(tmp_path):
    found = load_plain(written(tmp_path / 'a.npz', CONTENT))
    assert found.keys() == CONTENT.keys()
    for key in ('half', 'nothing', 'words', 'single'):
        np.testing.assert_array_equal(found[key], CONTENT[key])
        assert found[key].dtype == CONTENT[key].dtype
    np.testing.assert_array_equal(found['nested'][1]['a'], np.arange(4))
    for key in ('number', 'real', 'none', 'truth', 'text', 'empty', 'pair',
                'scalar'):
        assert found[key] == CONTENT[key]
        assert isinstance(found[key], type(CONTENT[key])) or key == 'scalar'


def test_the_same_content_gives_the_same_bytes(tmp_path):
    a, b = (written(tmp_path / n, annotations()) for n in 'ab')
    assert a.read_bytes() == b.read_bytes()


@pytest.mark.parametrize('odd', [
    object(), np.array([object()]), {1: 2}, {'$array': 1}, {2, 3}, b'x'])
def test_what_cannot_be_kept(odd):
    with pytest.raises(ValueError, match='cannot be kept'):
        save_plain(io.BytesIO(), [odd])


def test_each_flipped_bit_is_noticed(tmp_path):
    path = written(tmp_path / 'a.npz', CONTENT)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    before = str(load_plain(path))
    for at in rng.choice(len(data), 200, replace=False):
        flipped = bytearray(data)
        flipped[at] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            found = load_plain(path)
        except ValueError as e:
            assert 'a.npz' in str(e)
        else:  # a date, or what is no part of the content
            assert str(found) == before


def test_a_parser_that_lost_count(tmp_path, monkeypatch):
    """Read again, as CPython 3.11.7 needs it where threads parse at once."""
    read, calls = np.lib.format.read_array_header_1_0, []

    def now_and_then(file):
        calls.append(file)
        if len(calls) % 2:
            raise SystemError('AST constructor recursion depth mismatch')
        return read(file)

    monkeypatch.setattr(np.lib.format, 'read_array_header_1_0', now_and_then)
    found = load_plain(written(tmp_path / 'a.npz', CONTENT))
    np.testing.assert_array_equal(found['half'], CONTENT['half'])


def test_a_store_in_which_the_parser_lost_count(tmp_path, monkeypatch):
    with StoreWriter(tmp_path / 'store') as store:
        store.add(annotations(1)[0])
        store.splits = dict(train=[0])
    load, calls = np.load, []

    def now_and_then(*args, **kwargs):
        calls.append(args)
        if len(calls) % 2:
            raise SystemError('AST constructor recursion depth mismatch')
        return load(*args, **kwargs)

    monkeypatch.setattr(np, 'load', now_and_then)
    assert len(SkeletonStore(tmp_path / 'store')) == 1 and calls


def test_claims_beyond_the_file(tmp_path):
    path = tmp_path / 'a.npz'
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as f:
        f.writestr('a.npy', npy(np.zeros(10**6)))
    with pytest.raises(ValueError, match='a.npz.*larger than its file'):
        load_arrays(path)
    head = npy(np.zeros(1)).replace(b'(1,), }      ', b'(9999999,), }')
    assert b'9999999' in head
    with zipfile.ZipFile(path, 'w') as f:
        f.writestr('a.npy', head)
    with pytest.raises(ValueError, match='a.npz.*not as long as its head'):
        load_arrays(path)


def test_objects_are_refused(tmp_path):
    np.savez(tmp_path / 'a.npz', a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match='a.npz'):
        load_arrays(tmp_path / 'a.npz')
