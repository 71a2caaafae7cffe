"""Preparing NTU RGB+D, and what is read of it afterwards."""
import os
import pickle
import random
import shutil
import signal
import time
from multiprocessing import get_context
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from mmengine.fileio import load

from lvlm_var_mm.datasets import NTURGBDSkeletonDataset, SkeletonDataset
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.preparation import ntu as module
from lvlm_var_mm.preparation.ntu import prepare_ntu
from mmaction.datasets import PoseDataset

# Both benchmarks; performer 1 trains and 3 tests.
NAMES = [f'S{setup:03}C{camera:03}P{performer:03}R001A{action:03}'
         for setup, action in ((1, 1), (1, 60), (18, 61))
         for performer in (1, 3) for camera in (1, 2)]


def write_clip(folder, name, frames=15):
    rng = np.random.default_rng(crc32(name.encode()))
    rest = rng.uniform(-.4, .4, (1, 1, 25, 3)) * [.6, 2., .3] + [0, 0, 3]
    sway = rng.normal(0, .3) * np.sin(np.arange(frames) / 4)
    keypoint = rest + sway[None, :, None, None]
    write_skeleton(folder / f'{name}.skeleton', keypoint,
                   960 + 300 * keypoint[..., :2])


@pytest.fixture()
def raw(tmp_path):
    folder = tmp_path / 'raw/nturgb+d_skeletons'
    folder.mkdir(parents=True)
    for name in NAMES:
        write_clip(folder, name)
    return folder


def prepare(raw, out, **kwargs):
    return prepare_ntu(raw, out, **{'processes': 1, 'progress': False,
                                    **kwargs})


def content(folder):
    return {str(f.relative_to(folder)): f.read_bytes()
            for f in sorted(Path(folder).rglob('*')) if f.is_file()}


def test_raw_pickle_and_store_give_the_same_samples(raw, tmp_path):
    out = tmp_path / 'out'
    done = prepare(raw, out)
    assert done.samples == len(NAMES) and not any(done.left_out.values())
    for benchmark in ('ntu60', 'ntu120'):
        by_source = [
            NTURGBDSkeletonDataset(source, [], 'xsub_train', benchmark)
            for source in (str(raw), str(raw.parent), str(out),
                           str(out / 'store'))
        ] + [NTURGBDSkeletonDataset(ann_file=str(out / f'{benchmark}_3d.pkl'),
                                    split='xsub_train', benchmark=benchmark)]
        assert len({len(d) for d in by_source}) == 1
        for i in range(len(by_source[0])):
            infos = [d.get_data_info(i) for d in by_source]
            for key in ('frame_dir', 'label', 'total_frames'):
                assert len({info[key] for info in infos}) == 1
            assert len({tuple(info['box_shape']) for info in infos}) == 1
            for key in ('keypoint', 'video_frames', 'boxes'):
                for info in infos[1:]:
                    np.testing.assert_array_equal(info[key], infos[0][key])
            assert infos[0]['label'] == int(infos[0]['frame_dir'][-3:]) - 1


def test_pickles_are_those_of_mmaction(raw, tmp_path):
    prepare(raw, tmp_path)
    for benchmark, number in (('ntu60', 8), ('ntu120', 12)):
        path = str(tmp_path / f'{benchmark}_3d.pkl')
        assert len(load(path)['annotations']) == number
        stock = PoseDataset(path, [], split='xsub_val')
        assert len(stock) == number // 2
        # The classes that are there, of one zero-shot split or the other.
        assert ('xsub_val_unseen12' in load(path)['split']) == (
            benchmark == 'ntu60')
    assert 'oneshot_val' in load(path)['split']
    # A store serves the plain class too; it holds both benchmarks.
    assert len(SkeletonDataset(str(tmp_path / 'store'), [],
                               split='ntu60_xsub_val', num_joints=25)) == 4


def test_only_the_benchmarks_that_are_there(raw, tmp_path):
    for file in raw.glob('S018*'):
        file.unlink()
    assert set(prepare(raw, tmp_path / 'a').counts) == {'ntu60'}
    for name in NAMES[-2:]:
        write_clip(raw, name)
    for file in raw.glob('S001*'):
        file.unlink()
    assert set(prepare(raw, tmp_path / 'b').counts) == {'ntu120'}


def test_what_is_left_out_is_named(raw, tmp_path):
    bad, listed = NAMES[0], NAMES[1]
    (raw / f'{bad}.skeleton').write_text('15\n1\n')
    done = prepare(raw, tmp_path / 'out',
                   exclude=[listed, 'S017C003P020R002A060'])
    assert done.samples == len(NAMES) - 2
    assert list(done.left_out['excluded']) == [listed]
    assert list(done.left_out['corrupt']) == [bad]
    assert load(tmp_path / 'out/left_out.json') == done.left_out
    count = done.counts['ntu60'][0]
    assert {bad, listed} < set(count.lacking)
    assert count.reason.startswith('1 excluded, 1 corrupt, ')


def test_what_a_nearly_complete_copy_lacks_is_named(raw, tmp_path,
                                                    monkeypatch):
    lost, bad = NAMES[0], NAMES[1]
    (raw / f'{lost}.skeleton').unlink()
    (raw / f'{bad}.skeleton').write_text('')
    assert not prepare(raw, tmp_path / 'part').left_out['absent']
    monkeypatch.setattr('lvlm_var_mm.datasets.ntu.census.complete_set',
                        lambda benchmark: NAMES)
    monkeypatch.setattr(module, 'is_full', lambda counts: True)
    done = prepare(raw, tmp_path / 'whole')
    assert list(done.left_out['absent']) == [lost]
    assert load(tmp_path / 'whole/left_out.json') == done.left_out


def test_processes_do_not_matter(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'FILES_A_PART', 5)
    prepare(raw, tmp_path / 'one', processes=1)
    prepare(raw, tmp_path / 'two', processes=2)
    assert content(tmp_path / 'one') == content(tmp_path / 'two')


def test_interrupted_work_is_taken_up(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'FILES_A_PART', 5)
    prepare(raw, tmp_path / 'whole')
    read = module.read_skeleton

    def fails(path):
        if sorted(NAMES)[5] in str(path):
            raise RuntimeError('the machine goes down')
        return read(path)

    # Workers are forked, so they have it too.
    monkeypatch.setattr(module, 'read_skeleton', fails)
    with pytest.raises(RuntimeError, match='goes down'):
        prepare(raw, tmp_path / 'out')
    monkeypatch.setattr(module, 'read_skeleton', read)
    assert prepare(raw, tmp_path / 'out').reused >= 5
    assert content(tmp_path / 'out') == content(tmp_path / 'whole')


def test_a_changed_file_is_read_again(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_assemble', lambda *args: args[4])
    assert prepare(raw, tmp_path) == 0
    assert prepare(raw, tmp_path) == len(NAMES)
    write_clip(raw, NAMES[0], frames=20)
    assert prepare(raw, tmp_path) == 0
    assert prepare(raw, tmp_path, dtype='float16') == 0


def test_killed_at_random_moments(tmp_path):
    """Killed where it happens to be, five times, workers and all."""
    raw, out = tmp_path / 'raw', tmp_path / 'out'
    raw.mkdir()
    for performer in range(1, 200):
        write_clip(raw, f'S001C001P{performer:03}R001A001', 30)
    start = time.perf_counter()
    prepare(raw, tmp_path / 'whole')
    whole = time.perf_counter() - start
    rng, killed = random.Random(0), 0
    for _ in range(5):
        job = get_context('fork').Process(
            target=prepare, args=(raw, out), kwargs=dict(processes=2))
        job.start()
        time.sleep(rng.uniform(.1, .6) * whole)
        job.kill()
        job.join()
        killed += job.exitcode == -signal.SIGKILL
    assert killed
    assert prepare(raw, out).samples == 199
    assert content(out) == content(tmp_path / 'whole')


@pytest.mark.parametrize('error, change, words', [
    (FileNotFoundError, lambda raw: raw / 'no', ['no folder', 'no']),
    (FileNotFoundError, lambda raw: raw.parent.parent, ['no file', 'Ssss']),
    (ValueError, lambda raw: [f.write_text('1') for f in raw.iterdir()]
     and raw, ['all 12', 'corrupt', NAMES[0]])])
def test_errors(raw, tmp_path, error, change, words):
    with pytest.raises(error) as caught:
        prepare(change(raw), tmp_path / 'out')
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / 'out/store').exists()


def test_all_excluded(raw, tmp_path):
    with pytest.raises(ValueError, match='all 12 samples are excluded'):
        prepare(raw, tmp_path / 'out', exclude=NAMES)


# ---------------------------------------------------------------- the store
def sample(name='a', persons=2, frames=5, **more):
    return dict(frame_dir=name, label=3,
                keypoint=np.random.default_rng(0).normal(
                    size=(persons, frames, 4, 2)).astype(np.float32), **more)


def test_store_keeps_every_array(tmp_path):
    samples = [
        sample(f'clip{i}', 1 + i % 2, 3 + i, keypoint_score=np.full(
            (1 + i % 2, 3 + i, 4), i, np.float32),
            boxes=np.full((3 + i, 4), i, np.float32)) for i in range(5)]
    with StoreWriter(tmp_path / 's', dict(note='made')) as store:
        for one in samples:
            store.add(one)
        store.splits = dict(train=[0, 2], val=[4])
    store = SkeletonStore(tmp_path / 's')
    assert len(store) == 5 and store.meta['note'] == 'made'
    for i, one in enumerate(samples):
        read = store.sample(i)
        assert read['frame_dir'] == one['frame_dir'] and read['label'] == 3
        for key in ('keypoint', 'keypoint_score', 'boxes'):
            np.testing.assert_array_equal(read[key], one[key])
            assert read[key].flags.writeable
    dataset = SkeletonDataset(str(tmp_path / 's'), [], split='train')
    assert [dataset.get_data_info(i)['frame_dir'] for i in (0, 1)] == [
        'clip0', 'clip2']
    assert dataset.metainfo['note'] == 'made'


def test_store_pickles_as_its_path(tmp_path):
    with StoreWriter(tmp_path / 's') as store:
        store.add(sample(frames=1000))
    store = SkeletonStore(tmp_path / 's')
    text = pickle.dumps(store)
    assert len(text) < 1000
    np.testing.assert_array_equal(pickle.loads(text).sample(0)['keypoint'],
                                  store.sample(0)['keypoint'])


def test_store_refuses_what_does_not_fit(tmp_path):
    for second in (sample('b', boxes=np.zeros((5, 4), np.float32)),
                   dict(sample('b'), keypoint=np.zeros((1, 5, 3, 2), 'f4'))):
        with pytest.raises(ValueError, match='^b'):
            with StoreWriter(tmp_path / 's') as store:
                store.add(sample('a'))
                store.add(second)
        # The folder appears whole or not at all.
        assert not os.listdir(tmp_path)


def test_damaged_stores_are_named(tmp_path):
    with StoreWriter(tmp_path / 's') as store:
        store.add(sample())
    shutil.copytree(tmp_path / 's', tmp_path / 'cut')
    with open(tmp_path / 'cut/keypoint.bin', 'r+b') as f:
        f.truncate(10)
    with pytest.raises(ValueError, match='keypoint.bin .*cut short'):
        SkeletonStore(tmp_path / 'cut')
    (tmp_path / 's/meta.json').unlink()
    with pytest.raises(FileNotFoundError, match='no complete store'):
        SkeletonStore(tmp_path / 's')
