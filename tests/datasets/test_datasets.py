"""The datasets: items, errors that say what to do, corrupt samples."""
import pickle
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import POSE, annotations
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from mmengine.registry import FUNCTIONS

from lvlm_var_mm.datasets import (NTURGBDSkeletonDataset, NTURGBDVideoDataset,
                                  SkeletonDataset)
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.splits import NUM_ACTIONS, in_split, parse_names
from lvlm_var_mm.engine import SkippedSamplesHook
from lvlm_var_mm.preparation.ntu import prepare_ntu
from lvlm_var_mm.synthetic.make import make_sample
from mmaction.registry import DATASETS

ACTIONS = [1, 8]
SKELETON = [
    dict(type='ResampleFrames', clip_len=8),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
]
# Transforms of MMAction2 alone.
VIDEO = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=4, num_clips=1),
    dict(type='DecordDecode'),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', meta_keys=('frame_dir', ))
]
KINDS = {
    'skeleton': (NTURGBDSkeletonDataset, SKELETON, (1, 2, 8, 25, 3)),
    'video': (NTURGBDVideoDataset, VIDEO, (1, 3, 4, 120, 160))
}
both_kinds = pytest.mark.parametrize('kind', KINDS)


# ------------------------------------------------ NTU RGB+D from folders
@pytest.fixture(scope='session')
def sample(tmp_path_factory):
    """Twelve clips: two actions, one performer on either side, three
    cameras."""
    return make_sample(tmp_path_factory.mktemp('sample') / 'ntu', repeats=1,
                       classes=ACTIONS, performers=(1, 3), progress=False)


def build(kind, root, split='xsub_train', **over):
    cls, pipeline, _ = KINDS[kind]
    return cls(str(root), pipeline, split, **{'actions': ACTIONS, **over})


def action_of(info):
    return int(info['frame_dir'][-3:])


@both_kinds
@pytest.mark.parametrize('split, number', [
    ('xsub_train', 6), ('xsub_val', 6), ('xview_train', 8), ('xview_val', 4)])
def test_sizes(kind, sample, split, number):
    dataset = build(kind, sample, split)
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    names = [info['frame_dir'] for info in infos]
    assert len(set(names)) == number and names == sorted(names)
    for info in infos:
        assert Path(info['filename']).is_file()
        assert in_split(parse_names([info['frame_dir']]), 'ntu60', split)


@both_kinds
@pytest.mark.parametrize('actions', [[1, 8], [8, 1], [8], None])
def test_labels_follow_actions(kind, sample, actions):
    dataset = build(kind, sample, actions=actions)
    order = actions or list(range(1, NUM_ACTIONS['ntu60'] + 1))
    seen = set()
    for i in range(len(dataset)):
        info = dataset.get_data_info(i)
        assert info['label'] == order.index(action_of(info))
        seen.add(action_of(info))
    assert seen == set(actions or ACTIONS)


@both_kinds
def test_items(kind, sample):
    dataset = DATASETS.build(dict(
        type=KINDS[kind][0].__name__, data_root=str(sample),
        pipeline=KINDS[kind][1], split='xsub_val', actions=ACTIONS,
        class_names=['drink', 'sit'], test_mode=True))
    for i in range(len(dataset)):
        item = dataset[i]
        assert item['inputs'].shape == KINDS[kind][2]
        data_sample = item['data_samples']
        assert data_sample.frame_dir == dataset.get_data_info(i)['frame_dir']
        assert data_sample.gt_label.item() == dataset.get_data_info(
            i)['label']


@both_kinds
def test_root_is_the_parent_or_the_folder(kind, sample):
    folder = sample / KINDS[kind][0].folder
    for root in (folder, f'{folder}/'):
        dataset, other = build(kind, sample), build(kind, root)
        assert len(other) == len(dataset) == 6
        # Whoever reads a result learns what it was measured on.
        assert 'made sample' in other.metainfo['note']
        assert 'made sample' in dataset.metainfo['note']


def test_real_data_has_no_note(sample, tmp_path):
    shutil.copytree(sample, tmp_path / 'ntu')
    (tmp_path / 'ntu/sample.json').unlink()
    assert 'note' not in build('skeleton', tmp_path / 'ntu').metainfo
    assert 'note' in build('skeleton', sample).metainfo


def test_sample_is_made_where_nothing_is(tmp_path, monkeypatch):
    made = []

    def ensure_sample(root):
        made.append(root)
        make_sample(root, repeats=1, classes=[1], performers=[1],
                    progress=False)

    monkeypatch.setitem(FUNCTIONS.module_dict, 'ensure_sample',
                        ensure_sample)
    root = str(tmp_path / 'ntu')
    for _ in range(2):
        assert len(build('video', root, make_sample=True)) == 3
    assert made == [root]


@both_kinds
@pytest.mark.parametrize('as_file', [False, True])
def test_exclude(kind, sample, tmp_path, as_file):
    names = ['S001C001P001R001A001', 'S001C003P001R001A008']
    exclude = names
    if as_file:
        exclude = tmp_path / 'missing.txt'
        exclude.write_text('2 samples are incomplete\n\n'
                           f'{names[0]}\n{names[1]}.skeleton\n')
    dataset = build(kind, sample, exclude=str(exclude) if as_file else names)
    left = {dataset.get_data_info(i)['frame_dir']
            for i in range(len(dataset))}
    assert len(left) == 4 and not left & set(names)


@both_kinds
@pytest.mark.parametrize('error, over, words', [
    (FileNotFoundError, dict(data_root='nowhere/ntu'),
     ['nowhere/ntu', '`data_root`', '{folder}', '{suffix}']),
    (FileNotFoundError, dict(actions=[2]),
     ['{folder}', '12 *{suffix} files', 'xsub_train', '`actions`']),
    (FileNotFoundError, dict(exclude='nowhere/missing.txt'),
     ['nowhere/missing.txt', '`exclude`']),
    (ValueError, dict(class_names='nucla'),
     ['`class_names`', "'nucla'", '10', '2']),
    (ValueError, dict(class_names=['a', 'b', 'c']), ['`class_names`', '3'])])
def test_bad_settings(kind, sample, error, over, words):
    cls, pipeline, _ = KINDS[kind]
    cfg = {'data_root': str(sample), 'actions': ACTIONS, **over}
    with pytest.raises(error) as caught:
        cls(pipeline=pipeline, split='xsub_train', **cfg)
    for word in words:
        word = word.format(folder=cls.folder, suffix=cls.suffix)
        assert word in str(caught.value)


@pytest.fixture
def halves(sample, tmp_path):
    """NTU RGB+D 120 as many keep it, in two folders."""
    for folder, action, setup in (('', 1, 1), ('120', 61, 18)):
        inner = tmp_path / f'nturgb+d_skeletons{folder}'
        inner.mkdir()
        for path in (sample / 'nturgb+d_skeletons').glob('S001*A001*'):
            shutil.copy(path, inner / f'S{setup:03}{path.name[4:17]}'
                        f'{action:03}.skeleton')
    return tmp_path


def test_second_folder(halves, tmp_path):
    found = NTURGBDSkeletonDataset(str(halves), benchmark='ntu120',
                                   split='xsub_train')
    assert {found.get_data_info(i)['label'] for i in range(len(found))} == {
        0, 60}
    one = NTURGBDSkeletonDataset(
        str(halves / 'nturgb+d_skeletons120'), benchmark='ntu120')
    assert 2 * len(one) == len(found)
    prepare_ntu(halves, tmp_path / 'out', processes=1, progress=False)
    prepared = NTURGBDSkeletonDataset(str(tmp_path / 'out'),
                                      benchmark='ntu120')
    assert len(prepared) == len(found)


def test_some_labels_of_raw_files(sample):
    assert len(build('skeleton', sample, only=[1])) == 3
    with pytest.raises(ValueError, match='`only`'):
        build('skeleton', sample, only=[7])
    with pytest.raises(ValueError, match='25 joints.*`num_joints`, 17'):
        build('skeleton', sample, num_joints=17)


def test_files_that_show_nobody(sample, tmp_path):
    """As some of NTU RGB+D: left out, in tests as well; a file that was cut
    off is not."""
    root = shutil.copytree(sample, tmp_path / 'ntu')
    first, second, *_ = sorted((root / 'nturgb+d_skeletons').glob('*P001*'))
    first.write_bytes(b'300\r\n' + b'0\r\n' * 300)
    dataset = build('skeleton', root, test_mode=True)
    assert len(dataset) == 5
    assert first.stem not in [dataset.get_data_info(i)['frame_dir']
                              for i in range(5)]
    second.write_bytes(b'300\r\n0\r\n')
    assert len(build('skeleton', root, test_mode=True)) == 5


def test_empty_folder(tmp_path):
    (tmp_path / 'readme.skeleton').write_text('')
    with pytest.raises(FileNotFoundError, match='holds 0 .*files') as error:
        build('skeleton', tmp_path)
    assert str(tmp_path) in str(error.value)


# ------------------------------------------------------- corrupt samples
def half(data):
    return data[:len(data) // 2]


def no_frames(data):
    """An AVI of the right size in which nothing can be found."""
    return data[:12] + bytes(len(data) - 12)


# The whole stock pipeline is behind each of them. A cut AVI and one that is
# none must be found before it: decord crashes on the one and fills the
# screen with the bytes of the other.
DAMAGE = {
    'skeleton, cut': ('skeleton', half, r'line \d+'),
    'skeleton, empty': ('skeleton', lambda data: b'', 'early|number of fra'),
    'avi, cut': ('video', half, 'ends early'),
    'avi, cut late': ('video', lambda data: data[:-100], 'ends early'),
    'avi, cut at once': ('video', lambda data: data[:5], 'not an AVI'),
    'avi, empty': ('video', lambda data: b'', 'not an AVI'),
    'avi, random': ('video', lambda data: np.random.default_rng(0).bytes(
        len(data)), 'not an AVI'),
    'avi, no frames': ('video', no_frames, 'Error reading'),
}
damages = pytest.mark.parametrize('damage', DAMAGE)
half_of_each = pytest.mark.parametrize('damage', [
    'skeleton, cut', 'avi, cut'])


@pytest.fixture
def broken(sample, tmp_path):
    """``broken(damage, number)``: a dataset's folder with this many of the
    six training clips damaged, and their paths."""
    def copy(damage, number=1):
        kind, spoil, _ = DAMAGE[damage]
        root = tmp_path / 'ntu'
        shutil.copytree(sample, root)
        files = sorted((root / KINDS[kind][0].folder).glob('*P001*'))
        assert len(files) == 6
        for file in files[:number]:
            file.write_bytes(spoil(file.read_bytes()))
        return kind, root, [str(file) for file in files[:number]]

    return copy


@damages
def test_training_takes_another(broken, damage):
    kind, root, (file, ) = broken(damage)
    dataset = build(kind, root)
    assert dataset.corrupt_samples == []
    for _ in range(3):
        item = dataset[0]
        name = item['data_samples'].frame_dir
        assert name not in file
        # Under its own label, not that of the clip it stands for.
        label = item['data_samples'].gt_label.item()
        assert ACTIONS[label] == int(name[-3:])
    assert dataset.corrupt_samples == [file]


@damages
def test_testing_refuses(broken, damage):
    kind, root, (file, ) = broken(damage)
    dataset = build(kind, root, test_mode=True)
    with pytest.raises(CorruptSampleError, match=DAMAGE[damage][2]) as error:
        dataset[0]
    assert file in str(error.value) and '`exclude`' in str(error.value)
    dataset[1]


@half_of_each
def test_what_a_worker_finds_is_known(broken, damage):
    kind, root, files = broken(damage, 2)
    dataset = build(kind, root)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=2, num_workers=1, collate_fn=pseudo_collate)
    names = [s.frame_dir for batch in loader for s in batch['data_samples']]
    assert len(names) == 6
    assert not {Path(file).name[:20] for file in files} & set(names)
    assert dataset.corrupt_samples == files


def test_a_worker_names_what_it_refuses(broken):
    kind, root, (file, ) = broken('avi, cut')
    dataset = build(kind, root, test_mode=True)
    loader = torch.utils.data.DataLoader(
        dataset, num_workers=1, collate_fn=pseudo_collate)
    with pytest.raises(CorruptSampleError, match=re.escape(file)):
        next(iter(loader))


@half_of_each
def test_nothing_but_corrupt_samples(broken, damage):
    kind, root, _ = broken(damage, 6)
    dataset = build(kind, root)
    with pytest.raises(CorruptSampleError, match='all of them corrupt'):
        dataset[0]


def test_faults_of_the_program_are_not_skipped(sample):
    def fail(results):
        raise RuntimeError('out of memory')

    dataset = NTURGBDVideoDataset(
        str(sample), [fail], 'xsub_train', actions=ACTIONS)
    with pytest.raises(RuntimeError, match='out of memory'):
        dataset[0]
    assert dataset.corrupt_samples == []


@pytest.mark.parametrize('wrap', [
    lambda dataset: dataset, lambda dataset: RepeatDataset(dataset, 2),
    lambda dataset: ConcatDataset([dataset])])
def test_hook_reports(broken, wrap):
    kind, root, files = broken('skeleton, cut', 2)
    dataset = wrap(build(kind, root))
    said = []
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset),
        logger=SimpleNamespace(warning=said.append))
    hook = SkippedSamplesHook()
    hook.after_train_epoch(runner)
    assert said == []
    dataset[0], dataset[1]
    hook.after_train_epoch(runner)
    assert len(said) == 1 and said[0].startswith('2 of 6 samples')
    assert all(file in said[0] for file in files)


# ------------------------------------------- pickles, SkeletonDataset


@pytest.fixture
def write(tmp_path):
    def write(samples=None, **over):
        samples = annotations() if samples is None else samples
        names = [s['frame_dir'] for s in samples]
        content = dict(split=dict(train=names[:4], val=names[4:]),
                       annotations=samples, **over)
        (tmp_path / 'a.pkl').write_bytes(pickle.dumps(content))
        return str(tmp_path / 'a.pkl')

    return write


@pytest.mark.parametrize('split, exclude, number', [
    ('train', None, 4), ('val', None, 2), (None, None, 6),
    ('train', ['clip0', 'clip5'], 3)])
def test_pickle(write, split, exclude, number):
    dataset = DATASETS.build(dict(
        type='SkeletonDataset', ann_file=write(), pipeline=POSE, split=split,
        exclude=exclude, class_names=['a', 'b'], num_joints=20))
    assert len(dataset) == number
    for i in range(number):
        item = dataset[i]
        assert item['inputs'].shape == (1, 1, 8, 20, 3)
        name = item['data_samples'].frame_dir
        assert item['data_samples'].gt_label.item() == int(name[-1]) % 2


def test_some_labels_only(write):
    file = write()
    dataset = SkeletonDataset(file, POSE, split='train', only=[1])
    assert [dataset[i]['data_samples'].frame_dir for i in range(
        len(dataset))] == ['clip1', 'clip3']
    with pytest.raises(ValueError, match=r'no samples.*`only`, \[7\]'):
        SkeletonDataset(file, POSE, only=[7])


def test_videos_lie_where_the_prefix_says(write):
    videos = [dict(s, filename=s['frame_dir']) for s in annotations()]
    stock, ours = (DATASETS.build(dict(
        type=kind, ann_file=write(videos), pipeline=POSE, split='train',
        data_prefix=dict(video='videos')))
        for kind in ('PoseDataset', 'SkeletonDataset'))
    for key in 'filename', 'frame_dir':
        assert (ours.get_data_info(2)[key] == stock.get_data_info(2)[key] ==
                'videos/clip2')


def test_annotation_without_a_label(write):
    samples = annotations()
    del samples[3]['label']
    with pytest.raises(ValueError, match=r"a\.pkl: sample 'clip3' has no "):
        SkeletonDataset(write(samples), POSE, class_names=['a', 'b'])
    assert len(SkeletonDataset(write(samples), POSE, only=[1])) == 2


def test_pickle_of_a_list(write):
    file = Path(write())
    file.write_bytes(pickle.dumps(annotations()))
    assert len(SkeletonDataset(str(file), POSE)) == 6
    with pytest.raises(ValueError, match="no split 'train'"):
        SkeletonDataset(str(file), POSE, split='train')


@pytest.mark.parametrize('content, words', [
    (b'no pickle', ['a.pkl', 'cannot be read']), (b'', ['a.pkl', 'cannot']),
    (pickle.dumps(dict(split={})), ['a.pkl', '`annotations`']),
    (pickle.dumps([]), ['a.pkl', '`annotations`']),
    (pickle.dumps(3), ['a.pkl', '`annotations`']),
    (pickle.dumps(dict(annotations=annotations())),
     ['a.pkl', "no split 'train'"])])
def test_other_files(tmp_path, content, words):
    (tmp_path / 'a.pkl').write_bytes(content)
    with pytest.raises(ValueError) as error:
        SkeletonDataset(str(tmp_path / 'a.pkl'), POSE, split='train')
    assert all(word in str(error.value) for word in words)


def test_missing_pickle(tmp_path):
    with pytest.raises(FileNotFoundError, match='`ann_file`') as error:
        SkeletonDataset(str(tmp_path / 'no.pkl'), POSE)
    assert 'no.pkl' in str(error.value)


@pytest.mark.parametrize('change, over, words', [
    ({}, dict(split='xsub'), ["'xsub'", "['train', 'val']"]),
    (dict(label=2), dict(class_names=['a', 'b']),
     ["'clip1'", 'label 2', '0 to 1']),
    (dict(label=-1), dict(class_names=['a', 'b']), ["'clip1'", 'label -1']),
    ({}, dict(num_joints=25),
     ['20 joints', '25', '`num_joints`', '`graph_cfg`']),
    (dict(keypoint=np.zeros((10, 20, 3))), {}, ["'clip1'", '(10, 20, 3)']),
    ({}, dict(exclude=[f'clip{i}' for i in range(4)]), ['no samples'])])
def test_bad_annotations(write, change, over, words):
    samples = annotations()
    samples[1].update(change)
    file = write(samples)
    with pytest.raises(ValueError) as error:
        SkeletonDataset(file, POSE, **{'split': 'train', **over})
    for word in (file, *words):
        assert word in str(error.value)


@pytest.mark.parametrize('bad', ['inf', 'no frames', 'nobody'])
def test_corrupt_annotation(write, bad):
    samples = annotations()
    if bad == 'no frames':
        samples[1]['keypoint'] = samples[1]['keypoint'][:, :0]
    elif bad == 'nobody':
        samples[1]['keypoint'] = samples[1]['keypoint'][:0]
    else:
        samples[1]['keypoint'][0, 3, 7, 1] = float(bad)
    file = write(samples)
    dataset = SkeletonDataset(file, POSE, split='train')
    item = dataset[1]
    assert item['data_samples'].frame_dir != 'clip1'
    assert torch.isfinite(item['inputs']).all()
    assert dataset.corrupt_samples == ['clip1']
    dataset = SkeletonDataset(file, POSE, split='train', test_mode=True)
    with pytest.raises(CorruptSampleError, match="'clip1'") as error:
        dataset[1]
    assert file in str(error.value)
