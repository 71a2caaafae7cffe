"""The events of a file of skeletons, by the command."""
import json
import os
import pickle
import subprocess
import sys

import cv2
import numpy as np
import pytest
from helpers import REPO

from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.datasets.store import StoreWriter
from lvlm_var_mm.kinematics import describe, observe
from lvlm_var_mm.layouts import LAYOUTS
from lvlm_var_mm.synthetic.performance import perform

NTU = LAYOUTS['ntu25']


@pytest.fixture(scope='module')
def clip():
    return perform(8, 1, 1).astype(np.float32)  # sits down


def test_a_skeleton_file_as_text_table_and_picture(run_tool, clip, tmp_path):
    path, picture = tmp_path / 'clip.skeleton', tmp_path / 'clip.png'
    write_skeleton(path, clip)
    done = run_tool('show_events.py', path, '--picture', picture)
    assert done.code == 0, done.err
    assert done.out.startswith(f'clip.skeleton: 1 person, {clip.shape[1]} '
                               'frames at 30 a second, joints of ntu25\n')
    seen = observe(clip)
    assert describe(seen.events) in done.out
    assert len([line for line in done.out.splitlines()
                if line.startswith('| 1 ')]) == len(seen.events)
    assert '| body sinks ' in done.out
    image = cv2.imread(str(picture))
    assert image.shape[1] == 1400 and len(np.unique(image)) > 50


@pytest.mark.parametrize('form', ('npy', 'npz', 'pkl', 'one person'))
def test_forms_of_one_clip(run_tool, clip, tmp_path, form):
    path = tmp_path / f'clip.{form if len(form) < 4 else "npy"}'
    if form == 'npz':
        np.savez(path, keypoint=clip)
    elif form == 'pkl':
        path.write_bytes(pickle.dumps(dict(keypoint=clip)))
    else:
        np.save(path, clip[0] if form == 'one person' else clip)
    done = run_tool('show_events.py', path, '--fps', '15')
    assert done.code == 0, done.err
    assert 'at 15 a second, joints of ntu25' in done.out
    assert describe(observe(clip, fps=15).events) in done.out


def test_one_of_many(run_tool, clip, tmp_path):
    samples = [dict(frame_dir=name, label=0, total_frames=clip.shape[1],
                    keypoint=clip[:, :length], fps=20)
               for name, length in (('long', None), ('short', 9))]
    path = tmp_path / 'many.pkl'
    path.write_bytes(pickle.dumps(dict(split={}, annotations=samples)))
    with StoreWriter(tmp_path / 'store', dict(fps=20)) as store:
        for sample in samples:
            store.add({k: v for k, v in sample.items() if k != 'fps'})
    for place in path, tmp_path / 'store':
        done = run_tool('show_events.py', place, '--sample', 'short')
        assert done.code == 0, done.err
        assert 'short: 1 person, 9 frames at 20 a second' in done.out
        for extra, words in (((), 'holds 2 samples, name one'),
                             (('--sample', 'x'), "none named 'x'")):
            done = run_tool('show_events.py', place, *extra)
            assert done.code == 2 and words in done.err
            assert '--sample long, short' in done.err
            assert str(place) in done.err


def test_openpose(run_tool, tmp_path):
    folder = tmp_path / 'frames'
    folder.mkdir()
    joints = LAYOUTS['openpose18'].joints
    people = perform(23, 1, 1)[0]
    at = {n: people[:, i] for i, n in enumerate(NTU.joints)}
    for t in range(len(people)):
        points = [at.get(n, at['head'])[t] for n in joints]
        flat = [x for p in points
                for x in (400 + 200 * p[0], 500 - 200 * p[1], .9)]
        (folder / f'{t:04}_keypoints.json').write_text(json.dumps(
            dict(people=[dict(pose_keypoints_2d=flat)])))
    done = run_tool('show_events.py', folder)
    assert done.code == 0, done.err
    assert 'joints of openpose18' in done.out and 'hand rises' in done.out


def test_a_layout_of_ones_own(run_tool, clip, tmp_path):
    keep = [i for i, n in enumerate(NTU.joints) if 'foot' not in n]
    layout = tmp_path / 'mine.json'
    layout.write_text(json.dumps(dict(
        num_node=len(keep), center=0, joints=[NTU.joints[i] for i in keep],
        inward=[(i, 0) for i in range(1, len(keep))])))
    path = tmp_path / 'mine.npy'
    np.save(path, clip[:, :, keep])
    done = run_tool('show_events.py', path)
    assert done.code == 2 and f'{path} has keypoints' in done.err
    assert 'give --layout' in done.err
    done = run_tool('show_events.py', path, '--layout', layout)
    assert done.code == 0 and '| body sinks ' in done.out, done.err


@pytest.mark.parametrize('name, content, words', (
    ('gone.npy', None, 'no file'),
    ('bad.npy', b'no array', 'cannot be read'),
    ('bad.npz', b'no array', 'cannot be read'),
    ('bad.pkl', b'no pickle', 'cannot be read as a pickle'),
    ('bad.skeleton', b'x', 'bad.skeleton'),
    ('clip.txt', b'1 2 3', 'give --layout'),
    ('wrong.pkl', pickle.dumps(dict(annotations=[])), 'no `annotations`'),
    ('flat.pkl', pickle.dumps([dict(frame_dir='a', keypoint=np.ones((
        2, 3)))]), 'give --layout')))
def test_errors_name_the_file(run_tool, tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run_tool('show_events.py', path)
    assert done.code == 2
    last = done.err.splitlines()[-1]
    assert last.startswith('error: ') and words in last and name in last


@pytest.mark.slow
def test_as_a_module(clip, tmp_path):
    np.save(tmp_path / 'clip.npy', clip)
    done = subprocess.run(
        [sys.executable, '-m', 'lvlm_var_mm.kinematics',
         str(tmp_path / 'clip.npy')], capture_output=True, text=True,
        cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(REPO)})
    assert done.returncode == 0, done.stderr
    assert '| body sinks ' in done.stdout


def test_help_comes_before_the_package(tmp_path):
    """With a package that cannot be imported."""
    (tmp_path / 'lvlm_var_mm.py').write_text('raise ImportError')
    done = subprocess.run(
        [sys.executable, str(REPO / 'tools/show_events.py'), '--help'],
        capture_output=True, text=True,
        env={**os.environ, 'PYTHONPATH': str(tmp_path)})
    assert done.returncode == 0 and '--picture' in done.stdout
