"""Pickles as people write them: converted, or refused by the sample."""
import pickle

import numpy as np
import pytest

from lvlm_var_mm.datasets import SkeletonDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError

CLASSES = ['drink', 'sit down', 'clap', 'wave']


def annotation(i=0, dims=3, **over):
    joints = np.random.default_rng(i).normal(size=(1, 6, 5, dims))
    sample = dict(frame_dir=f'clip{i}', label=i, total_frames=6,
                  keypoint=joints.astype(np.float32))
    return {k: v for k, v in {**sample, **over}.items() if v is not ...}


@pytest.fixture
def load(tmp_path):
    """Return a function that loads annotations from a pickle."""

    def load(*annotations, split=None, content=None, split_=None):
        path = tmp_path / 'mine.pkl'
        path.write_bytes(pickle.dumps(content or dict(
            split=split or {}, annotations=list(annotations))))
        return SkeletonDataset(str(path), [], split_, class_names=CLASSES)

    return load


@pytest.mark.parametrize('label', [
    2, '2', ' 2 ', 2., [2], (2, ), np.int64(2), np.array([2]), np.array(2)])
def test_labels_that_are_numbers(load, label):
    info = load(annotation(label=label))[0]
    assert info['label'] == 2 and type(info['label']) is int


@pytest.mark.parametrize('label, words', [
    (None, 'no `label`, but None'), (..., 'no `label`'),
    ('wave', "label 'wave', not a number"), (1.5, 'label 1.5, not a number'),
    ([], r'label \[\], not a number'), ([0, 2], '2 labels'),
    (-1, 'label -1, but `class_names` lists 4'), (4, 'label 4, but')])
def test_labels_that_are_none(load, label, words):
    with pytest.raises(ValueError, match=f"mine.pkl: sample 'clip7'.*{words}"):
        load(annotation(0), annotation(7, label=label))


def test_unlabelled_sample_of_another_split_is_no_matter(load):
    data = load(annotation(1), annotation(2, label=None),
                split=dict(train=['clip1'], test=['clip2']), split_='train')
    assert len(data) == 1


def test_nested_lists(load):
    keypoint = annotation()['keypoint']
    info = load(annotation(keypoint=keypoint.tolist()))[0]
    assert info['keypoint'].dtype == np.float32
    assert np.array_equal(info['keypoint'], keypoint)
    with pytest.raises(ValueError, match="'clip7'.*no regular array"):
        load(annotation(7, keypoint=[[[[1, 2, 3]], [[1, 2]]]]))


@pytest.mark.parametrize('dims', [2, 3])
def test_score_that_is_none(load, dims):
    info = load(annotation(dims=dims, keypoint_score=None))[0]
    assert 'keypoint_score' not in info


def test_score_beside_3d_is_left_out(load):
    info = load(annotation(keypoint_score=np.ones((1, 6, 5))))[0]
    assert 'keypoint_score' not in info


def test_score_of_2d(load):
    score = np.linspace(0, 1, 30).reshape(1, 6, 5)
    for given in (score, score.tolist(), score[..., None], score[0]):
        info = load(annotation(dims=2, keypoint_score=given))[0]
        assert info['keypoint_score'].shape == (1, 6, 5)
        assert np.allclose(info['keypoint_score'], score)
    with pytest.raises(ValueError, match="'clip0' has `keypoint_score` of "
                       r'shape \(6, 4\) beside'):
        load(annotation(dims=2, keypoint_score=np.ones((6, 4))))


def test_score_that_is_no_number_is_corrupt(load):
    data = load(annotation(dims=2, keypoint_score=np.full((1, 6, 5), np.nan)))
    with pytest.raises(CorruptSampleError, match="'clip0'"):
        data.check_sample(0)


def test_frames(load):
    assert load(annotation(total_frames=...))[0]['total_frames'] == 6
    with pytest.raises(ValueError, match="'clip0' has `total_frames` 9, but 6"
                       ' frames'):
        load(annotation(total_frames=9))
    with pytest.raises(ValueError, match='`total_frames` 0, but 6 frames'):
        load(annotation(total_frames=0))


def test_padding_is_cut_off(load):
    """Clips in arrays of one length, as feeders of GCNs keep them."""
    whole = annotation(dims=2, keypoint_score=np.ones((1, 6, 5), 'f4'))
    info = load(dict(whole, total_frames=4))[0]
    assert info['total_frames'] == 4
    for key in ('keypoint', 'keypoint_score'):
        np.testing.assert_array_equal(info[key], whole[key][:, :4])


def test_sample_without_a_name(load):
    data = load(annotation(0), annotation(1, frame_dir=...))
    assert data[1]['frame_dir'] == 'sample1'
    with pytest.raises(ValueError, match='annotation 1 has no `frame_dir`'):
        load(annotation(0), annotation(1, frame_dir=...),
             split=dict(train=['clip0']), split_='train')


@pytest.mark.parametrize('content, words', [
    (dict(split=['train'], annotations=[annotation()]),
     r'`split` is a list, not a dict.*dict\(split={name'),
    (dict(annotations={'clip0': annotation()}), 'no `annotations`'),
    (dict(annotations=[[1, 2]]), 'annotation 0 is a list, not a dict'),
    (dict(split=dict(train='clip0'), annotations=[annotation()]),
     "split 'train' is 'clip0', not a list"),
    (dict(split=dict(train=[0]), annotations=[annotation()]),
     "lists 1 names, such as 0, none .* such as 'clip0'"),
    ([annotation()], "no split 'train', but .* take `split` out")])
def test_other_forms_are_named(load, content, words):
    with pytest.raises(ValueError, match=f'mine.pkl.*{words}'):
        load(content=content, split_='train')


def test_names_of_a_split_without_annotation(load):
    assert len(load(annotation(0), split=dict(train={'clip0', 'clip9'}),
                    split_='train')) == 1


@pytest.mark.parametrize('protocol', range(6))
def test_pickle_of_numpy_2(load, tmp_path, protocol):
    data = pickle.dumps([annotation()], protocol)
    newer = data.replace(b'numpy.core.', b'numpy._core.')
    if protocol >= 4:  # frames and names say how long they are
        newer = _renamed(data)
    assert (b'numpy._core' in newer) and newer != data
    (tmp_path / 'new.pkl').write_bytes(newer)
    data = SkeletonDataset(str(tmp_path / 'new.pkl'), [])
    assert np.array_equal(data[0]['keypoint'], annotation()['keypoint'])


def _renamed(data):
    """A pickle of protocol 4 or 5 without frames, the module renamed."""
    import pickletools
    from io import BytesIO
    out = BytesIO()
    steps = list(pickletools.genops(data))
    for (op, arg, start), end in zip(
            steps, [s[2] for s in steps[1:]] + [len(data)]):
        if op.name == 'FRAME':
            continue
        if op.name == 'SHORT_BINUNICODE' and arg.startswith('numpy.core'):
            name = arg.replace('numpy.core', 'numpy._core').encode()
            out.write(b'\x8c' + bytes([len(name)]) + name)
        else:
            out.write(data[start:end])
    return out.getvalue()


def test_module_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv('LVLM_VAR_TRUST_PICKLES', '1')
    path = tmp_path / 'a.pkl'
    path.write_bytes(b'cnowhere.at_all\nThing\n.')
    with pytest.raises(ValueError, match="'nowhere', which is not installed"):
        SkeletonDataset(str(path), [])
