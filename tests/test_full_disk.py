"""A disk that fills while a file is written: the message names the file, and
what was there before still is."""
import pickle
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import annotations
from mmengine.fileio import LocalBackend

from lvlm_var_mm.atomic import replaced_folder, write_text
from lvlm_var_mm.datasets.events import EventTable, load_table, save_table
from lvlm_var_mm.datasets.plain import load_plain
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.kinematics import KINDS
from lvlm_var_mm.preparation.custom_table import load_classes, write_classes
from lvlm_var_mm.preparation.ntu import _write_pickle


@contextmanager
def room_for(size):
    """Let no file become larger, as on a disk with so much room; the system
    refuses the write itself, in whatever library."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_store(path, number):
    with StoreWriter(path) as store:
        for sample in annotations(number):
            store.add(sample)
        store.splits = dict(train=range(number))


def write_events(path, number):
    path.mkdir(exist_ok=True)
    save_table(EventTable('key', np.ones((number * 99, 5), np.float32),
                          np.array([0, number * 99]),
                          np.ones((1, len(KINDS)), bool)), path)


def write_exported(path, number):
    with replaced_folder(path) as part:
        np.save(part / 'a.npy', np.zeros((number, 999)))


class Samples:
    """Stands for a store."""

    def __init__(self, number):
        self.samples = annotations(number)
        self.sample = self.samples.__getitem__


WRITERS = dict(
    text=(lambda path, n: write_text(path, 'täglich ' * 999 * n),
          lambda path: path.read_text('utf-8')),
    checkpoint=(lambda path, n: LocalBackend().put(bytes(9999 * n), path),
                lambda path: path.read_bytes()),
    tokens=(lambda path, n: save_tokens(str(path), None, [
        dict(label=0, codes=np.zeros((n, 999), int), meta=[{}] * n)]),
        lambda path: load_plain(path)['clips'][0]['codes'].shape),
    store=(write_store, lambda path: len(SkeletonStore(path))),
    events=(write_events, lambda path: len(load_table(path, 1).rows)),
    folder=(write_exported, lambda path: np.load(path / 'a.npy').shape),
    annotations=(
        lambda path, n: _write_pickle(path, Samples(n), range(n), {}),
        lambda path: len(pickle.loads(path.read_bytes())['annotations'])),
    classes=(
        lambda path, n: write_classes(path, load_classes(
            [f'name {i} ' * 99 for i in range(9 * n)])),
        lambda path: len(load_classes(path).names)))


@pytest.mark.parametrize('older', [True, False])
@pytest.mark.parametrize('name', WRITERS)
def test_nothing_older_is_lost(name, older, tmp_path):
    write, read = WRITERS[name]
    path = tmp_path / 'the file'
    if older:
        write(path, 1)
        before = read(path)
    with room_for(3000), pytest.raises(OSError, match='the file'):
        write(path, 8)
    left = [p.name for p in tmp_path.rglob('*') if p.name.startswith('.')]
    assert not left
    if older:
        assert read(path) == before
    write(path, 8)
    assert not older or read(path) != before
