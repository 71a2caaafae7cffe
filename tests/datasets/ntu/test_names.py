"""Names of samples as others write them."""
import pickle
import shutil

import numpy as np
import pytest

from lvlm_var_mm.datasets import (NTURGBDPairedDataset, NTURGBDSkeletonDataset,
                                  SkeletonDataset)
from lvlm_var_mm.datasets.ntu.skeleton_io import write_skeleton
from lvlm_var_mm.preparation.ntu import prepare_ntu

NAMES = [f'S001C001P001R00{i}A001' for i in (1, 2, 3)]


@pytest.fixture
def extracted(tmp_path):
    """A pickle as MMAction2's ``ntu_pose_extraction.py`` makes them."""
    clips = [dict(frame_dir=f'{name}_rgb', label=0, total_frames=5,
                  img_shape=(240, 320), keypoint=np.ones((1, 5, 17, 2), 'f4'),
                  keypoint_score=np.ones((1, 5, 17), 'f4')) for name in NAMES]
    path = tmp_path / 'extracted.pkl'
    path.write_bytes(pickle.dumps(dict(
        split=dict(xsub_train=[clip['frame_dir'] for clip in clips]),
        annotations=clips)))
    return path


def left(dataset):
    return [dataset.get_data_info(i)['frame_dir'][:20]
            for i in range(len(dataset))]


@pytest.mark.parametrize('kind', [SkeletonDataset, NTURGBDSkeletonDataset])
@pytest.mark.parametrize('exclude', [NAMES[1], f'{NAMES[1]}_rgb'])
def test_excluded_without_or_with_rgb(extracted, kind, exclude):
    dataset = kind(ann_file=str(extracted), split='xsub_train', pipeline=[],
                   exclude=[exclude])
    assert left(dataset) == [NAMES[0], NAMES[2]]


def test_an_excluded_name_with_rgb_is_that_of_the_raw_file(tmp_path):
    for name in NAMES:
        write_skeleton(tmp_path / f'{name}.skeleton',
                       np.ones((1, 5, 25, 3)), np.ones((1, 5, 25, 2)))
    dataset = NTURGBDSkeletonDataset(str(tmp_path), [],
                                     exclude=[f'{NAMES[1]}_rgb'])
    assert left(dataset) == [NAMES[0], NAMES[2]]


def test_pairs_of_videos_and_such_a_pickle(extracted, tmp_path, monkeypatch):
    videos = tmp_path / 'nturgb+d_rgb'
    videos.mkdir()
    for name in NAMES[:2]:
        (videos / f'{name}_rgb.avi').touch()
    dataset = NTURGBDPairedDataset(str(tmp_path), [], 'xsub_train',
                                   skeletons=str(extracted), pixels=True,
                                   serialize_data=False)
    assert [pair['frame_dir'] for pair in dataset.data_list] == NAMES[:2]


def test_second_copies_of_files_are_left_out_by_name(tmp_path, monkeypatch):
    for name in NAMES[:2]:
        write_skeleton(tmp_path / f'{name}.skeleton',
                       np.ones((1, 5, 25, 3)), np.ones((1, 5, 25, 2)))
    copy = f'{NAMES[0]} (1)'
    shutil.copy(tmp_path / f'{NAMES[0]}.skeleton',
                tmp_path / f'{copy}.skeleton')
    said = []
    monkeypatch.setattr('lvlm_var_mm.datasets.exclude.print_log',
                        lambda text, *args: said.append(text))
    assert left(NTURGBDSkeletonDataset(str(tmp_path), [])) == NAMES[:2]
    done = prepare_ntu(tmp_path, tmp_path / 'out', processes=1,
                       progress=False)
    assert done.samples == 2
    assert len(said) == 2 and all(f'1 files, {copy}' in text for text in said)
