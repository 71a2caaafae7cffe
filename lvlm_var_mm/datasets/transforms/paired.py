"""The pipeline of a pair: a video and a skeleton, each by its own steps."""
from typing import Dict, List, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmaction.registry import TRANSFORMS

BRANCHES = 'rgb', 'skeleton'
OF_VIDEO = 'filename', 'array'
NOTHING = np.zeros((1, 0), np.float32)


@TRANSFORMS.register_module()
class PairedTransforms(BaseTransform):
    """Transform the video and the skeleton of a pair, each by itself.

    Stock transforms of videos would take ``keypoint`` for pixels of the
    picture, and both sides count ``total_frames``; so neither sees the other.
    Both show the same seconds: the skeleton is cut to the part of the video
    that was sampled, and step i of one is step i of the other.

    A sample may lack one of the two: it has no ``filename`` or no joints, as
    those of ``NTURGBDVideoDataset`` and of any data set of skeletons, or
    nobody is seen in the part that was sampled. What it lacks comes out
    without elements, which is how the model is told.

    Follows ``BodyPartEvents``; ``PackActionInputs`` with
    ``collect_keys=('rgb', 'skeleton')`` follows it.

    Required Keys: what the steps of the video take, such as filename; fps,
    keypoint_3d (M, T', V, 3) and video_frames (T', ), or of a sample without a
    video keypoint. Those of either side may be absent. Added Keys: rgb,
    (views, C, T, H, W), and skeleton, (views, M, T, V, C); without elements
    where missing. And span, seconds.

    Args:
        rgb (list): Transforms of the video, from ``DecordInit`` to
            ``FormatShape``, among them ``ClipSpan`` behind the sampling.
        skeleton (list): Transforms of ``keypoint``, from there to
            ``FormatGCNInput``. ``ResampleFrames(part=(1., 1.))`` keeps the
            whole of what the video shows.
        missing (str, optional): ``'rgb'`` or ``'skeleton'``: leave it out of
            every sample, as if it had never been recorded.

    Raises:
        ValueError: Another modality is missing, or no ``ClipSpan`` says what
            the video shows.
    """

    def __init__(self, rgb: List[Dict], skeleton: List[Dict],
                 missing: Optional[str] = None) -> None:
        if missing not in (None, *BRANCHES):
            raise ValueError(f'PairedTransforms: `missing` is {missing!r}, '
                             f'must be one of {", ".join(BRANCHES)} or None')
        self.rgb = [TRANSFORMS.build(step) for step in rgb]
        self.skeleton = [TRANSFORMS.build(step) for step in skeleton]
        self.missing = missing

    def transform(self, results: Dict) -> Dict:
        # ``keypoint`` alone is of a data set of skeletons, and ``filename``
        # is theirs then; beside ``keypoint_3d`` it would be pixels.
        joints, filmed = results.get('keypoint'), False
        if 'keypoint_3d' in results or joints is None:
            joints = results.pop('keypoint_3d', None)
            filmed = any(key in results for key in OF_VIDEO)
        results.update(dict.fromkeys(BRANCHES, NOTHING))
        span = None
        if filmed and self.missing != 'rgb':
            video = _through(self.rgb, dict(results))
            if 'span' not in video:
                raise ValueError('PairedTransforms: put ClipSpan behind the '
                                 'sampling of `rgb`, and sample frames in '
                                 'order, without looping short videos')
            results['rgb'], span = video['imgs'], video['span']
            results['span'] = span
            results.setdefault('fps', video.get('avg_fps'))
        if self.missing != 'skeleton' and joints is not None:
            joints, first = _during(joints, results, span)
            if joints.shape[1]:
                inside = _through(self.skeleton, dict(
                    keypoint=joints, total_frames=joints.shape[1],
                    fps=results['fps'], label=results.get('label', -1)))
                results['skeleton'] = inside['keypoint']
                if span is None and 'span' in inside:
                    later = first / results['fps']
                    results['span'] = tuple(t + later for t in inside['span'])
        return results

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(rgb={self.rgb}, '
                f'skeleton={self.skeleton}, missing={self.missing})')


def _through(steps: List[BaseTransform], results: Dict) -> Dict:
    for step in steps:
        results = step(results)
    return results


def _during(joints: np.ndarray, results: Dict,
            span: Optional[Tuple[float, float]]) -> Tuple[np.ndarray, int]:
    """Joints of the frames in a span, None for all, and the number of the
    first of them in the video."""
    frames = results.get('video_frames')
    if frames is None:  # no more is known than that they begin together
        frames = np.arange(joints.shape[1])
    if span is not None:
        seconds = np.asarray(frames) / results['fps']
        inside = (seconds >= span[0]) & (seconds < span[1])
        joints, frames = joints[:, inside], frames[inside]
    return joints, int(frames[0]) if len(frames) else 0
