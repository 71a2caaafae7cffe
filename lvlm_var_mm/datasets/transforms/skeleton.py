"""Skeleton transforms that MMAction2 lacks. All keep the axes of ``keypoint``,
(M, T, V, C): persons, frames, joints, coordinates; an absent person is all
zeros. They need no joint layout but the joints named in the config."""
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from mmaction.datasets.transforms import PreNormalize2D
from mmaction.registry import TRANSFORMS


@TRANSFORMS.register_module()
class AlignSkeleton3D(BaseTransform):
    """Put a performance into the body's own frame: the spine at the origin,
    the torso of unit length, the shoulders and hips facing the camera.

    Centre, scale and heading are those of the first person's opening frames,
    the same for the whole clip, so that walking and turning stay visible.
    Unlike ``PreNormalize3D`` it turns about the vertical alone: who starts
    bent down stays bent down.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        center (int): Joint at the origin.
        torso (tuple[int, int], optional): Joints whose mean distance is the
            unit. None takes the mean distance of all joints from the centre.
        left_right (list[tuple[int, int]]): Pairs of a left and a right joint;
            their mean direction becomes the x axis. None leaves the heading.
        vertical (int): The axis of space that points up.
        frames (int): Opening frames that are averaged; one alone is noisy.
    """

    def __init__(self,
                 center: int = 1,
                 torso: Optional[Tuple[int, int]] = (0, 2),
                 left_right: Optional[Sequence[Tuple[int, int]]] = (
                     (4, 8), (12, 16)),
                 vertical: int = 1,
                 frames: int = 5) -> None:
        self.center = center
        self.torso = torso
        self.left_right = None if left_right is None else np.array(left_right)
        self.floor = [i for i in range(3) if i != vertical]
        self.frames = frames

    def transform(self, results: Dict) -> Dict:
        keypoint = results['keypoint'].astype(np.float32)
        present = keypoint.any((-1, -2))  # [M, T]
        first = keypoint[0][present[0]]  # [T', V, 3]
        if not len(first):
            return results
        body = keypoint - first[:self.frames, self.center].mean(0)
        body /= max(self._unit(first), 1e-6)
        if self.left_right is not None:
            left, right = self.left_right.T
            across = (first[:self.frames, left] -
                      first[:self.frames, right]).mean((0, 1))[self.floor]
            cos, sin = across / max(np.linalg.norm(across), 1e-6)
            turn = np.array([[cos, sin], [-sin, cos]], dtype=np.float32)
            body[..., self.floor] = body[..., self.floor] @ turn.T
        results['keypoint'] = body * present[..., None, None]
        return results

    def _unit(self, first: np.ndarray) -> float:
        if self.torso is None:
            spread = first - first[:, self.center:self.center + 1]
        else:
            a, b = self.torso
            spread = first[:, a] - first[:, b]
        return np.linalg.norm(spread, axis=-1).mean()


@TRANSFORMS.register_module()
class NormalizePicture2D(PreNormalize2D):
    """``PreNormalize2D`` for pictures in which not everything is seen: the
    stock one moves what is absent, zeros, into a corner.

    Required Keys: keypoint, img_shape (optional). Modified Keys: keypoint,
    from pixels to -1 ... 1.
    """

    def transform(self, results: Dict) -> Dict:
        keypoint = results['keypoint'].astype(np.float32)
        there = keypoint.any(-1, keepdims=True)
        results = super().transform(dict(results, keypoint=keypoint))
        results['keypoint'] *= there
        return results


@TRANSFORMS.register_module()
class RandomViewpoint3D(BaseTransform):
    """See the performance from another side and on another body: a random
    turn about the vertical, a random tilt, a random stretch of each axis.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        turn (float): Largest turn about the vertical (y), degrees.
        tilt (float): Largest tilt about the horizontal (x), degrees.
        stretch (float): Largest relative change of an axis.
    """

    def __init__(self,
                 turn: float = 45.,
                 tilt: float = 20.,
                 stretch: float = 0.1) -> None:
        self.turn, self.tilt, self.stretch = turn, tilt, stretch

    def transform(self, results: Dict) -> Dict:
        y = np.deg2rad(np.random.uniform(-self.turn, self.turn))
        x = np.deg2rad(np.random.uniform(-self.tilt, self.tilt))
        about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0],
                            [-np.sin(y), 0, np.cos(y)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)],
                            [0, np.sin(x), np.cos(x)]])
        size = np.random.uniform(1 - self.stretch, 1 + self.stretch, 3)
        matrix = (about_x @ about_y).T * size
        results['keypoint'] = results['keypoint'] @ matrix.astype(np.float32)
        return results


@TRANSFORMS.register_module()
class ResampleFrames(BaseTransform):
    """Resample a part of the performance to a fixed number of frames,
    linearly in time. Short clips are slowed down rather than repeated, which
    is what ``UniformSampleFrames`` does with them.

    Required Keys: keypoint. Modified Keys: keypoint, total_frames. Added
    Keys: clip_len, num_clips and, where there is an ``fps``, ``span``, the
    seconds of the performance where the part begins and ends.

    Args:
        clip_len (int): T of the result.
        part (tuple[float, float]): The smallest and the largest part of the
            performance that is taken, at a random place.
        test_mode (bool): Take the largest part, from the middle.
    """

    def __init__(self,
                 clip_len: int,
                 part: Tuple[float, float] = (0.5, 1.0),
                 test_mode: bool = False) -> None:
        self.clip_len = clip_len
        self.part = part
        self.test_mode = test_mode

    def transform(self, results: Dict) -> Dict:
        keypoint = results['keypoint']
        last = keypoint.shape[1] - 1
        if self.test_mode:
            length = self.part[1] * last
            start = (last - length) / 2
        else:
            length = np.random.uniform(*self.part) * last
            start = np.random.uniform(0, last - length)
        if 'fps' in results:
            results['span'] = (start / results['fps'],
                               (start + length) / results['fps'])
        at = np.linspace(start, start + length, self.clip_len)
        before = np.floor(at).astype(int)
        after = np.minimum(before + 1, last)
        weight = (at - before).astype(np.float32)[:, None, None]
        a, b = keypoint[:, before], keypoint[:, after]
        # Halfway between a person and nobody there is nobody to see.
        both = (a.any((-1, -2)) & b.any((-1, -2)))[..., None, None]
        nearest = np.where(weight < 0.5, a, b)
        results['keypoint'] = np.where(both, a * (1 - weight) + b * weight,
                                       nearest)
        results['total_frames'] = results['clip_len'] = self.clip_len
        results['num_clips'] = 1
        return results


@TRANSFORMS.register_module()
class SkeletonFeatures(BaseTransform):
    """Joints, bones and their motion side by side as channels of one stream.

    ``GenSkeFeat`` for any layout: the stock one knows the bones of three.

    Required Keys: keypoint. Modified Keys: keypoint, (M, T, V, C * features).

    Args:
        feats (list[str]): Of ``'j'`` joints, ``'b'`` bones, ``'jm'`` and
            ``'bm'`` their difference to the next frame.
        inward (list[tuple[int, int]], optional): Bones, each from a joint to
            the one nearer to the centre, as in ``graph_cfg``; for ``'b'`` and
            ``'bm'``.
        motion_scale (float): Factor on the differences, which are small
            beside positions.
    """

    def __init__(self,
                 feats: Sequence[str] = ('j', 'jm'),
                 inward: Optional[List[Tuple[int, int]]] = None,
                 motion_scale: float = 5.0) -> None:
        unknown = set(feats) - {'j', 'b', 'jm', 'bm'}
        if unknown:
            raise ValueError(f'`feats` has {sorted(unknown)}: it may name '
                             'j, b, jm and bm')
        if inward is None and set(feats) & {'b', 'bm'}:
            raise ValueError('bones need `inward`, the edges of the layout')
        self.feats = list(feats)
        self.inward = inward
        self.motion_scale = motion_scale

    def transform(self, results: Dict) -> Dict:
        joints = results['keypoint']
        streams = dict(j=joints)
        if self.inward is not None:
            outer, inner = np.array(self.inward).T
            streams['b'] = np.zeros_like(joints)
            streams['b'][:, :, outer] = joints[:, :, outer] - joints[:, :,
                                                                     inner]
        for name in tuple(streams):
            data = streams[name]
            motion = np.zeros_like(data)
            motion[:, :-1] = np.diff(data, axis=1) * self.motion_scale
            there = data.any((-1, -2), keepdims=True)
            motion[:, :-1] *= there[:, :-1] & there[:, 1:]
            streams[f'{name}m'] = motion
        results['keypoint'] = np.concatenate(
            [streams[name] for name in self.feats], axis=-1)
        return results
