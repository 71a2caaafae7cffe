"""Body-part events are measured once, kept, and told when they are stale."""
import pickle

import numpy as np
import pytest
from bodies import pictures
from torch.utils.data import DataLoader

from lvlm_var_mm.datasets import BodyPartEvents, SkeletonDataset
from lvlm_var_mm.datasets import events as kept
from lvlm_var_mm.datasets.store import SkeletonStore, StoreWriter
from lvlm_var_mm.datasets.transforms import events as transforms
from lvlm_var_mm.kinematics import KINDS, observe
from lvlm_var_mm.kinematics.rows import to_decidable, to_rows
from lvlm_var_mm.preparation.ntu import prepare_ntu
from lvlm_var_mm.synthetic.make import make_sample
from lvlm_var_mm.synthetic.performance import perform

ACTIONS = 1, 6, 24, 50  # the last with two persons
KEPT = 'events', 'decidable'
PIPELINE = [dict(type='BodyPartEvents', layout='ntu25')]


@pytest.fixture()
def annotations():
    return [dict(frame_dir=f'a{a}', label=i, keypoint=perform(a, 1, 1).astype(
        np.float32)) for i, a in enumerate(ACTIONS)]


@pytest.fixture()
def in_store(tmp_path, annotations):
    path = tmp_path / 'store'
    with StoreWriter(path) as store:
        for sample in annotations:
            store.add(sample)
    return path


@pytest.fixture()
def in_pickle(tmp_path, annotations):
    path = tmp_path / 'clips.pkl'
    path.write_bytes(pickle.dumps(dict(
        split=dict(all=[a['frame_dir'] for a in annotations]),
        annotations=annotations)))
    return path


@pytest.fixture()
def nobody_measures(monkeypatch):
    """Single clips are no longer measured, as workers did."""
    def fail(*args):
        raise AssertionError('measured again')

    return lambda: (monkeypatch.setattr(transforms, 'observe', fail),
                    monkeypatch.setattr(kept, 'observe_all', fail))


def build(path, **transform):
    return SkeletonDataset(
        str(path), [dict(PIPELINE[0], **transform)], test_mode=True)


def expected(sample, **kwargs):
    seen = observe(sample['keypoint'], 'ntu25', **kwargs)
    return dict(events=to_rows(seen), decidable=to_decidable(seen))


def assert_as(got, wanted):
    for key, value in wanted.items():
        np.testing.assert_array_equal(got[key], value)


@pytest.fixture()
def said(monkeypatch):
    lines = []
    monkeypatch.setattr(kept, 'print_log',
                        lambda text, **_: lines.append(text))
    return lines


def test_a_store_keeps_them(in_store, annotations, nobody_measures, said):
    assert SkeletonStore(in_store).events is None
    first = build(in_store)
    assert 'measured once' in said[0] and str(in_store) in said[0]
    assert (in_store / kept.FILE).is_file()
    nobody_measures()
    for dataset in first, build(in_store):
        for i, sample in enumerate(annotations):
            assert_as(dataset[i], expected(sample))
            assert dataset[i]['decidable'].any()
            assert len(dataset[i]['events']) > 5
            assert dataset[i]['fps'] == 30
            assert 'events_key' not in dataset[i]
    assert len(said) == 1


def test_workers_do_not_measure(in_pickle, annotations, nobody_measures):
    dataset = build(in_pickle)
    nobody_measures()
    forked = DataLoader(dataset, num_workers=1, collate_fn=list,
                        multiprocessing_context='fork')
    # What a worker receives that does not fork.
    spawned = pickle.loads(pickle.dumps(dataset))
    for i, (sample, (seen, )) in enumerate(zip(annotations, forked)):
        for got in seen, spawned[i]:
            assert_as(got, expected(sample))


@pytest.mark.parametrize('change', (
    dict(fps=15), dict(up=(0, 0, 1)), dict(layout=dict(
        num_node=25, center=0, inward=[(i, 0) for i in range(1, 25)],
        joints=['pelvis', 'left_wrist', *(f'joint{i}' for i in range(23))]))))
def test_others_are_made_anew_and_said(in_store, said, change):
    build(in_store)
    table = SkeletonStore(in_store).events
    dataset = build(in_store, **change)
    assert 'made anew' in said[-1]
    again = SkeletonStore(in_store).events
    assert again.key != table.key
    assert_as(dataset[0], dict(zip(KEPT, again.of(0))))
    build(in_store, **change)
    assert len(said) == 2


def test_another_vocabulary_makes_them_stale(in_store, said, monkeypatch):
    build(in_store)
    monkeypatch.setattr(transforms, 'VERSION', 'later')
    build(in_store)
    assert 'another vocabulary' in said[-1]
    assert 'later' in SkeletonStore(in_store).events.key
    transform = BodyPartEvents('ntu25')
    monkeypatch.setattr(transforms, 'VERSION', 'latest')
    # A stale one is not taken where no data set looked first.
    sample = SkeletonStore(in_store).sample(0)
    later = BodyPartEvents('ntu25')
    sample['events'] = sample['events'][:0]
    assert later.key != transform.key
    assert len(later(dict(sample))['events'])
    assert not len(transform(dict(sample))['events'])


def test_those_of_an_older_version_are_made_anew(in_store, annotations, said):
    """Before magnitudes, persons and what is decidable were kept."""
    build(in_store)
    table = SkeletonStore(in_store).events
    np.savez(in_store / kept.FILE, key='3-0a1b; old', rows=table.rows[:, :3],
             first=table.first)
    dataset = build(in_store)
    assert 'made anew' in said[-1]
    assert_as(dataset[0], expected(annotations[0]))
    assert SkeletonStore(in_store).events.rows.shape[1] == 5


def test_a_folder_that_cannot_be_written(in_store, said, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError('read-only')

    monkeypatch.setattr(np, 'savez', refuse)
    dataset = build(in_store)
    assert 'not kept' in said[-1] and 'read-only' in said[-1]
    assert len(dataset[0]['events'])
    assert not list(in_store.glob(f'*{kept.FILE}'))


@pytest.mark.parametrize('content', (b'', b'PK nonsense', None))
def test_a_damaged_table_is_named(in_store, content, annotations):
    build(in_store)
    path = in_store / kept.FILE
    if content is None:  # of other clips
        kept.save_table(kept.EventTable(
            'k', np.zeros((0, 5), np.float32), np.zeros(2, int),
            np.zeros((1, len(KINDS)), bool)), in_store)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=f'{kept.FILE}.*delete it'):
        build(in_store)
    path.unlink()
    assert len(build(in_store)[0]['events'])


def test_each_clip_by_its_own_rate(tmp_path, annotations):
    annotations[0]['fps'] = 15
    path = tmp_path / 'rates.pkl'
    path.write_bytes(pickle.dumps(annotations))
    dataset = build(path)
    assert_as(dataset[0], expected(annotations[0], fps=15))
    assert_as(dataset[1], expected(annotations[1]))


def test_parts_of_one_video_have_events_of_their_own(tmp_path, annotations):
    for sample in annotations:
        sample['frame_dir'] = 'video1'
    path = tmp_path / 'parts.pkl'
    path.write_bytes(pickle.dumps(annotations))
    for dataset in (build(path), build(path, fps=15.)):
        for info, sample in zip(dataset, annotations):
            assert_as(info, expected(sample, fps=info['fps']))


def test_joints_without_a_score_make_no_events(tmp_path, nobody_measures):
    joints, = pictures('coco17', actions=[23])
    score = np.ones(joints.shape[:3], np.float32)
    score[..., 9:11] = 0  # both wrists
    sample = dict(frame_dir='wave', label=0, keypoint=joints,
                  keypoint_score=score)
    path = tmp_path / 'scored.pkl'
    path.write_bytes(pickle.dumps([sample]))
    layout = dict(layout='coco17')
    together = build(path, **layout)
    alone = BodyPartEvents(**layout)(dict(sample))
    assert not alone['decidable'].all() and alone['decidable'].any()
    nobody_measures()
    assert_as(together[0], {key: alone[key] for key in KEPT})


def test_corrupt_clips_are_told_when_they_are_read(tmp_path, annotations):
    annotations[1]['keypoint'][0, 3, 4] = np.inf
    path = tmp_path / 'corrupt.pkl'
    path.write_bytes(pickle.dumps(annotations))
    dataset = build(path)
    assert len(dataset[0]['events'])
    with pytest.raises(ValueError, match="sample 'a6'.*not finite"):
        dataset[1]


def test_preparation_keeps_them_in_store_and_pickle(tmp_path,
                                                    nobody_measures):
    root = make_sample(tmp_path / 'sample', 1, progress=False, classes=[1, 50],
                       performers=[1])
    done = prepare_ntu(root, tmp_path / 'out', processes=1, progress=False)
    nobody_measures()
    for path in done.files:
        dataset = build(path)
        for i in range(len(dataset)):
            assert len(dataset[i]['events']) > 5
    store, file = (build(path) for path in done.files)
    by_name = {file[i]['frame_dir']: {k: file[i][k] for k in KEPT}
               for i in range(len(file))}
    for i in range(len(store)):
        assert_as(store[i], by_name[store[i]['frame_dir']])


def test_without_events_in_the_pipeline_nothing_is_measured(
        in_store, nobody_measures):
    nobody_measures()
    SkeletonDataset(str(in_store), [])
    assert not (in_store / kept.FILE).exists()
