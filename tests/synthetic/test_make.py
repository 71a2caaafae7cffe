"""The made-up sample: it is whole, repeatable, and shows what it says."""
import os

import cv2
import numpy as np
import pytest

from lvlm_var_mm.datasets.ntu.persons import real_persons
from lvlm_var_mm.datasets.ntu.skeleton_io import read_skeleton
from lvlm_var_mm.synthetic import body as body
from lvlm_var_mm.synthetic import make as sample
from lvlm_var_mm.synthetic.motion import MOTIONS
from lvlm_var_mm.synthetic.performance import perform
from lvlm_var_mm.synthetic.render import project, room, to_camera

SMALL = dict(repeats=1, classes=[24, 50], performers=[1, 3],
             progress=False)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return sample.make_sample(tmp_path_factory.mktemp('a') / 'ntu', **SMALL)


def clips(root):
    return sorted(path.stem
                  for path in (root / sample.SKELETONS).iterdir())


def read(root, name):
    return read_skeleton(root / sample.SKELETONS / f'{name}.skeleton')


def video(root, name):
    capture = cv2.VideoCapture(str(root / sample.VIDEOS / f'{name}_rgb.avi'))
    frames = []
    while True:
        there, frame = capture.read()
        if not there:
            return np.stack(frames)
        frames.append(frame)


def test_layout(root):
    names = clips(root)
    assert len(names) == 2 * 2 * 3
    assert names[0] == 'S001C001P001R001A024'
    assert sorted(p.name for p in (root / sample.VIDEOS).iterdir()) == [
        f'{name}_rgb.avi' for name in names]
    assert 'NOT NTU RGB+D' in (root / 'README.txt').read_text()


def test_performers_are_on_both_sides_of_the_split():
    train = {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31,
             34, 35, 38}
    assert set(sample.TRAIN_PERFORMERS) <= train
    assert not set(sample.TEST_PERFORMERS) & train
    assert len(sample.PERFORMERS) == len(MOTIONS) == 10


def test_video_has_the_frames_of_the_skeleton(root):
    decord = pytest.importorskip('decord')
    for name in clips(root):
        reader = decord.VideoReader(
            str(root / sample.VIDEOS / f'{name}_rgb.avi'))
        total = read(root, name)['total_frames']
        assert len(reader) == len(video(root, name)) == total
        assert 40 <= total <= 90
        assert reader.get_avg_fps() == pytest.approx(30)


def test_pixels_of_the_skeleton_lie_on_the_figure(root):
    on = []
    for name in clips(root):
        clip, frames = read(root, name), video(root, name).astype(int)
        camera = int(name[5:8])
        for t in range(0, clip['total_frames'], 7):
            for m in np.flatnonzero(clip['present'][:, t]):
                x, y = clip['color'][m, t, body.SPINE_MID].round().astype(int)
                # As far from the room's colour as no brightness makes it.
                there = frames[t, y, x] / frames[t, y, x].sum()
                empty = room(camera)[y, x] / room(camera)[y, x].sum()
                on.append(np.abs(there - empty).max() > .05)
    assert len(on) > 50 and np.mean(on) > .95


def test_pair_has_two_persons(root):
    for name in clips(root):
        persons = len(real_persons(read(root, name))['keypoint'])
        assert persons == (2 if name.endswith('A050') else 1)


def test_cameras_see_the_same_motion(root):
    shapes = []
    for camera in (1, 2, 3):
        clip = read(root, f'S001C00{camera}P001R001A024')
        most = clip['present'].sum(axis=1).argmax()
        joints = clip['keypoint'][most]
        shapes.append(np.linalg.norm(
            joints[:, body.ANKLE[0]] - joints[:, body.ANKLE[1]], axis=-1))
        seen = clip['present'][most]
    for shape in shapes[1:]:
        assert np.abs(shape - shapes[0])[seen].mean() < .05


def test_a_clip_depends_on_seed_and_name_alone(root, tmp_path):
    part = dict(SMALL, classes=[50], performers=[3])
    again = sample.make_sample(tmp_path / 'b', **part)
    other = sample.make_sample(tmp_path / 'c', **part, seed=1)
    for folder in (sample.SKELETONS, sample.VIDEOS):
        for path in (again / folder).iterdir():
            there = path.read_bytes()
            assert there == (root / folder / path.name).read_bytes()
            assert there != (other / folder / path.name).read_bytes()


def test_oddities_occur_and_are_read(tmp_path):
    seen = np.random.default_rng(0).normal(0, 1, (1, 50, 25, 3)) + [0, 0, 3]
    made = [sample._measured(seen, np.random.default_rng(i))
            for i in range(100)]
    ghosts = [m for m in made if len(m) == 2]
    assert 0 < len(ghosts) < 20
    for ghost in ghosts:
        assert 0 < np.isfinite(ghost[1]).all(axis=(1, 2)).sum() < 12
    empty = [m for m in made if np.isnan(m[0]).any()]
    assert 0 < len(empty) < 20


def test_ensure_makes_once(tmp_path):
    root = sample.ensure_sample(tmp_path / 'x' / 'ntu', **SMALL)
    before = (root / sample.MARKER).stat().st_mtime_ns
    assert sample.ensure_sample(root) == root
    assert (root / sample.MARKER).stat().st_mtime_ns == before


def test_interruption_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sample, 'write_video', interrupted)
        with pytest.raises(KeyboardInterrupt):
            sample.ensure_sample(tmp_path / 'ntu', **SMALL)
    assert not list(tmp_path.iterdir())
    assert sample.is_made(sample.ensure_sample(tmp_path / 'ntu',
                                                   **SMALL))


def test_the_slower_process_takes_what_is_there(tmp_path, monkeypatch):
    root, fill = tmp_path / 'ntu', sample._fill

    def overtaken(made, *args):
        fill(made, *args)
        monkeypatch.setattr(sample, '_fill', fill)
        sample.make_sample(root, **SMALL)

    monkeypatch.setattr(sample, '_fill', overtaken)
    assert sample.ensure_sample(root, **SMALL) == root
    assert os.listdir(tmp_path) == ['ntu']
    assert len(clips(root)) == 12


def test_foreign_folders_are_left_alone(tmp_path):
    (tmp_path / 'mine.txt').write_text('x')
    with pytest.raises(FileExistsError, match='not empty'):
        sample.ensure_sample(tmp_path, **SMALL)
    assert os.listdir(tmp_path) == ['mine.txt']


def test_nothing_to_make(tmp_path):
    for wrong in (dict(classes=[2]), dict(classes=[]), dict(repeats=0)):
        with pytest.raises(ValueError):
            sample.make_sample(tmp_path / 'a', **dict(SMALL, **wrong))
    assert not list(tmp_path.iterdir())


def test_tool_names_a_taken_folder(root, run_tool):
    done = run_tool('make_sample.py', '--out', root)
    assert done.code == 2 and 'not empty' in done.err


def motions(action):
    """The first person's joints, for several performances."""
    return [perform(action, performer, repeat)[0]
            for performer in sample.PERFORMERS for repeat in (1, 2)]


def distance(joints, one, two):
    return np.linalg.norm(joints[:, one] - joints[:, two], axis=-1)


def test_drink():
    for joints in motions(1):
        near = np.minimum(*(distance(joints, hand, body.HEAD)
                            for hand in body.HAND))
        assert near.min() < .25 < .5 < near[0]


def test_pick_up():
    for joints in motions(6):
        assert joints[:, body.HAND, 1].min() < .35
        assert joints[-1, body.HEAD, 1] > 1.2


def test_sit_down_and_stand_up():
    for action, sign in ((8, 1), (9, -1)):
        for joints in motions(action):
            base = joints[:, body.SPINE_BASE, 1]
            assert sign * (base[0] - base[-1]) > .2
            assert joints[:, body.ANKLE, 1].max() < .1


def test_clap():
    for joints in motions(10):
        gap = distance(joints, *body.WRIST)
        middle = gap[len(gap) // 4:-len(gap) // 4]
        turns = np.diff(np.sign(np.diff(middle))) != 0
        assert turns.sum() >= 2 and middle.min() < .15 < .3 < middle.max()


def test_wave():
    for joints in motions(23):
        above = joints[:, body.HAND, 1] - joints[:, body.SHOULDER, 1]
        hand = above.max(axis=0).argmax()
        assert above[:, hand].max() > .1 and above[:, 1 - hand].max() < 0


def test_kick():
    for joints in motions(24):
        rise = np.ptp(joints[:, body.ANKLE, 1], axis=0)
        assert rise.max() > .25 and rise.min() < .05


def test_hop():
    for joints in motions(26):
        lowest = joints[:, body.ANKLE, 1].min(axis=1)
        air = lowest > lowest[0] + .04
        assert (np.diff(air.astype(int)) == 1).sum() >= 2


def test_fall():
    for joints in motions(43):
        assert joints[0, body.HEAD, 1] > 1.3 > .6 > joints[-1, body.HEAD, 1]


def test_strike():
    for performer in sample.PERFORMERS:
        striker, struck = perform(50, performer, 1)
        # Somebody small may reach no higher than the chest.
        targets = struck[:, [body.HEAD, body.SPINE_SHOULDER]]
        reach = np.linalg.norm(striker[:, body.HAND_TIP, None]
                               - targets[:, None], axis=-1)
        assert reach.min() < .4 and reach.min() < reach[0].min() - .3


@pytest.mark.parametrize('action', MOTIONS)
def test_bodies_hold_together(action):
    """Bones keep their lengths, feet stay above the floor, nobody leaves
    the picture of any camera, nothing jumps."""
    for performer in sample.PERFORMERS[::3]:
        people = perform(action, performer, 1)
        assert people.shape[2:] == (25, 3) and people[..., 1].min() > 0
        assert np.abs(np.diff(people, axis=1)).max() < .35
        for one, two in ((4, 5), (9, 10), (12, 13), (17, 18), (0, 1)):
            bone = np.linalg.norm(people[:, :, one] - people[:, :, two],
                                  axis=-1)
            np.testing.assert_allclose(bone, bone[:, :1].repeat(
                bone.shape[1], 1), rtol=1e-6)
        for camera in (1, 2, 3):
            x, y = np.moveaxis(project(to_camera(people, camera)), -1, 0)
            assert x.min() > 0 and x.max() < 160
            assert y.min() > 0 and y.max() < 120
