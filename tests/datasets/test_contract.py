"""What MMEngine and the doctor may ask of our data sets."""
import pickle

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import ClassBalancedDataset, RepeatDataset

from lvlm_var_mm.datasets import (NTURGBDSkeletonDataset, SkeletonDataset,
                                  TokenDataset, VideoListDataset)
from lvlm_var_mm.datasets.corrupt import (CorruptSampleError, problem_of,
                                          skipping_datasets)
from lvlm_var_mm.datasets.tokens import save_tokens
from lvlm_var_mm.doctor import data, samples

LABELS = [0, 0, 0, 0, 0, 1]


def write_pickle(path, corrupt=()):
    joints = np.random.default_rng(0).normal(size=(1, 6, 5, 3))
    clips = [dict(frame_dir=f'clip{i}', label=label, total_frames=6,
                  keypoint=joints * (np.inf if i in corrupt else 1))
             for i, label in enumerate(LABELS)]
    path.write_bytes(pickle.dumps(clips))
    return str(path)


def write_list(path):
    path.write_text(''.join(f'clip{i}.mp4 {k}\n'
                            for i, k in enumerate(LABELS)))
    return str(path)


@pytest.fixture
def every(tmp_path):
    """The same labels in each kind of data set."""
    tokens = tmp_path / 'tokens.npz'
    save_tokens(str(tokens), None, [
        dict(label=k, codes=np.zeros((1, 2), int), meta=[{}])
        for k in LABELS])
    return [SkeletonDataset(write_pickle(tmp_path / 'a.pkl'), []),
            VideoListDataset(write_list(tmp_path / 'a.txt'), []),
            TokenDataset(str(tokens))]


def test_balanced_classes(every):
    for dataset in every:
        assert [dataset.get_cat_ids(i) for i in range(6)] == [
            [k] for k in LABELS]
        balanced = ClassBalancedDataset(dataset, oversample_thr=.5)
        assert len(balanced) > len(dataset)
        assert [balanced.get_cat_ids(i) for i in range(len(balanced))].count(
            [1]) == 2


def test_balanced_classes_give_samples(tmp_path):
    dataset = SkeletonDataset(write_pickle(tmp_path / 'a.pkl'), [])
    balanced = ClassBalancedDataset(dataset, oversample_thr=.5)
    assert {balanced[i]['label'] for i in range(len(balanced))} == {0, 1}
    assert list(skipping_datasets(balanced)) == [dataset]


def test_subset_counts_its_own_samples(tmp_path):
    dataset = SkeletonDataset(write_pickle(tmp_path / 'a.pkl', [4]), [])
    part = dataset.get_subset([4, 5])
    assert part.prepare_data(0) is None and part.prepare_data(1)
    assert part.corrupt_samples == ['clip4'] and not dataset.corrupt_samples
    dataset.get_subset_([4])
    with pytest.raises(CorruptSampleError, match='the last of 1 samples'):
        dataset.prepare_data(0)


def test_several_classes_of_a_clip_are_refused(tmp_path):
    many = dict(multi_class=True, num_classes=2)
    ann_file = write_pickle(tmp_path / 'a.pkl')
    videos = write_list(tmp_path / 'a.txt')
    for build in (lambda: SkeletonDataset(ann_file, [], **many),
                  lambda: VideoListDataset(videos, [], **many)):
        with pytest.raises(ValueError, match='Dataset: `multi_class=True` is '
                           'not supported'):
            build()
    assert issubclass(NTURGBDSkeletonDataset, SkeletonDataset)
    loader = dict(dataset=dict(type='SkeletonDataset', ann_file=ann_file,
                               **many))
    split, = data.splits_of(Config(dict(train_dataloader=loader)))
    _, (found, ) = data.open_split(split)
    assert found.level == 'error' and '`multi_class=True`' in found.text


@pytest.mark.parametrize('line', ['000.mp4 1 3 5', 'a b/000.avi 30 2'])
def test_line_with_several_numbers_is_refused(tmp_path, line):
    path = tmp_path / 'list.txt'
    path.write_text(f'fine.mp4 0\n{line}\n')
    with pytest.raises(ValueError, match=f'list.txt, line 2: {line!r} has '
                       'several labels'):
        VideoListDataset(str(path), [])


def test_blanks_and_numbers_in_names_are_fine(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text('name (1) 2.mp4 0\nmy 3 clips/a.mp4 1\nnoending 7 1\n')
    names = [d['frame_dir'] for d in VideoListDataset(
        str(path), [], serialize_data=False).data_list]
    assert names == ['name (1) 2.mp4', 'my 3 clips/a.mp4', 'noending 7']


@pytest.mark.parametrize('as_file', [False, True])
def test_exclude_takes_videos_out(tmp_path, as_file):
    exclude = ['clip1.mp4', 'clip5.mp4']
    if as_file:
        (tmp_path / 'bad.txt').write_text('\n'.join(exclude))
        exclude = str(tmp_path / 'bad.txt')
    dataset = VideoListDataset(write_list(tmp_path / 'a.txt'), [],
                               exclude=exclude)
    assert len(dataset) == 4
    with pytest.raises(ValueError, match='no video that is not in `exclude`'):
        VideoListDataset(write_list(tmp_path / 'a.txt'), [], exclude=[
            f'clip{i}.mp4' for i in range(6)])


# ---------------------------------------- one predicate for what is corrupt
def splits(tmp_path, corrupt=(), **over):
    loader = dict(dataset=dict(
        type='SkeletonDataset', pipeline=[], **over,
        ann_file=write_pickle(tmp_path / 'a.pkl', corrupt)))
    split, = data.splits_of(Config(dict(train_dataloader=loader)))
    return data.open_split(split)[0]


def levels(split):
    read = samples.read_samples(split, None, None, progress=False)
    return [f.level for f in samples.check_files(split, read)], read


def test_doctor_and_training_skip_the_same(tmp_path):
    split = splits(tmp_path, [2])
    (level, ), read = levels(split)
    assert level == 'warning' and [bool(s.corrupt) for s in read] == [
        i == 2 for i in range(6)]
    assert [split.dataset.prepare_data(i) is None for i in range(6)] == [
        i == 2 for i in range(6)]


def test_doctor_says_what_training_dies_of(tmp_path, monkeypatch):
    split = splits(tmp_path)
    info = SkeletonDataset.get_data_info

    def broken(self, idx):
        if idx == 2:
            raise KeyError('fault of the program')
        return info(self, idx)

    monkeypatch.setattr(SkeletonDataset, 'get_data_info', broken)
    (level, ), read = levels(split)
    assert level == 'error' and read[2].stops
    with pytest.raises(KeyError):
        RepeatDataset(split.dataset, 1)[2]


def test_all_corrupt_is_an_error(tmp_path):
    split = splits(tmp_path, range(6))
    assert levels(split)[0] == ['error']
    with pytest.raises(CorruptSampleError, match='all of them corrupt'):
        for i in range(6):
            split.dataset.prepare_data(i)


@pytest.mark.parametrize('error, problem', [
    (CorruptSampleError('a', 'is odd'), 'is odd'),
    (RuntimeError('Error reading a.mp4...'), 'Error reading a.mp4...'),
    (RuntimeError('CUDA error'), None), (KeyError('label'), None)])
def test_problem_of(error, problem):
    assert problem_of(error) == problem
