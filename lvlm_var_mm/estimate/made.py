"""Clips of noise, in the shape that the data of a config has."""
from typing import Dict, List

import numpy as np
from mmengine.dataset import BaseDataset

from mmaction.registry import DATASETS

FRAMES = 100  # of a skeleton, before its pipeline resamples them
PICTURE = 1080, 1920  # height and width of a video


@DATASETS.register_module()
class MadeClips(BaseDataset):
    """Send noise through the pipeline of a data set that is not there.

    Skeletons have two persons, videos their decoded frames: what reads and
    decodes a file is left out of the pipeline. A clip of a number is always
    the same before its pipeline.

    Args:
        pipeline (list): Of the data set that is stood in for.
        number (int): Clips.
        num_classes (int): Labels are dealt out in turn.
        joints (int): Joints of a skeleton.
        kwargs: Of ``BaseDataset``.
    """

    def __init__(self,
                 pipeline: List[Dict],
                 number: int,
                 num_classes: int = 1,
                 joints: int = 25,
                 **kwargs) -> None:
        self.number, self.num_classes = number, num_classes
        self.joints = joints
        names = [step['type'] for step in pipeline]
        self.sampling, after = None, 0
        if 'DecordDecode' in names:
            self.sampling = next(s for s in pipeline
                                 if s['type'].endswith('SampleFrames'))
            after = names.index('DecordDecode') + 1
        self.flat = bool({'NormalizePicture2D', 'PreNormalize2D'} & set(names))
        super().__init__(pipeline=list(pipeline[after:]), **kwargs)

    def load_data_list(self) -> List[Dict]:
        return [dict(label=i % self.num_classes, frame_dir=f'made{i}')
                for i in range(self.number)]

    def get_data_info(self, idx: int) -> Dict:
        info = super().get_data_info(idx)
        info.update(img_shape=PICTURE, original_shape=PICTURE)
        rng = np.random.default_rng(idx)
        if self.sampling:
            clip_len = self.sampling['clip_len']
            clips = self.sampling.get('num_clips', 1)
            picture = rng.integers(256, size=(*PICTURE, 3), dtype=np.uint8)
            return dict(
                info, imgs=[picture] * (clip_len * clips), modality='RGB',
                clip_len=clip_len, num_clips=clips,
                frame_inds=np.arange(clip_len * clips))
        keypoint = rng.normal(
            size=(2, FRAMES, self.joints, 2 if self.flat else 3))
        info.update(keypoint=keypoint.astype(np.float32),
                    total_frames=FRAMES, modality='Pose', start_index=0)
        if self.flat:
            info['keypoint_score'] = np.ones(
                keypoint.shape[:3], np.float32)
        return info
