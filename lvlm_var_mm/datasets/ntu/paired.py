"""Video and skeleton of the same performance in one item."""
from typing import Dict, List

import decord
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmaction.registry import DATASETS
from ..exclude import plain_name
from .dataset import NTURGBDSkeletonDataset, NTURGBDVideoDataset
from .persons import joint_boxes


@DATASETS.register_module()
class NTURGBDPairedDataset(NTURGBDVideoDataset):
    """The samples of NTU RGB+D that have a video and a skeleton.

    An item is that of ``NTURGBDVideoDataset``, for stock RGB pipelines, with
    the skeleton beside it:

    ``keypoint_3d``         (M, T', V, 3) metres. Not ``keypoint``, which
                            stock transforms take for pixels of the picture
                            and resize, crop and flip with it.
    ``video_frames``        (T', ) the frame of the video that each of the T'
                            frames of the skeleton belongs to; frames without
                            a person are not there.
    ``boxes, box_shape``    what ``PersonCrop`` needs.

    Frames are counted twice, so there is no ``total_frames``: T' counts the
    skeleton, and the T frames of the video are counted by ``DecordInit``.
    Give ``keypoint_3d``, ``video_frames`` and ``frame_inds`` to the
    ``meta_keys`` of ``PackActionInputs``, and what is said about a clip can
    be checked against the joints.

    With ``pixels=True`` the item also has what ``MMUniformSampleFrames``,
    ``MMDecode`` and ``GeneratePoseTarget`` expect (RGBPoseConv3D), with one
    count for both sides, that of the video:

    ``keypoint``            (M, T, V, 2) joints in pixels of the video as it
                            is, re-encoded or not.
    ``keypoint_score``      (M, T, V) 1 for a joint that has a pixel, 0 for
                            one that has none; of a 2D pickle its own.
    ``total_frames``        T. Frames that the skeleton has beyond the
                            video's end are left out, and frames that it does
                            not have are those of nobody.
    ``img_shape``           height and width of the video.

    Args:
        data_root (str): Folder that holds ``nturgb+d_rgb``, or that folder.
        pipeline (list): Transforms.
        split (str): See :mod:`~lvlm_var_mm.datasets.ntu.splits`.
        skeletons (str): Anything that ``NTURGBDSkeletonDataset`` reads: raw
            files, a store or a pickle. Defaults to ``data_root``. Only raw
            files and stores say which frame of the video is which; PYSKL's
            3D pickles give ``keypoint_3d`` alone.
        pixels (bool): See above; for raw files and 2D pickles.
        max_persons (int): Persons kept of a raw file.
        kwargs: Of ``NTURGBDVideoDataset``.

    Raises:
        FileNotFoundError: No sample of the split has both.
        ValueError: ``pixels`` does not go with the kind of ``skeletons``.
    """

    def __init__(self,
                 data_root: str,
                 pipeline: List,
                 split: str,
                 skeletons: str = '',
                 pixels: bool = False,
                 max_persons: int = 2,
                 **kwargs) -> None:
        self.skeleton_root = skeletons or data_root
        self.pixels = pixels
        self.max_persons = max_persons
        super().__init__(
            data_root=data_root, pipeline=pipeline, split=split, **kwargs)

    def load_data_list(self) -> List[dict]:
        """The videos that have a skeleton, in the order of names."""
        videos = super().load_data_list()
        self.skeletons = NTURGBDSkeletonDataset(
            self.skeleton_root, split=self.split, benchmark=self.benchmark,
            actions=self.actions, exclude=sorted(self.exclude),
            max_persons=self.max_persons, pixels=self.pixels)
        # The base class's, which does not read the arrays.
        rows = {
            plain_name(
                BaseDataset.get_data_info(self.skeletons, i)['frame_dir']): i
            for i in range(len(self.skeletons))
        }
        pairs = [
            dict(v, skeleton_row=rows[v['frame_dir']]) for v in videos
            if v['frame_dir'] in rows
        ]
        where = f'{self.data_root} and {self.skeleton_root}'
        if not pairs:
            raise FileNotFoundError(
                f'no sample of {self.split} has both a video and a skeleton '
                f'in {where}: they pair by name, SsssCcccPpppRrrrAaaa')
        print_log(
            f'{where}: {len(pairs)} pairs, beside them '
            f'{len(videos) - len(pairs)} without a skeleton and '
            f'{len(rows) - len(pairs)} without a video', logger='current')
        self._check_kind(pairs[0]['skeleton_row'])
        if 'note' in self.skeletons.metainfo:  # of a made sample
            self._metainfo['note'] = self.skeletons.metainfo['note']
        return pairs

    def _check_kind(self, row: int) -> None:
        if not self.skeletons.ann_file:
            return
        sample = self.skeletons.get_data_info(row)
        flat = sample['keypoint'].shape[-1] == 2
        if flat and not self.pixels:
            raise ValueError(f'{self.skeleton_root} has joints in pixels: '
                             'set `pixels=True`')
        if self.pixels and not flat:
            raise ValueError(
                f'{self.skeleton_root} has no joints in pixels, which '
                '`pixels=True` asks for: set `skeletons` to the raw '
                '.skeleton files or to a 2D pickle')

    def get_data_info(self, idx: int) -> dict:
        """Pair ``idx``.

        Raises:
            CorruptSampleError: One of its files cannot be used; names it.
        """
        info = super().get_data_info(idx)
        skeleton = self.skeletons.get_data_info(info.pop('skeleton_row'))
        joints = skeleton.pop('keypoint')
        del skeleton['total_frames']
        if not self.pixels:
            return {**skeleton, 'keypoint_3d': joints, **info}
        if 'pixels' in skeleton:  # of a raw file
            skeleton['keypoint_3d'] = joints
            joints = skeleton.pop('pixels')
            score = np.isfinite(joints).all(-1)
        else:
            score = skeleton.get('keypoint_score', joints.any(-1))
            seen = np.where(score[..., None] > 0, joints, np.nan)
            skeleton.update(
                video_frames=np.arange(joints.shape[1]),
                boxes=joint_boxes(seen), box_shape=skeleton['img_shape'])
        return {**skeleton, **_in_video(joints, score, skeleton, info), **info}


def _in_video(joints: np.ndarray, score: np.ndarray, skeleton: Dict,
              info: Dict) -> Dict:
    """Joints (M, T', V, 2), NaN where there is none, in pixels of the picture
    that the skeleton points into -> what ``pixels=True`` promises."""
    video = decord.VideoReader(info['filename'], num_threads=1)
    (height, width), number = video[0].shape[:2], len(video)
    old_height, old_width = skeleton['box_shape']
    fits = skeleton['video_frames'] < number
    frames = skeleton['video_frames'][fits]
    persons, _, points = score.shape
    keypoint = np.zeros((persons, number, points, 2), np.float32)
    keypoint_score = np.zeros((persons, number, points), np.float32)
    keypoint[:, frames] = np.nan_to_num(joints[:, fits]) * np.float32(
        [width / old_width, height / old_height])
    keypoint_score[:, frames] = score[:, fits]
    return dict(
        keypoint=keypoint, keypoint_score=keypoint_score, total_frames=number,
        img_shape=(height, width), original_shape=(height, width))
