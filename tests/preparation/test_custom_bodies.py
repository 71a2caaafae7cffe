"""prepare_custom on bodies: axes, clock, layout, pictures; what it writes."""
import json
import pickle
import re
import runpy
import sys

import numpy as np
import pytest
from bodies import CHANGES, UP, made, pictures
from helpers import TOOLS
from mmengine.config import Config

from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.datasets.store import SkeletonStore
from lvlm_var_mm.kinematics import observe
from lvlm_var_mm.kinematics.vocabulary import INDEX
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.preparation.custom import prepare_custom
from lvlm_var_mm.preparation.custom_skeleton import read_clip
from lvlm_var_mm.preparation.custom_table import read_table
from mmaction.registry import DATASETS

TOOL = TOOLS / 'prepare_custom.py'
ACTIONS = 1, 6, 8, 9, 10, 24


def write(folder, clips, columns=(), rows=()):
    """Clips and their CSV; two in three train."""
    lines = ['file,label,split' + ''.join(f',{c}' for c in columns)]
    for i, clip in enumerate(clips):
        np.save(folder / f'{i}.npy', np.float32(clip))
        lines.append(f'{i}.npy,c{i % 6},{"test" if i >= 8 else "train"}' +
                     ''.join(f',{x}' for x in (rows[i] if rows else ())))
    (folder / 'clips.csv').write_text('\n'.join(lines) + '\n')


def prepare(folder, **kwargs):
    kwargs = {'fps': 30, **kwargs}
    return prepare_custom(folder / 'clips.csv', folder / 'out', folder,
                          progress=False, **kwargs)


def bodies(layout='ntu25'):
    return made(layout, actions=ACTIONS, performers=(1, 2))


@pytest.mark.parametrize('change', ['good', *UP, 'mirrored', 'millimetres'])
def test_axes_are_found_and_written(tmp_path, change):
    clips = bodies()
    write(tmp_path, [CHANGES[change](k) for k in clips])
    done = prepare(tmp_path)
    cfg, up = Config.fromfile(done.config), UP.get(change, (0, 1, 0))
    name = {'y_down': '-y', 'z_up': 'z'}.get(change, 'y')
    assert done.notes[0].startswith(f'{name} points up, as ')
    assert any('those of a mirror' in n for n in done.notes) == (
        change == 'mirrored')
    assert any('millimetres?' in n for n in done.notes) == (
        change == 'millimetres')
    assert len(done.notes) == 1 + (change in ('mirrored', 'millimetres'))
    step = cfg.events[0]
    assert tuple(step.up) == up
    assert step.get('mirrored', False) == (change == 'mirrored')
    view = next(s for s in cfg.train_pipeline
                if s.type == 'RandomViewpoint3D')
    assert tuple(cfg.align.up) == tuple(view.up) == up
    # The events are those of the bodies, and training sees them upright.
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for i, clip in enumerate(clips[8:]):
        sample = dataset[i]['data_samples']
        assert set(sample.events[:, 0].astype(int)) == {
            INDEX[e.name] for e in observe(clip).events}
        x = dataset[i]['inputs'][0, 0].numpy()  # (T, V, C)
        upward = np.array(up) @ (x[0, 3, :3] - x[0, 0, :3])
        assert upward > .8


def test_an_up_that_is_given_is_taken_or_refused(tmp_path):
    write(tmp_path, [CHANGES['z_up'](k) for k in bodies()])
    with pytest.raises(ValueError, match='heads are below feet.*z points up'):
        prepare(tmp_path, up='-z')
    assert not (tmp_path / 'out/config.py').exists()
    assert not (tmp_path / 'out/store').exists()
    with pytest.raises(ValueError, match="'up' is no axis"):
        prepare(tmp_path, up='up')
    done = prepare(tmp_path, up='y')
    assert 'people lie all the time' in done.notes[0]
    assert '--up=z' in done.notes[0]
    assert tuple(Config.fromfile(done.config).up) == (0, 1, 0)


def test_bodies_that_do_not_tell(tmp_path):
    order = np.random.default_rng(0).permutation(25)
    write(tmp_path, [k[:, :, order] for k in bodies()])
    done = prepare(tmp_path)
    assert 'give --up' in done.notes[0]
    assert 'by layout ntu25 these are no human bodies' in done.notes[1]
    assert len(done.notes) == 2  # on nobody, nothing else is measured


# ------------------------------------------------------------------ the clock
def test_fps_of_the_table_and_of_the_command(tmp_path):
    clips = bodies()
    write(tmp_path, clips, ['fps'], [[30] if i % 2 else ['']
                                     for i in range(len(clips))])
    done = prepare(tmp_path, fps=25)
    assert len(done.notes) == 1
    cfg = Config.fromfile(done.config)
    assert cfg.fps == 25
    store = SkeletonStore(tmp_path / 'out/store')
    assert [store.sample(i).get('fps') for i in range(4)] == [
        None, 30, None, 30]
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    ends = [dataset.pipeline.transforms[0](dataset.get_data_info(i))['fps']
            for i in range(2)]
    assert ends == [25, 30]


def test_an_assumed_clock_is_told_and_a_wrong_one_questioned(tmp_path):
    write(tmp_path, [k[:, ::4] for k in bodies()])
    done = prepare(tmp_path, fps=None)
    assert 'are these some' in done.notes[1] and '--fps' in done.notes[1]
    assert done.notes[2].startswith('30 frames a second are assumed')
    with pytest.raises(ValueError, match='0 frames a second'):
        prepare_custom(tmp_path / 'clips.csv', tmp_path / 'b', tmp_path,
                       fps=0, progress=False)


@pytest.mark.parametrize('suffix', ['txt', 'npy'])
def test_timestamps(tmp_path, suffix):
    clips = [k[:, ::2] for k in bodies()]
    write(tmp_path, clips, ['timestamps'],
          [[f'{i}_t.{suffix}'] for i in range(len(clips))])
    for i, clip in enumerate(clips):
        times = 100 + np.arange(clip.shape[1]) / 15
        if suffix == 'npy':
            np.save(tmp_path / f'{i}_t.npy', times)
        else:
            np.savetxt(tmp_path / f'{i}_t.txt', times)
    np.savetxt(tmp_path / '0_t.txt', [1, 2, 3])
    if suffix == 'npy':
        np.save(tmp_path / '0_t.npy', np.zeros(clips[0].shape[1]))
    done = prepare(tmp_path, fps=None)
    assert Config.fromfile(done.config).fps == 15
    assert len(done.notes) == 1
    assert ('3 timestamps for' if suffix == 'txt' else 'do not rise') in (
        done.skipped['0.npy'])
    assert SkeletonStore(tmp_path / 'out/store').sample(0)[
        'fps'] == pytest.approx(15)


def test_clocks_inside_files(tmp_path):
    clip, times = bodies()[0], None
    times = np.arange(clip.shape[1]) / 20
    np.savez(tmp_path / 'a.npz', keypoint=clip, timestamps=times)
    (tmp_path / 'b.pkl').write_bytes(pickle.dumps(dict(
        keypoint=clip, fps=25)))
    np.savez(tmp_path / 'c.npz', keypoint=clip, timestamps=times * 1000)
    ntu = LAYOUTS['ntu25']
    assert read_clip(tmp_path / 'a.npz', ntu)['fps'] == pytest.approx(20)
    assert read_clip(tmp_path / 'b.pkl', ntu)['fps'] == 25
    with pytest.raises(CorruptSampleError, match='timestamps are in seconds'):
        read_clip(tmp_path / 'c.npz', ntu)


def test_faults_of_the_table(tmp_path):
    write(tmp_path, bodies(), ['fps'], [['fast']] + [['30']] * 11)
    with pytest.raises(ValueError, match="line 2, column `fps`: 'fast'"):
        read_table(tmp_path / 'clips.csv', tmp_path)
    write(tmp_path, bodies(), ['timestamps'], [['no.txt']] + [['']] * 11)
    with pytest.raises(FileNotFoundError,
                       match='line 2, column `timestamps`: no .*no.txt'):
        read_table(tmp_path / 'clips.csv', tmp_path)


# ------------------------------------------------------------------ layouts
@pytest.mark.parametrize('style', [str, str.title, str.upper])
def test_a_layout_that_names_its_joints_has_events(tmp_path, style):
    ntu = LAYOUTS['ntu25']
    names = [style(name).replace('_', ' ') for name in ntu.joints]
    (tmp_path / 'mine.json').write_text(json.dumps(dict(
        num_node=25, inward=ntu.inward, center=20, joints=names)))
    write(tmp_path, bodies())
    done = prepare(tmp_path, layout=str(tmp_path / 'mine.json'))
    cfg = Config.fromfile(done.config)
    assert cfg.align.center == 1 and tuple(cfg.align.torso) == (0, 20)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for i, clip in enumerate(bodies()[8:]):
        assert set(dataset[i]['data_samples'].events[:, 0].astype(int)) == {
            INDEX[e.name] for e in observe(clip).events}


def test_blazepose(tmp_path):
    """World landmarks with their visibility, y down."""
    clips = [np.concatenate([CHANGES['y_down'](k), np.ones_like(k[..., :1])],
                            -1) for k in bodies('blazepose33')]
    clips[0][:, :, 15, 3] = 0  # a wrist that is not seen
    write(tmp_path, clips)
    done = prepare(tmp_path, layout='blazepose33')
    assert done.notes[0].startswith('-y points up') and len(done.notes) == 1
    cfg = Config.fromfile(done.config)
    assert tuple(cfg.align.center) == (23, 24)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    assert dataset[0]['inputs'].shape == (1, 1, 48, 33, 6)
    keypoint = SkeletonStore(tmp_path / 'out/store').sample(0)['keypoint']
    assert not keypoint[:, :, 15].any() and keypoint[:, :, 16].all()


# ------------------------------------------------------------------ pictures
@pytest.mark.parametrize('given', [(1080, 1920), (120, 160)])
def test_parts_of_a_picture_become_its_pixels(tmp_path, given):
    clips = pictures('coco17', actions=ACTIONS, performers=(1, 2))
    write(tmp_path, [k / [160, 120] for k in clips])
    done = prepare(tmp_path, layout='coco17', img_shape=given)
    assert '12 clips have joints in 0..1' in done.notes[0]
    stored = SkeletonStore(tmp_path / 'out/store').sample(0)
    np.testing.assert_allclose(
        stored['keypoint'] / given[::-1], clips[0] / [160, 120], rtol=1e-4)
    data = DATASETS.build(Config.fromfile(
        done.config).train_dataloader.dataset)[0]['inputs']
    assert data[..., :2].std() > .1  # not all in one corner


def test_pictures_as_they_should_be(tmp_path):
    clips = pictures('coco17', actions=ACTIONS, performers=(1, 2))
    write(tmp_path, clips)
    assert prepare(tmp_path, layout='coco17', img_shape=(120, 160)
                   ).notes == []
    with pytest.raises(ValueError, match='wide and 1 high: give --img-shape'):
        prepare_custom(tmp_path / 'clips.csv', tmp_path / 'b', tmp_path,
                       layout='coco17', img_shape=(1, 1), progress=False)


def test_bodies_in_space_by_a_layout_of_pictures(tmp_path):
    """The third coordinate is no score if it is none."""
    clip = bodies('coco17')[0]
    np.save(tmp_path / 'a.npy', clip)
    read = read_clip(tmp_path / 'a.npy', LAYOUTS['coco17'])
    np.testing.assert_array_equal(read['keypoint'], clip)


@pytest.mark.parametrize('how', ['nan', 'score'])
def test_joints_without_a_score_are_missing(tmp_path, how):
    clip = pictures('coco17', actions=(1, ))[0]
    score = np.full(clip.shape[:3], .9, np.float32)
    if how == 'nan':
        clip[0, 3:9, 9] = np.nan
        np.savez(tmp_path / 'a.npz', keypoint=clip)
    else:
        score[0, 3:9, 9] = 0
        np.savez(tmp_path / 'a.npz', keypoint=clip, keypoint_score=score)
    read = read_clip(tmp_path / 'a.npz', LAYOUTS['coco17'],
                     img_shape=(120, 160))
    for array in read['keypoint'].any(-1), read['keypoint_score'] > 0:
        assert not array[0, 3:9, 9].any() and array.sum() == array.size - 6


def test_frames_of_openpose_are_in_the_order_of_their_numbers(tmp_path):
    for t in range(1, 13):
        (tmp_path / f'{t}_keypoints.json').write_text(json.dumps(dict(
            people=[dict(pose_keypoints_2d=[float(t), 1., 1.] * 17
                         + [19., 15., 1.])])))
    read = read_clip(tmp_path, LAYOUTS['openpose18'], img_shape=(20, 20))
    assert read['keypoint'][0, :, 0, 0].tolist() == list(range(1, 13))


# ------------------------------------------------------------------ the tool
def test_tool(tmp_path, monkeypatch, capsys):
    write(tmp_path, [CHANGES['z_up'](k) for k in bodies()])
    monkeypatch.syspath_prepend(TOOL.parent)
    monkeypatch.setattr(sys, 'argv', list(map(str, [
        TOOL, tmp_path / 'clips.csv', tmp_path / 'out', '--root', tmp_path,
        '--fps', 30, '--up=z'])))
    runpy.run_path(str(TOOL), run_name='__main__')
    assert 'note:' not in capsys.readouterr().out
    text = (tmp_path / 'out/config.py').read_text()
    assert re.search(r'^fps = 30$', text, re.M)
    assert re.search(r'^up = \(0, 0, 1\)$', text, re.M)
