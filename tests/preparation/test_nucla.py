"""Northwestern-UCLA from JSON files to a pickle."""
import json
import pickle

import numpy as np
import pytest

from lvlm_var_mm.datasets import SkeletonDataset
from lvlm_var_mm.preparation.nucla import ACTIONS, PUBLISHED, prepare_nucla


def write(folder, name, frames=5, **over):
    folder.mkdir(parents=True, exist_ok=True)
    joints = np.random.default_rng(len(name)).normal(size=(frames, 20, 3))
    (folder / f'{name}.json').write_text(json.dumps(dict(
        file_name=name, skeletons=joints.round(4).tolist(), **over)))
    return joints.round(4)


def test_pickle_is_read_by_the_data_set(tmp_path, run_tool):
    root = tmp_path / 'download'
    joints = write(root / 'all_sqe', 'a08_s02_e01_v03')
    write(root / 'all_sqe', 'a01_s01_e00_v01')
    write(root / 'all_sqe', 'a12_s03_e00_v02')
    (root / 'all_sqe/a02_s01_e00_v01.json').write_text('{"skeletons": [[1]]}')
    (root / 'readme.json').write_text('{}')  # nothing of it
    out = tmp_path / 'new/nucla.pkl'
    said = run_tool('prepare_nucla.py', root, out)
    assert said.code == 0, said.err
    assert 'a02_s01_e00_v01.json: `skeletons` has shape' in said.out
    assert 'not the copy of the literature' in said.out and '464' in said.out
    dataset = SkeletonDataset(str(out), pipeline=[], split='xview_val',
                              class_names='nucla', num_joints=20)
    clip, = (dataset.get_data_info(i) for i in range(len(dataset)))
    assert (clip['label'], clip['subject'], clip['camera']) == (6, 2, 3)
    np.testing.assert_allclose(clip['keypoint'][0], joints, atol=1e-6)
    splits = pickle.loads(out.read_bytes())['split']
    assert {k: len(v) for k, v in splits.items()} == dict(
        xview_train=2, xview_val=1, xsub_train=2, xsub_val=1)


@pytest.mark.parametrize('make, says', [
    (lambda root: None, 'no files such as'),
    (lambda root: [write(root / x, 'a01_s01_e00_v01') for x in 'ab'],
     'the same clip'),
    (lambda root: write(root, 'a07_s01_e00_v01'), 'action 7'),
    (lambda root: write(root, 'a01_s01_e00_v01', 0), 'shape'),
    (lambda root: (root / 'a01_s01_e00_v01.json').write_text(
        '{"skeletons": [[[1' + 400 * '0' + ']]]}'), 'a01_s01_e00_v01.json'),
    (lambda root: (root / 'a01_s01_e00_v01.json').write_text(
        100_000 * '['), 'a01_s01_e00_v01.json')])
def test_what_cannot_be_read_is_named(make, says, tmp_path, run_tool):
    root = tmp_path / 'x'
    root.mkdir()
    make(root)
    said = run_tool('prepare_nucla.py', root, tmp_path / 'n.pkl')
    assert said.code == 2 and says in said.errors[0]
    assert not (tmp_path / 'n.pkl').exists()


@pytest.mark.nucla
def test_the_real_data_survive_the_way(nucla, tmp_path):
    """Every clip as JSON and back."""
    given = pickle.loads(nucla.read_bytes())
    for clip in given['annotations']:
        (tmp_path / f'{clip["frame_dir"]}.json').write_text(json.dumps(dict(
            skeletons=clip['keypoint'][0].astype(float).tolist())))
    done = prepare_nucla(tmp_path, tmp_path / 'n.pkl')
    assert done.sizes == PUBLISHED and not done.left_out
    made = pickle.loads((tmp_path / 'n.pkl').read_bytes())
    for one, two in zip(given['annotations'], made['annotations']):
        assert one['frame_dir'] == two['frame_dir']
        assert one['label'] == two['label'] < len(ACTIONS)
        np.testing.assert_array_equal(one['keypoint'], two['keypoint'])
    assert {k: sorted(v) for k, v in given['split'].items()} == {
        k: sorted(v) for k, v in made['split'].items()}
