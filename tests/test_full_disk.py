"""A disk that fills while something is written: the message names the file,
and what was there before still is."""
import errno
import json
import os
import pickle
import shutil
import subprocess
from contextlib import contextmanager

import decord
import numpy as np
import pytest
from bodies import measured
from helpers import annotations, file_limit, write_frames
from mmengine.config import Config
from mmengine.fileio import LocalBackend

from lvlm_var_mm.apis.answers import answers_of
from lvlm_var_mm.apis.measuring import measured_answers
from lvlm_var_mm.apis.saving import AnswerFolder
from lvlm_var_mm.atomic import full_disk_named, replaced_folder, write_text
from lvlm_var_mm.benchmark import charts
from lvlm_var_mm.benchmark.hooks import RunRecordHook
from lvlm_var_mm.cli import describe
from lvlm_var_mm.datasets.events import EventTable, load_table, save_table
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton, write_skeleton
from lvlm_var_mm.datasets.plain import load_plain
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.kinematics import KINDS
from lvlm_var_mm.preparation.custom import prepare_custom
from lvlm_var_mm.preparation.custom_table import load_classes, write_classes
from lvlm_var_mm.preparation.ntu import prepare_ntu
from lvlm_var_mm.preparation.nucla import prepare_nucla
from lvlm_var_mm.preparation.reencode import reencode_folder
from lvlm_var_mm.synthetic.make import make_sample

GIVEN = {}
ROOM = 8000  # bytes, less than anything below needs
NOISE = np.random.default_rng(0).integers(
    255, size=(20, 96, 128, 3), dtype=np.uint8)


@contextmanager
def little_left(folder, size):
    """Fill the disk of ``folder`` up to some bytes."""
    ballast, disk = folder / 'ballast', os.statvfs(folder)
    with open(ballast, 'wb') as f:
        os.posix_fallocate(
            f.fileno(), 0, disk.f_bavail * disk.f_frsize - size)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture(params=['file', 'disk'])
def place(request, tmp_path):
    """``(folder, function that bounds what can be written there)``: the size
    of a file, which anybody may do, or that of a small disk."""
    if request.param == 'file':
        yield tmp_path, file_limit
        return
    mount = shutil.which('mount')
    if mount is None or subprocess.run(
            [mount, '-t', 'tmpfs', '-o', 'size=32m', 'none', tmp_path],
            capture_output=True).returncode:
        pytest.skip('a small disk cannot be mounted here')
    try:
        yield tmp_path, little_left
    finally:
        subprocess.run(['umount', '--lazy', tmp_path], check=True)


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
        (part / 'a.bin').write_bytes(bytes(9999 * number))


def write_record(path, number):
    hook = RunRecordHook()
    hook.file = path
    hook._write(dict(epoch=number, seconds='9' * 2000 * number))


def write_chart(path, number):
    charts._classes(dict(first='a', second='b', classes=[
        dict(name=f'{i}', first=i, second=2 * i) for i in range(number)]),
        path)


def write_answers(path, number):
    folder = AnswerFolder(path, videos=True, page=True)
    for prediction, clips in measured_answers([measured(23)[:, :20]] * number):
        folder.add(prediction, clips, answers_of(prediction))
    folder.close()


@pytest.fixture(scope='module', autouse=True)
def given(tmp_path_factory):
    """Files to prepare, by the name of the writer and their number."""
    for number in (1, 8):
        for name in ('ntu', 'nucla', 'custom', 'reencode'):
            folder = tmp_path_factory.mktemp(name)
            GIVEN[name, number] = folder
            for i in range(1, number + 1):
                joints = measured(23, 1)[:, :20]
                if name == 'ntu':
                    write_skeleton(
                        folder / f'S001C001P{i:03}R001A023.skeleton', joints)
                elif name == 'nucla':
                    (folder / f'a01_s{i:02}_e00_v01.json').write_text(
                        json.dumps(dict(skeletons=joints[0, :, :20].tolist())))
                elif name == 'custom':
                    np.save(folder / f'{i}.npy', joints)
                else:
                    write_frames(folder / f'{i}.avi', NOISE)
    (GIVEN['custom', 8] / 'table.csv').write_text(
        'file,label,split\n' + ''.join(
            f'{i}.npy,class {i % 2},{"val" if i < 3 else "train"}\n'
            for i in range(1, 9)))


WRITERS = dict(
    text=(lambda path, n: write_text(path, 'täglich ' * 999 * n),
          lambda path: path.read_text('utf-8')),
    checkpoint=(lambda path, n: LocalBackend().put(bytes(9999 * n), path),
                lambda path: path.read_bytes()),
    config=(lambda path, n: Config(dict(a='x' * 2000 * n)).dump(f'{path}.py'),
            lambda path: path.with_suffix('.py').read_text()),
    tokens=(lambda path, n: save_tokens(str(path), None, [
        dict(label=0, codes=np.zeros((n, 999), int), meta=[{}] * n)]),
        lambda path: load_plain(path)['clips'][0]['codes'].shape),
    store=(write_store, lambda path: len(SkeletonStore(path))),
    events=(write_events, lambda path: len(load_table(path, 1).rows)),
    folder=(write_exported, lambda path: (path / 'a.bin').read_bytes()),
    classes=(
        lambda path, n: write_classes(path, load_classes(
            [f'name {i} ' * 99 for i in range(9 * n)])),
        lambda path: len(load_classes(path).names)),
    skeleton=(
        lambda path, n: write_skeleton(path, measured(23)[:, :4 * n]),
        lambda path: read_skeleton(path)['total_frames']),
    ntu=(lambda path, n: prepare_ntu(
        GIVEN['ntu', n], path, processes=1, progress=False),
        lambda path: len(SkeletonStore(path / 'store'))),
    nucla=(lambda path, n: prepare_nucla(GIVEN['nucla', n], path),
           lambda path: len(pickle.loads(path.read_bytes())['annotations'])),
    custom=(lambda path, n: prepare_custom(
        GIVEN['custom', n] / 'table.csv', path, GIVEN['custom', n],
        progress=False), lambda path: len(SkeletonStore(path / 'store'))),
    reencode=(lambda path, n: reencode_folder(
        GIVEN['reencode', n], path, 64, 1, False), lambda path: [
        len(decord.VideoReader(str(p))) for p in sorted(path.glob('*.avi'))]),
    sample=(lambda path, n: make_sample(path, 1, 0, False, [23], [1]),
            lambda path: sorted(path.iterdir())),
    record=(write_record, lambda path: path.read_text()),
    chart=(write_chart, lambda path: path.read_bytes()),
    answers=(write_answers, lambda path: len(
        json.loads((path / 'predictions.json').read_text()))))
ONCE = 'custom', 'sample'  # refuse a place that is taken


@pytest.mark.parametrize('name, older', [
    (name, older) for name in WRITERS for older in (False, True)
    if not older or name not in ONCE])
def test_nothing_older_is_lost(name, older, place):
    folder, bounded = place
    write, read = WRITERS[name]
    path = folder / 'the file'
    if older:
        write(path, 1)
        before = read(path)
    with bounded(folder, ROOM), pytest.raises(OSError) as raised:
        write(path, 8)
    assert 'the file' in describe(raised.value)
    assert raised.value.errno in (errno.EFBIG, errno.ENOSPC, None)
    left = [p.name for p in folder.rglob('.*') if p.name != '.lock'
            and p.name != '.parts']
    assert not left
    if older:
        assert read(path) == before
    write(path, 8)  # there is room again
    assert not older or read(path) != before


def test_full_disk_names_the_folder_where_no_file_is_named(place):
    """As of a log that somebody else writes."""
    folder, bounded = place
    with bounded(folder, 0), pytest.raises(OSError) as raised:
        with full_disk_named('the folder'), open(folder / 'log', 'w') as f:
            f.write('x' * 9999)
    assert describe(raised.value).endswith(': the folder')
    with pytest.raises(OSError, match='^mine$'), full_disk_named('the folder'):
        raise OSError('mine')
