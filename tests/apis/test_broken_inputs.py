"""Each broken input has a message that names it, and the rest is answered."""
import json
import pickle
import re
import wave

import numpy as np
import pytest
from bodies import measured
from helpers import turn, write_frames
from recognizers import inference_config, write_checkpoint

from lvlm_var_mm.apis import ActionInferencer
from lvlm_var_mm.apis.clips import Reading
from lvlm_var_mm.apis.reading import read_input
from lvlm_var_mm.apis.wanted import Wanted
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton

WAVE = measured(23)


def bytes_of(save, *args, **kwargs):
    """Return what ``save`` writes into a file."""
    def write(path):
        with open(path, 'wb') as f:
            save(f, *args, **kwargs)
    return write


def cut(write, part=.5):
    """A file that ends early."""
    def write_part(path):
        write(path)
        data = path.read_bytes()
        path.write_bytes(data[:int(len(data) * part)])
    return write_part


def text(content):
    return lambda path: path.write_text(content, encoding='utf-8')


def folder(**files):
    def write(path):
        path.mkdir()
        for name, content in files.items():
            (path / f'{name}_keypoints.json').write_text(content)
    return write


def sound(path):
    with wave.open(str(path), 'wb') as f:
        f.setparams((1, 2, 8000, 0, 'NONE', ''))
        f.writeframes(b'\0\1' * 4000)


def video(path, frames=8):
    write_frames(path, np.zeros((frames, 24, 32, 3), 'u1'),
                 codec='mp4v' if path.suffix == '.mp4' else 'MJPG')


def skeleton(path):
    write_skeleton(path, WAVE)


def many(path):
    """A body of one joint more than a Kinect sees."""
    skeleton(path)
    lines = path.read_text().splitlines()
    at = lines.index('25')
    path.write_text('\n'.join([*lines[:at], '26', lines[at + 1],
                               *lines[at + 1:]]))


array = [bytes_of(np.save, x) for x in (
    WAVE, np.full_like(WAVE, np.nan), np.zeros_like(WAVE),
    WAVE * np.float32(np.inf), WAVE[:, :, :7], WAVE[0, 0, 0], WAVE[:, :0],
    WAVE[..., :1], np.array([{}], object), np.array(['a']))]
nobody = '[{"frame_id": 0, "instances": []}]'
pose = json.dumps([dict(frame_id=0, instances=[dict(
    keypoints=[[1., 2.]] * 17, keypoint_scores=[1.] * 17)])])
BROKEN = [  # name, what writes it, words of the message
    ('empty.npy', text(''), ''), ('cut.npy', cut(array[0]), ''),
    ('nan.npy', array[1], 'nobody'), ('zero.npy', array[2], 'nobody'),
    ('inf.npy', array[3], 'finite'), ('seven.npy', array[4], 'layout'),
    ('point.npy', array[5], 'shape'), ('noframes.npy', array[6], 'shape'),
    ('oned.npy', array[7], 'shape|coordinates'),
    ('objects.npy', array[8], ''), ('words.npy', array[9], ''),
    ('empty.npz', text(''), ''),
    ('cut.npz', cut(bytes_of(np.savez, keypoint=WAVE)), ''),
    ('other.npz', bytes_of(np.savez, a=WAVE, b=WAVE), 'keypoint|shape'),
    ('flat.npz', bytes_of(np.savez, keypoint=WAVE[..., :2]), 'layout|2'),
    ('empty.pkl', text(''), 'pickle'),
    ('word.pkl', bytes_of(lambda f: pickle.dump('joints', f)), 'annotations'),
    ('list.pkl', bytes_of(lambda f: pickle.dump([1, 2], f)), ''),
    ('cut.pkl', cut(bytes_of(lambda f: pickle.dump(
        dict(keypoint=WAVE), f))), 'pickle'),
    ('empty.skeleton', text(''), ''), ('cut.skeleton', cut(skeleton), ''),
    ('nobody.skeleton', text('2\n0\n0\n'), 'no body'),
    ('words.skeleton', text('joints\n'), ''),
    ('bytes.skeleton', lambda path: path.write_bytes(b'\xff\xfe\0'), 'text'),
    ('empty_folder', folder(), 'nothing in it'),
    ('openpose', folder(a='{"people": []}'), 'nobody'),
    ('damaged', folder(a='{"people"'), ''),
    ('mixed', folder(a=json.dumps(dict(people=[
        dict(pose_keypoints_2d=[1.] * 54),
        dict(pose_keypoints_2d=[1.] * 75)]))), 'mixes'),
    ('half.json', text(pose[:40]), ''), ('object.json', text('{}'), 'MMPose'),
    ('number.json', text('3'), 'MMPose'), ('nobody.json', text(nobody),
                                           'nobody'),
    ('bytes.json', lambda path: path.write_bytes(b'\xff\xfe\0'), ''),
    ('pose.json', text(pose), 'img|2'),
    ('notes.txt', text('hello'), 'no kind'),
    ('no_ending', text('hello'), 'no kind'),
    ('model.pth', text('garbage\n'), 'no kind'),
    ('clip.avi', video, "pose='mediapipe'"),
    ('nothing.npy', lambda path: None, 'no such file'),
    ('b\u00f6se \u6a94\u6848.npy', text('?'), ''),
    ('b\u00f6se \u6a94\u6848.skeleton', text('?'), ''),
    ('many.npy', bytes_of(np.save, np.repeat(WAVE, 2, 2)), 'layout'),
    ('many.pkl', bytes_of(lambda f: pickle.dump(dict(
        keypoint=WAVE[:, :, :24], frame_dir='many.pkl'), f)), 'layout'),
    ('many.skeleton', many, ''),
    ('nobody.npy', bytes_of(np.save, WAVE[:0]), ''),
    ('nobody.npz', bytes_of(np.savez, keypoint=WAVE[:0]), ''),
    ('rate.npz', bytes_of(np.savez, keypoint=WAVE, fps=-1), 'second'),
    *((f'folder{ending}', folder(), 'nothing in it')
      for ending in ('.npy', '.npz', '.skeleton', '.json', '.pkl')),
    *((f'cut{part}{ending}', cut(write, part), '')
      for part in (.02, .3, .7, .98) for ending, write in (
          ('.npy', array[0]), ('.skeleton', skeleton),
          ('.npz', bytes_of(np.savez, keypoint=WAVE)), ('.json', text(pose)),
          ('.pkl', bytes_of(lambda f: pickle.dump(
              dict(keypoint=WAVE), f))))),
]
OF_VIDEOS = [
    ('empty.mp4', text(''), ''), ('words.mp4', text('hello'), ''),
    ('words.avi', text('hello'), 'not an AVI'),
    ('cut.avi', cut(video), 'ends early'), ('sound.mp4', sound, ''),
    ('sound.mkv', sound, ''), ('none.avi', lambda p: video(p, 0), ''),
    *((f'cut{part}{ending}', cut(lambda path: video(path, 40), part), '')
      for part in (.02, .3, .9) for ending in ('.avi', '.mp4')),
    ('b\u00f6se \u6a94\u6848.mp4', text('?'), ''),
    ('words.webm', text('?'), ''), ('empty.mov', text(''), ''),
    ('folder.mp4', folder(), ''), ('joints.npy', array[0], 'no video'),
    ('nothing.mp4', lambda path: None, 'no such file'),
]
OBJECTS = [None, 3, 3.5, b'bytes', np.zeros(()), np.zeros((3, 4, 5, 6), 'u1'),
           np.zeros((0, 8, 8, 3), 'u1'), {}, dict(keypoint=None),
           dict(keypoint=[[1, 2]]), dict(keypoint=WAVE[0]),
           dict(keypoint='joints'), np.zeros((2, 24, 32, 3), 'u1')]


@pytest.fixture(scope='module')
def inferencer(tiny_llava, tmp_path_factory):
    cfg = inference_config(tiny_llava)
    path = tmp_path_factory.mktemp('model') / 'model.pth'
    return ActionInferencer(cfg, write_checkpoint(cfg, path, [
        dict(keypoint=measured(a)) for a in (8, 23)]), 'cpu',
        show_progress=False)


def ask(inferencer, table, tmp_path, good):
    for name, write, _ in table:
        write(tmp_path / name)
    predictions = inferencer([good, *(tmp_path / n for n, *_ in table), good],
                             batch_size=4, reasons=False)['predictions']
    assert len(predictions) == len(table) + 2
    assert 'class' in predictions[0] and 'class' in predictions[-1]
    return predictions[1:-1]


def test_files_of_joints(inferencer, tmp_path):
    for (name, _, words), told in zip(BROKEN, ask(
            inferencer, BROKEN, tmp_path, WAVE)):
        assert name in told.get('error', ''), told
        assert re.search(words, told['error']), told
        assert '\n' not in told['error']


def test_videos(tiny_llava, tmp_path):
    for i in range(2):
        video(tmp_path / f'good{i}.avi')
    cfg = inference_config(tiny_llava, 'rgb')
    good = tmp_path / 'good0.avi'
    inferencer = ActionInferencer(cfg, write_checkpoint(
        cfg, tmp_path / 'model.pth', [dict(
            filename=str(good), start_index=0, modality='RGB')]), 'cpu',
        show_progress=False)
    for (name, _, words), told in zip(OF_VIDEOS, ask(
            inferencer, OF_VIDEOS, tmp_path, good)):
        assert name in told.get('error', ''), told
        assert re.search(words, told['error']), told
    odd = tmp_path / 'odd'
    odd.mkdir()
    video(odd / 'one.avi', 1)
    video(odd / 'gr\u00f6\u00dfe \u30d3\u30c7\u30aa.mp4')
    video(odd / 'long.avi', 10_000)
    write_frames(odd / 'phone.mp4', np.zeros((8, 32, 64, 3), 'u1'),
                 codec='mp4v')
    turn(odd / 'phone.mp4', 32)
    found = {p['name']: p for p in inferencer(
        odd, batch_size=2, reasons=False)['predictions']}
    assert len(found) == 4 and not [p for p in found.values() if 'error' in p]
    assert found['one.avi']['frames'] == 1
    assert found['long.avi']['frames'] == 10_000


def test_what_is_no_file(inferencer):
    predictions = inferencer([WAVE, *OBJECTS, WAVE],
                             reasons=False)['predictions']
    assert len(predictions) == len(OBJECTS) + 2
    for number, told in enumerate(predictions, 1):
        assert told['name'] == f'input {number}'
        if 1 < number < len(predictions):
            assert f'input {number}' in told['error']
        else:
            assert 'class' in told


def test_odd_inputs_that_can_be_read(inferencer, tmp_path):
    lost = WAVE.copy()
    lost[:, ::3, 5:9] = np.nan
    crowd = np.repeat(WAVE, 12, 0) + np.arange(12)[:, None, None, None]
    write_skeleton(tmp_path / 'one.skeleton', WAVE[:, :1])
    files = {'one frame': WAVE[:, :1], 'NaN': lost, 'crowd': crowd,
             'gr\u00f6\u00dfe \u30d3\u30c7\u30aa': WAVE,
             'long': np.tile(WAVE, (1, 210, 1, 1))[:, :10_000]}
    for name, data in files.items():
        np.save(tmp_path / f'{name}.npy', data)
    predictions = inferencer(tmp_path, batch_size=2,
                             reasons=False)['predictions']
    by_name = {p['name'][:-4]: p for p in predictions}
    assert set(by_name) == {*files, 'one.skel'}
    assert not [p for p in predictions if 'error' in p]
    assert by_name['long']['frames'] == 10_000
    each, = inferencer(crowd, persons='each', batch_size=5,
                       reasons=False)['predictions']
    assert len(each['persons']) == 12


def test_a_model_that_needs_boxes_says_so(tmp_path):
    video(tmp_path / 'clip.avi')
    wanted = Wanted(video=True, layout=None, dims=None, persons=1,
                    boxes=True)
    with pytest.raises(ValueError, match='PersonCrop'):
        read_input('clip', tmp_path / 'clip.avi', wanted, Reading())
    boxes = np.array([[1., 2, 3, 4]])
    clip = read_input('clip', dict(filename=str(tmp_path / 'clip.avi'),
                                   boxes=boxes, label=3), wanted, Reading())
    assert clip.results['boxes'] is boxes and 'label' not in clip.results
    assert clip.frames == 8


def test_a_fault_of_the_program_can_be_traced(inferencer, tmp_path,
                                              monkeypatch):
    monkeypatch.setenv('LVLM_VAR_TRACEBACK', '1')
    with pytest.raises(FileNotFoundError):
        inferencer(tmp_path / 'nothing.npy')
