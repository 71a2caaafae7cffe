"""One's own data: the CSV, the forms of clips, and a config that trains."""
import json
import pickle
import re
import runpy
import sys

import cv2
import numpy as np
import pytest
from helpers import CLASSES, REPO
from mmengine.config import Config
from mmengine.runner import Runner

from lvlm_var_mm.datasets import VideoListDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.datasets.store import SkeletonStore
from lvlm_var_mm.doctor import examine, exit_code, table
from lvlm_var_mm.engine.schedules import learning_rates
from lvlm_var_mm.layouts import LAYOUTS, load_layout
from lvlm_var_mm.preparation import custom_config
from lvlm_var_mm.preparation.custom import prepare_custom
from lvlm_var_mm.preparation.custom_config import _base
from lvlm_var_mm.preparation.custom_skeleton import BODY_25, read_clip
from lvlm_var_mm.preparation.custom_table import read_table
from lvlm_var_mm.preparation.file_layout import layout_of_file
from mmaction.registry import DATASETS

TOOL = REPO / 'tools/prepare_custom.py'
NAMES = sorted(name for name, _ in CLASSES)
# Five joints in a row, no names.
CHAIN = dict(num_node=5, inward=[[1, 0], [2, 1], [3, 2], [4, 3]], center=0)


def skeleton(seed, joints=25, coordinates=3, persons=1, frames=12):
    """A body that sways: metres, or pixels of a picture of 480 x 640."""
    rng = np.random.default_rng(seed)
    body = rng.uniform(-.4, .4, (joints, coordinates))
    sway = rng.normal(0, .02, (persons, frames, joints, coordinates))
    keypoint = body + sway + 2
    return (keypoint * (100 if coordinates == 2 else 1)).astype('f4')


def write_csv(folder, rows, header='file,label,split'):
    path = folder / 'clips.csv'
    path.write_text('\n'.join([header, *rows]) + '\n')
    return path


def clips(folder, **shape):
    """Two clips a class that train, one that tests, and their CSV."""
    rows = []
    for i, name in enumerate(NAMES * 3):
        np.save(folder / f'{i} a.npy', skeleton(i, **shape))
        rows.append(f'{i} a.npy,{name},' + ('train' if i < 8 else 'test'))
    return write_csv(folder, rows)


# ------------------------------------------------------------------ the CSV
GOOD = ['a.npy,wave,train', 'b.npy,sit down,test']


@pytest.fixture
def files(tmp_path):
    for name in 'ab':
        np.save(tmp_path / f'{name}.npy', skeleton(0))
    return tmp_path


def test_table(files):
    rows, classes = read_table(write_csv(
        files, [f'{GOOD[0]},"up, then down"', f'{GOOD[1]},'],
        ' file, label ,split,explanation'), files)
    assert classes.names == ('sit down', 'wave')
    assert [tuple(r) for r in rows] == [
        ('a.npy', files / 'a.npy', 1, 'train', 'up, then down', None, None),
        ('b.npy', files / 'b.npy', 0, 'test', '', None, None)]


def test_table_from_a_spreadsheet(files):
    path = write_csv(files, GOOD)
    path.write_bytes(b'\xef\xbb\xbf' + path.read_bytes().replace(
        b'\n', b'\r\n'))
    assert len(read_table(path, files)[0]) == 2


@pytest.mark.parametrize('labels', [('1', '0'), ('wave', 'sit down')])
def test_table_with_classes(files, labels):
    (files / 'names.txt').write_text('sit down | hips sink\nwave\n')
    rows, classes = read_table(write_csv(files, [
        f'a.npy,{labels[0]},train', f'b.npy,{labels[1]},Val']), files,
        files / 'names.txt')
    assert [(r.label, r.split) for r in rows] == [(1, 'train'), (0, 'val')]
    assert classes.descriptions == ('hips sink', '')


@pytest.mark.parametrize('rows, error, words', [
    (['a.npy,wave,train', 'b.npy,,test'], ValueError,
     'line 3, column `label`: is empty'),
    (['a.npy,wave,train', 'b.npy,wave'], ValueError,
     'line 3, column `split`: is empty'),
    (['a.npy,wave,train', 'b.npy,wave,training'], ValueError,
     "line 3, column `split`: 'training' is none of train, val, test"),
    (['a.npy,wave,train', 'b.npy,wave,test', 'a.npy,wave,test'], ValueError,
     "line 4, column `file`: 'a.npy' stands in line 2 already"),
    (['a.npy,wave,train,x'], ValueError, 'line 2: has 4 columns'),
    (['a.npy,wave,train'], ValueError, 'rows of `train` and of `val`'),
    (['b.npy,wave,test'], ValueError, 'rows of `train` and of `val`'),
    (['a.npy,1,train', 'b.npy,0,test'], ValueError, '--classes FILE'),
    (['a.npy,a|b,train', 'b.npy,c,test'], ValueError, "'a|b' has a `|`"),
    ([], ValueError, 'no row below its header'),
    ([*GOOD, 'c.npy,wave,train'], FileNotFoundError,
     'line 4, column `file`: no '),
])
def test_faults_of_the_table(files, rows, error, words):
    with pytest.raises(error, match=re.escape(words)) as raised:
        read_table(write_csv(files, rows), files)
    assert 'clips.csv' in str(raised.value) or '--root' in str(raised.value)


def test_all_faults_are_told_at_once(files):
    with pytest.raises(ValueError) as error:
        read_table(write_csv(files, [*GOOD, *[
            f'{i}.npy,wave,no' for i in range(12)]]), files)
    lines = str(error.value).splitlines()
    assert len(lines) == 11 and lines[-1] == '... and 2 more'
    with pytest.raises(FileNotFoundError) as error:
        read_table(write_csv(files, [*GOOD, *[
            f'{i}.npy,wave,test' for i in range(12)]]), files)
    lines = str(error.value).splitlines()
    assert lines[0].startswith('12 of 14 files') and len(lines) == 12


def test_label_outside_the_classes(files):
    (files / 'names.txt').write_text('wave\n')
    with pytest.raises(ValueError, match='line 3, column `label`: .*none of '
                       'the 1 classes'):
        read_table(write_csv(files, GOOD), files, files / 'names.txt')


def test_no_header(files):
    with pytest.raises(ValueError, match='line 1: no column file, label'):
        read_table(write_csv(files, GOOD, 'a.npy;wave;train'), files)
    with pytest.raises(FileNotFoundError, match='no.csv'):
        read_table(files / 'no.csv', files)
    (files / 'clips.csv').write_bytes(b'file,label,split\n\xff\xfe,a,b\n')
    with pytest.raises(ValueError, match='UTF-8'):
        read_table(files / 'clips.csv', files)


# ---------------------------------------------------------- forms of a clip
def test_arrays(tmp_path):
    data, layout = skeleton(0, persons=3), LAYOUTS['ntu25']
    np.save(tmp_path / 'a.npy', data)
    np.save(tmp_path / 'one.npy', data[0].astype('f8'))
    np.savez(tmp_path / 'a.npz', keypoint=data, fps=30)
    np.savez(tmp_path / 'b.npz', data)
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(dict(keypoint=data)))
    for name in ('a.npy', 'a.npz', 'b.npz', 'a.pkl'):
        clip = read_clip(tmp_path / name, layout)
        assert np.array_equal(clip['keypoint'], data[:2])
        assert clip.get('fps') == (30 if name == 'a.npz' else None)
        assert set(clip) <= {'keypoint', 'fps'}
    assert np.array_equal(
        read_clip(tmp_path / 'one.npy', layout)['keypoint'], data[:1])


def test_padding_and_endings_in_capitals(tmp_path):
    data, layout = skeleton(0), LAYOUTS['ntu25']
    frames = data.shape[1]
    padded = np.concatenate([data, np.zeros_like(data)], 1)
    for name, total in (('a.PKL', frames), ('b.pkl', 2 * frames + 1),
                        ('d.pkl', 'many'), ('e.pkl', [3])):
        (tmp_path / name).write_bytes(pickle.dumps(dict(
            keypoint=padded, total_frames=total)))
    clip = read_clip(tmp_path / 'a.PKL', layout)
    assert np.array_equal(clip['keypoint'], data)
    assert layout_of_file(tmp_path / 'a.PKL') == layout
    for name in 'bde':
        with pytest.raises(CorruptSampleError, match='total_frames'):
            read_clip(tmp_path / f'{name}.pkl', layout)
    # With a score, of a picture.
    (tmp_path / 'c.pkl').write_bytes(pickle.dumps(dict(
        keypoint=padded[:1, :, :17, :2] + 1, img_shape=(9, 9), total_frames=3,
        keypoint_score=np.ones((1, 2 * frames, 17)))))
    clip = read_clip(tmp_path / 'c.pkl', LAYOUTS['coco17'])
    assert clip['keypoint'].shape[1] == clip['keypoint_score'].shape[1] == 3


def test_an_absent_person_takes_no_place(tmp_path):
    data = skeleton(0, persons=3)
    data[0] = 0
    np.save(tmp_path / 'a.npy', data)
    clip = read_clip(tmp_path / 'a.npy', LAYOUTS['ntu25'], max_persons=1)
    assert np.array_equal(clip['keypoint'], data[1:2])


def test_ntu(tmp_path):
    data = skeleton(0, frames=20)
    write_skeleton(tmp_path / 'a.skeleton', data)
    clip = read_clip(tmp_path / 'a.skeleton', LAYOUTS['ntu25'])
    assert np.allclose(clip['keypoint'], data, atol=1e-5)


def test_pictures(tmp_path):
    data, layout = skeleton(0, 17, 2), LAYOUTS['coco17']
    data[0, 0, 3] = 0  # not seen
    score = np.random.default_rng(0).uniform(size=data.shape[:3]).astype('f4')
    np.save(tmp_path / 'a.npy', data)
    with pytest.raises(ValueError, match='--img-shape'):
        read_clip(tmp_path / 'a.npy', layout)
    clip = read_clip(tmp_path / 'a.npy', layout, img_shape=(480, 640))
    assert clip['img_shape'] == (480, 640)
    assert clip['keypoint_score'].sum() == data[..., 0].size - 1
    assert clip['keypoint_score'][0, 0, 3] == 0
    # The score as a third coordinate, or beside the two.
    np.save(tmp_path / 'b.npy', np.dstack([data[0], score[0]]))
    (tmp_path / 'c.pkl').write_bytes(pickle.dumps(dict(
        keypoint=data, keypoint_score=score, img_shape=(450, 600))))
    for name in ('b.npy', 'c.pkl'):
        clip = read_clip(tmp_path / name, layout, img_shape=(480, 640))
        assert np.array_equal(clip['keypoint'], data)
        assert np.array_equal(clip['keypoint_score'], score)
    assert clip['img_shape'] == (450, 600)


@pytest.mark.parametrize('joints', [18, 25])
def test_openpose(tmp_path, joints):
    rng = np.random.default_rng(0)
    frames = [rng.uniform(1, 9, (2, joints, 3)), rng.uniform(1, 9, (
        1, joints, 3)), np.zeros((0, joints, 3))]
    for t, people in enumerate(frames):
        (tmp_path / f'clip_{t:03}_keypoints.json').write_text(json.dumps(dict(
            people=[dict(pose_keypoints_2d=p.ravel().tolist())
                    for p in people])))
    clip = read_clip(tmp_path, LAYOUTS['openpose18'], img_shape=(9, 9))
    assert clip['keypoint'].shape == (2, 3, 18, 2)
    kept = BODY_25 if joints == 25 else range(18)
    assert np.allclose(clip['keypoint'][:, 0], frames[0][:, kept, :2])
    assert np.allclose(clip['keypoint_score'][0, 1], frames[1][0, kept, 2])
    assert not clip['keypoint'][1, 1:].any()


def test_body_25_and_18_agree():
    # Neck to right wrist, and the right hip, by their numbers in BODY_25.
    names = dict(neck=1, right_wrist=4, left_wrist=7, right_hip=9,
                 left_ankle=14, right_eye=15, left_ear=18)
    for name, number in names.items():
        assert BODY_25[LAYOUTS['openpose18'].index(name)] == number


@pytest.mark.parametrize('name, content, words', [
    ('a.npy', b'no array', 'cannot be read'),
    ('a.npy', np.zeros((1, 5, 25, 3)), 'shows nobody'),
    ('a.npy', np.full((1, 5, 25, 3), np.nan), 'shows nobody'),
    ('a.npy', np.full((1, 5, 25, 3), np.inf), 'not finite'),
    ('a.npy', np.ones((5, 75)), 'shape (5, 75)'),
    ('a.npy', np.ones((5, 17, 3)), 'has 17 joints, layout ntu25 has 25'),
    ('a.npz', b'PK', 'cannot be read'),
    ('a.pkl', pickle.dumps([1]), 'cannot be read'),
    ('a.pkl', pickle.dumps(dict(label=1)), "KeyError: 'keypoint'"),
    ('a.skeleton', b'3\n', 'truncated'),
    ('a.bvh', b'HIERARCHY', 'no form of skeletons that is known'),
])
def test_damaged_clips(tmp_path, name, content, words):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(CorruptSampleError, match=re.escape(words)) as error:
        read_clip(path, LAYOUTS['ntu25'])
    assert str(path) in str(error.value)


# ------------------------------------------------------------ the whole way
def test_store(tmp_path):
    path = clips(tmp_path)
    (tmp_path / '3 a.npy').write_bytes(b'no array')
    done = prepare_custom(path, tmp_path / 'out', tmp_path, progress=False)
    assert done.sizes == dict(train=7, test=4)
    assert list(done.skipped) == ['3 a.npy']
    assert json.loads((tmp_path / 'out/skipped.json').read_text()) == (
        done.skipped)
    store = SkeletonStore(tmp_path / 'out/store')
    sample = store.sample(int(store.splits['train'][3]))
    assert sample['frame_dir'] == '4 a.npy' and sample['label'] == 0
    assert np.array_equal(sample['keypoint'], skeleton(4))
    assert (tmp_path / 'out/classes.txt').read_text().split('\n') == [
        *NAMES, '']
    with pytest.raises(FileExistsError, match='config.py is there already'):
        prepare_custom(path, tmp_path / 'out', tmp_path, progress=False)
    with pytest.raises(ValueError, match='quotation mark'):
        prepare_custom(path, tmp_path / 'a"b', tmp_path, progress=False)
    with pytest.raises(ValueError, match='`max_persons` is 0'):
        prepare_custom(path, tmp_path / 'new', tmp_path, max_persons=0)
    assert not (tmp_path / 'a"b').exists()


def test_explanations_and_lacking_classes(files):
    path = write_csv(files, [f'{GOOD[0]},an arm swings', f'{GOOD[1]},'],
                     'file,label,split,explanation')
    done = prepare_custom(path, files / 'out', files, progress=False)
    assert done.lacking == ['sit down']
    store = SkeletonStore(files / 'out/store')
    assert store.sample(0)['explanation'] == 'an arm swings'
    assert 'explanation' not in store.sample(1)


def test_no_usable_file_in_a_split(files):
    (files / 'b.npy').write_bytes(b'')
    with pytest.raises(ValueError, match='none of the 1 files of test '
                       '.*b.npy'):
        prepare_custom(write_csv(files, GOOD), files / 'out', files,
                       progress=False)
    assert not (files / 'out/store').exists()
    assert not (files / 'out/config.py').exists()


def test_mixed_dimensions(files):
    np.save(files / 'b.npy', skeleton(1, coordinates=2))
    write_csv(files, [*GOOD, 'c.npy,wave,test'])
    np.save(files / 'c.npy', skeleton(1))
    done = prepare_custom(files / 'clips.csv', files / 'out', files,
                          img_shape=(480, 640), progress=False)
    assert 'has 2 coordinates' in done.skipped['b.npy']


@pytest.mark.parametrize('content, words', [
    ('{', 'Expecting'), ('[]', 'holds no object'),
    ('{"num_node": 3, "inward": [[0, 1]], "center": 0}', 'hang on nothing')])
def test_bad_layout_file(files, content, words):
    (files / 'mine.json').write_text(content)
    with pytest.raises(ValueError, match=f'mine.json: .*{words}'):
        prepare_custom(write_csv(files, GOOD), files / 'out', files,
                       layout=str(files / 'mine.json'), progress=False)
    with pytest.raises(FileNotFoundError, match='no.json'):
        prepare_custom(write_csv(files, GOOD), files / 'out', files,
                       layout='no.json', progress=False)


def train(config, folder, monkeypatch, llm):
    """Two iterations and a test through the Runner, from the written
    config; only the size is cut down."""
    monkeypatch.setenv('LVLM_PATH', str(llm))
    cfg = Config.fromfile(config)
    small = {'work_dir': str(folder / 'work'), 'warmup_epochs': 0,
             'train_cfg.max_epochs': 1, 'train_cfg.val_begin': 1,
             'custom_hooks.0.epochs': 0, 'train_dataloader.batch_size': 4,
             'default_hooks.checkpoint': None,
             'model.neck.codebook_size': 8, 'model.neck.in_channels': 32,
             'model.cls_head.in_channels': 32,
             'model.backbone.base_channels':
             8 if cfg.model.backbone.type == 'STGCN' else 4}
    for part in ('train', 'val', 'test'):
        small[f'{part}_dataloader.num_workers'] = 0
        small[f'{part}_dataloader.persistent_workers'] = False
    cfg.merge_from_dict(small)
    cfg.experiment_name = folder.name
    found = examine(cfg, progress=False)
    assert exit_code(found) == 0, table(found, 120)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 2
    losses = runner.message_hub.log_scalars
    for name in ('loss', 'loss_cls', 'loss_lm', 'loss_vst'):
        assert np.isfinite(losses[f'train/{name}'].current()), name
    return runner, runner.test()


@pytest.mark.parametrize('layout, shape, inputs', [
    ('ntu25', dict(persons=2), (1, 2, 48, 25, 6)),
    ('coco17', dict(joints=17, coordinates=2), (1, 1, 48, 17, 5)),
    (CHAIN, dict(joints=5, persons=3), (1, 3, 48, 5, 6)),
])
def test_skeletons_train(tmp_path, monkeypatch, tiny_llama, layout, shape,
                         inputs):
    if isinstance(layout, dict):
        (tmp_path / 'chain.json').write_text(json.dumps(layout))
        layout = str(tmp_path / 'chain.json')
    done = prepare_custom(clips(tmp_path, **shape), tmp_path / 'out', tmp_path,
                          layout=layout, img_shape=(480, 640), max_persons=3,
                          progress=False)
    runner, metrics = train(done.config, tmp_path, monkeypatch, tiny_llama)
    data = runner.train_dataloader.dataset[0]
    assert data['inputs'].shape == inputs
    assert abs(data['inputs']).max() < 20  # no pixels
    assert 0 <= metrics['acc/top1'] <= 1 and 0 < metrics['token/usage'] <= 1
    # Events name the codes where joints in space have names.
    assert ('events' in data['data_samples']) == (layout == 'ntu25')


def test_videos_train(tmp_path, monkeypatch, tiny_llama):
    rows = []
    for i, name in enumerate(NAMES * 3):
        file = tmp_path / f'{i} b.avi'
        out = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*'MJPG'), 10,
                              (160, 128))
        for frame in np.random.default_rng(i).integers(
                0, 255, (9, 128, 160, 3), dtype='u1'):
            out.write(frame)
        out.release()
        rows.append(f'{file.name},{name},{"train" if i < 8 else "val"},'
                    'an arm' if i else f'{file.name},{name},train,')
    (tmp_path / 'cut.avi').write_bytes((tmp_path / '0 b.avi').read_bytes()[
        :5000])
    rows.append('cut.avi,drink,train,')
    done = prepare_custom(
        write_csv(tmp_path, rows, 'file,label,split,explanation'),
        tmp_path / 'out', tmp_path, 'video', progress=False)
    assert done.sizes == dict(train=8, val=4)
    assert 'ends early' in done.skipped['cut.avi']
    lines = (tmp_path / 'out/train.txt').read_text().splitlines()
    assert lines[1] == f'1 b.avi {NAMES.index(NAMES[1])}'
    runner, metrics = train(done.config, tmp_path, monkeypatch, tiny_llama)
    dataset = runner.train_dataloader.dataset
    assert dataset[0]['inputs'].shape == (1, 3, 16, 112, 112)
    assert [dataset.get_data_info(i).get('explanation')
            for i in range(2)] == [None, 'an arm']
    assert 0 <= metrics['acc/top1'] <= 1


# ---------------------------------------------------------------- the config
@pytest.mark.parametrize('name', LAYOUTS)
def test_config_is_of_the_layout(tmp_path, name):
    joints = LAYOUTS[name].num_joints
    dims = 2 if LAYOUTS[name].picture else 3
    done = prepare_custom(
        clips(tmp_path, joints=joints, coordinates=dims), tmp_path / 'out',
        tmp_path, layout=name, img_shape=(480, 640), progress=False)
    cfg = Config.fromfile(done.config)
    for part in ('train', 'val'):
        sample = DATASETS.build(cfg[f'{part}_dataloader'].dataset)[0]
        assert sample['inputs'].shape == (
            1, 1, 48, joints, cfg.model.backbone.in_channels)
    graph = cfg.model.backbone.graph_cfg.layout
    assert load_layout(LAYOUTS[name]).graph_cfg() == (
        graph if isinstance(graph, str) else {
            **graph, 'inward': [tuple(b) for b in graph.inward]})
    align = cfg.train_pipeline[1 if dims == 3 else 0]
    if dims == 3:
        part = LAYOUTS[name].joints
        spine = 'spine' in part
        assert [part[j] for j in np.atleast_1d(align.center)] == (
            ['spine'] if spine else ['left_hip', 'right_hip'])
        assert [part[j] for j in align.torso] == (
            ['pelvis', 'chest'] if spine else ['left_hip', 'left_shoulder'])
        assert [[part[j] for j in pair] for pair in align.left_right] == [
            ['left_shoulder', 'right_shoulder'], ['left_hip', 'right_hip']]
    else:
        assert align.type == 'NormalizePicture2D'


def test_config_moves_with_its_folder(tmp_path):
    done = prepare_custom(clips(tmp_path), tmp_path / 'out', tmp_path,
                          progress=False)
    moved = tmp_path / "somebody's data"
    done.config.parent.rename(moved)
    cfg = Config.fromfile(moved / 'config.py')
    assert cfg.train_dataloader.dataset.ann_file == str(moved / 'store')
    assert cfg.train_dataloader.batch_size == 8  # all there is
    # A step an epoch, and each part gets its whole learning rate.
    rates = learning_rates(cfg, 1)
    assert max(rates['rest']) > .98 * cfg.optim_wrapper.optimizer.lr
    assert max(rates['cls_head'][52:]) > .9 * 4e-4
    assert cfg.work_dir == 'work_dirs/out'
    assert cfg.val_dataloader.dataset.split == 'test'


def test_config_inside_the_checkout_refers_to_it_by_a_relative_path():
    assert _base(REPO / 'data/mine') == '../../configs/_base_'
    assert _base(REPO.parent / 'mine') == str(REPO / 'configs/_base_')


def test_no_checkout(monkeypatch, files):
    monkeypatch.setattr(custom_config, 'CONFIGS', files / 'configs')
    with pytest.raises(FileNotFoundError, match='pip install -e'):
        prepare_custom(write_csv(files, GOOD), files / 'out', files,
                       progress=False)


# --------------------------------------------------------- a list of videos
@pytest.mark.parametrize('text, error, words', [
    (None, FileNotFoundError, 'list of `path label`'),
    ('', ValueError, 'lists no video'),
    ('a.mp4 0\nb.mp4', ValueError, "line 2: 'b.mp4' is not `path label`"),
    ('a.mp4 -1', ValueError, 'line 1: .*not `path label`'),
    ('a.mp4 0\n\nb.mp4 4', ValueError, 'line 3: label 4, .* 0 to 3')])
def test_faults_of_a_list_of_videos(tmp_path, text, error, words):
    if text is not None:
        (tmp_path / 'a.txt').write_text(text)
    with pytest.raises(error, match=words) as raised:
        VideoListDataset(str(tmp_path / 'a.txt'), [], class_names=CLASSES)
    assert 'a.txt' in str(raised.value)


def test_missing_video(tmp_path):
    (tmp_path / 'a.txt').write_text('my clip.mp4 2')
    dataset = VideoListDataset(str(tmp_path / 'a.txt'), [], test_mode=True)
    with pytest.raises(CorruptSampleError, match='my clip.mp4: no such file'):
        dataset[0]


# ------------------------------------------------------------------ the tool
def test_tool(tmp_path, monkeypatch, capsys):
    (tmp_path / 'a').mkdir()
    clips(tmp_path / 'a', joints=17, coordinates=2)
    monkeypatch.syspath_prepend(TOOL.parent)
    monkeypatch.setattr(sys, 'argv', list(map(str, [
        TOOL, tmp_path / 'a/clips.csv', tmp_path / 'out', '--root',
        tmp_path / 'a', '--layout', 'coco17', '--img-shape', 480, 640])))
    runpy.run_path(str(TOOL), run_name='__main__')
    said = capsys.readouterr().out
    assert '| train | 8 ' in said and '0 files left out' in said
    assert said.splitlines()[-1] == (
        f'python -m lvlm_var_mm train {tmp_path}/out/config.py')


def test_tool_says_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(TOOL.parent)
    monkeypatch.setattr(sys, 'argv', [str(TOOL), str(tmp_path / 'no.csv'),
                                      str(tmp_path / 'out')])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(TOOL), run_name='__main__')
    assert done.value.code == 2
    assert capsys.readouterr().err.startswith('error: no file ')
    assert not (tmp_path / 'out').exists()
