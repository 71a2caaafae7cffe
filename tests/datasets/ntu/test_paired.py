"""Video and skeleton of a performance in one item of the made sample."""
import pickle
import shutil

import numpy as np
import pytest
from mmcv.transforms import Compose

from lvlm_var_mm.datasets import NTURGBDPairedDataset
from lvlm_var_mm.datasets.corrupt import CorruptSampleError
from lvlm_var_mm.kinematics import check, observe
from lvlm_var_mm.preparation.ntu import prepare_ntu
from lvlm_var_mm.preparation.reencode import reencode_folder
from lvlm_var_mm.synthetic.make import make_sample
from lvlm_var_mm.synthetic.render import SKIN

SKELETONS, VIDEOS = 'nturgb+d_skeletons', 'nturgb+d_rgb'
HEAD = 3
DECODE = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=5, num_clips=1,
         test_mode=True),
    dict(type='DecordDecode')
]
RGB = [
    *DECODE,
    dict(type='PersonCrop'),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='Flip', flip_ratio=1.),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs',
         meta_keys=('frame_dir', 'keypoint_3d', 'video_frames', 'frame_inds',
                    'crop_quadruple'))
]
RGB_POSE = [  # as in MMAction2's RGBPoseConv3D
    dict(type='MMUniformSampleFrames', clip_len=dict(RGB=4, Pose=12),
         num_clips=1),
    dict(type='MMDecode'),
    dict(type='MMCompact', hw_ratio=1., allow_imgpad=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=False),
    dict(type='GeneratePoseTarget', sigma=0.7, use_score=True, with_kp=True,
         with_limb=False, scaling=0.25),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs', collect_keys=('imgs', 'heatmap_imgs'))
]


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    """Drinking and falling of one performer, three views each."""
    return make_sample(
        tmp_path_factory.mktemp('made') / 'sample', repeats=1,
        classes=(1, 43), performers=(3, ), progress=False)


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / 'sample')


def paired(root, pipeline=(), **over):
    return NTURGBDPairedDataset(**{
        **dict(data_root=str(root), pipeline=list(pipeline),
               split='xsub_val', actions=[1, 43]), **over
    })


def assert_heads_are_skin(item):
    """At the head joint of each picture there is skin: joints and pictures
    belong together in space and in time."""
    skin = np.array(SKIN[::-1]) / np.linalg.norm(SKIN)
    assert len(item['imgs']) == item['keypoint'].shape[1]
    for t, picture in enumerate(item['imgs']):
        for joints, score in zip(item['keypoint'], item['keypoint_score']):
            if not score[t, HEAD]:
                continue
            x, y = np.rint(joints[t, HEAD]).astype(int)
            color = picture[y, x] / np.linalg.norm(picture[y, x].astype(float))
            assert color @ skin > .995


def test_an_item_of_both_sides(made):
    dataset = paired(made)
    assert len(dataset) == 6 and 'made' in dataset.metainfo['note']
    item = dataset[0]
    name = item['frame_dir']
    assert item['filename'].endswith(f'{name}_rgb.avi')
    assert item['keypoint_3d'].shape[1:] == (len(item['video_frames']), 25, 3)
    assert item['boxes'].shape == (len(item['video_frames']), 4)
    assert tuple(item['box_shape']) == (120, 160)
    # Names that stock RGB transforms would take for their own.
    assert not {'keypoint', 'total_frames', 'pixels'} & set(item)


def test_stock_rgb_pipeline_keeps_the_joints_for_checking(made):
    dataset, raw = paired(made, RGB), paired(made)
    for i in (0, 5):  # a drink and a fall
        packed = dataset[i]
        assert packed['inputs'].shape == (1, 3, 8, 64, 64)
        sample = packed['data_samples']
        # Metres, as they were, though the pictures were cropped and flipped.
        np.testing.assert_array_equal(sample.keypoint_3d,
                                      raw[i]['keypoint_3d'])
        assert sample.crop_quadruple[2:].min() < 1
        falls = check('the body falls', observe(sample.keypoint_3d))
        assert falls is (i == 5)


def test_pixels_are_those_of_the_picture(made):
    # Stock PoseDecode takes the joints of the sampled frames.
    pipeline = Compose([*DECODE, dict(type='PoseDecode'),
                        dict(type='PersonCrop', aspect=None),
                        dict(type='Resize', scale=(-1, 200)),
                        dict(type='Flip', flip_ratio=1.)])
    for item in paired(made, pixels=True):
        assert item['keypoint_score'].shape == item['keypoint'].shape[:3]
        assert item['keypoint'].shape[1] == item['total_frames']
        item = pipeline(item)
        assert_heads_are_skin(item)
        assert min(item['img_shape']) == 200


def test_a_video_that_was_made_smaller(made, tmp_path):
    reencode_folder(made / VIDEOS, tmp_path / VIDEOS, 64, 1, progress=False)
    dataset = paired(tmp_path, skeletons=str(made), pixels=True)
    assert 'made' in dataset.metainfo['note']
    item = Compose([*DECODE, dict(type='PoseDecode'),
                    dict(type='PersonCrop', margin=0, aspect=None)])(
                        dataset[0])
    full = Compose([*DECODE, dict(type='PersonCrop', margin=0, aspect=None)])(
        paired(made)[0])
    assert_heads_are_skin(item)
    np.testing.assert_allclose(
        item['crop_quadruple'], full['crop_quadruple'], atol=.02)


def test_stock_rgb_and_pose_pipeline(made):
    packed = paired(made, RGB_POSE, pixels=True)[0]
    assert packed['inputs']['imgs'].shape == (1, 3, 4, 64, 64)
    heatmaps = packed['inputs']['heatmap_imgs']
    assert heatmaps.shape == (1, 25, 12, 16, 16)
    assert heatmaps.amax((0, 2, 3, 4)).min() > .5  # each joint is drawn


def test_frames_that_only_one_side_has(root):
    """A skeleton that starts late and goes on beyond the end of the video."""
    dataset = paired(root, pixels=True)
    whole = dataset[0]
    skeletons = dataset.skeletons

    def shifted(row, read=skeletons.get_data_info):
        info = read(row)
        return dict(info, video_frames=info['video_frames'] + 10)

    skeletons.get_data_info = shifted
    late = dataset[0]
    assert late['total_frames'] == whole['total_frames']
    assert not late['keypoint_score'][:, :10].any()
    np.testing.assert_array_equal(late['keypoint'][:, 10:],
                                  whole['keypoint'][:, :-10])


def test_what_lacks_a_counterpart_is_counted(root, monkeypatch):
    said = []
    monkeypatch.setattr('lvlm_var_mm.datasets.ntu.paired.print_log',
                        lambda message, **_: said.append(message))
    names = sorted(p.stem for p in (root / SKELETONS).iterdir())
    (root / SKELETONS / f'{names[0]}.skeleton').unlink()
    for name in names[1:3]:
        (root / VIDEOS / f'{name}_rgb.avi').unlink()
    dataset = paired(root)
    assert [d['frame_dir'] for d in dataset] == names[3:]
    assert said[-1].endswith('3 pairs, beside them 1 without a skeleton and '
                             '2 without a video')


def test_no_pair_at_all_is_an_error(root, tmp_path):
    other = tmp_path / 'other'
    shutil.move(root / SKELETONS, other)
    for path in other.glob('*A001.skeleton'):
        path.unlink()
    for path in (root / VIDEOS).glob('*A043_rgb.avi'):
        path.unlink()
    with pytest.raises(FileNotFoundError, match='both a video and a skel'):
        paired(root, skeletons=str(other))


def test_a_store_and_pickles_as_skeletons(made, tmp_path):
    prepare_ntu(made, tmp_path, processes=1, progress=False)
    raw = paired(made).get_data_info(4)
    item = paired(made, skeletons=str(tmp_path)).get_data_info(4)
    for key in ('keypoint_3d', 'video_frames', 'boxes', 'box_shape'):
        np.testing.assert_array_equal(item[key], raw[key])
    with pytest.raises(ValueError, match='no joints in pixels'):
        len(paired(made, skeletons=str(tmp_path), pixels=True))
    # A 2D pickle has a row for each frame of the video, and scores.
    known = paired(made, pixels=True).get_data_info(0)
    flat = dict(
        frame_dir=known['frame_dir'], label=0, img_shape=(240, 320),
        total_frames=known['total_frames'], keypoint=2 * known['keypoint'],
        keypoint_score=known['keypoint_score'] * np.float32(.7))
    path = tmp_path / 'flat.pkl'
    path.write_bytes(pickle.dumps(dict(
        split=dict(xsub_val=[flat['frame_dir']]), annotations=[flat])))
    item = paired(made, skeletons=str(path), pixels=True)[0]
    np.testing.assert_allclose(item['keypoint'], known['keypoint'])
    np.testing.assert_array_equal(item['keypoint_score'],
                                  flat['keypoint_score'])
    np.testing.assert_allclose(
        item['boxes'][known['video_frames']] / 2, known['boxes'])
    with pytest.raises(ValueError, match='pixels=True'):
        len(paired(made, skeletons=str(path)))


def test_a_corrupt_skeleton_is_skipped_in_training_only(root):
    path = sorted((root / SKELETONS).iterdir())[2]
    path.write_text('nothing')
    dataset = paired(root, RGB)
    assert dataset.prepare_data(2) is None
    assert dataset[2]['inputs'].shape == (1, 3, 8, 64, 64)
    with pytest.raises(CorruptSampleError, match=path.stem):
        paired(root, RGB, test_mode=True)[2]
