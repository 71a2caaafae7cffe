"""Skeleton transforms that MMAction2 lacks. All keep the axes of ``keypoint``,
(M, T, V, C): persons, frames, joints, coordinates. A joint that is all zeros,
NaN or without a score is missing, a person whose joints all are is absent;
both come out as zeros, wherever the others go. They need no joint layout but
the joints named in the config."""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.layouts import check_bones, load_layout, vertical_axis
from lvlm_var_mm.moved import renamed
from mmaction.registry import TRANSFORMS
from .missing_joints import first_seen, masked, seen_joints


def _mean(values: np.ndarray, there: np.ndarray, axis) -> np.ndarray:
    """The mean of what is there; 0 where nothing is."""
    number = np.maximum(there.sum(axis), 1).astype(np.float32)
    return np.where(there, values, np.float32(0)).sum(axis) / number


def _vertical(owner: str, up: Sequence[float],
              vertical: Optional[int]) -> int:
    """The number of the vertical axis; ``vertical`` is the old argument."""
    if vertical is not None:
        return renamed(owner, 'vertical', 'up', vertical)
    return vertical_axis(up)


@TRANSFORMS.register_module()
class AlignSkeleton3D(BaseTransform):
    """Put a performance into the body's own frame: the spine at the origin,
    the torso of unit length, the shoulders and hips facing the camera.

    Centre, scale and heading are those of the opening frames of the first
    person who is seen, the same for the whole clip, so that walking and
    turning stay visible.
    Where a joint that they need is missing there, the first frames that show
    it count; where none does, all joints stand in for centre and torso. Unlike
    ``PreNormalize3D`` it turns about the up axis alone: who starts bent down
    stays bent down.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        center (int | tuple[int]): Joint at the origin, or joints whose middle
            is.
        torso (tuple[int, int], optional): Joints whose mean distance is the
            unit. None takes the mean distance of all joints from the centre.
        left_right (list[tuple[int, int]]): Pairs of a left and a right joint;
            their mean direction becomes the x axis. None leaves the heading.
        up (tuple[float]): Points up along one of the axes, as in
            ``BodyPartEvents``; which end of the axis is up makes no
            difference here.
        frames (int): Opening frames that are averaged; one alone is noisy.
        vertical (int, optional): The old name of ``up``: the number of its
            axis.
    """

    def __init__(self,
                 center: Union[int, Sequence[int]] = 1,
                 torso: Optional[Tuple[int, int]] = (0, 2),
                 left_right: Optional[Sequence[Tuple[int, int]]] = (
                     (4, 8), (12, 16)),
                 up: Sequence[float] = (0, 1, 0),
                 frames: int = 5,
                 vertical: Optional[int] = None) -> None:
        self.center = np.atleast_1d(center)
        self.torso = torso
        self.left_right = None if left_right is None else np.array(left_right)
        vertical = _vertical('AlignSkeleton3D', up, vertical)
        self.floor = [i for i in range(3) if i != vertical]
        self.frames = frames

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        if not there.any():
            return dict(results, keypoint=keypoint)
        who = first_seen(there)
        present = there[who].any((-1, -2))  # [T]
        first, seen = keypoint[who][present], there[who][present]  # [T', V, 3]
        center = self._center(first, seen)
        body = keypoint - center
        body /= max(self._unit(first, seen, center), 1e-6)
        if self.left_right is not None:
            across = self._across(first, seen)[self.floor]
            size = np.linalg.norm(across)
            # Whose sides are never seen keeps the heading.
            cos, sin = across / max(size, 1e-6) if size else (1, 0)
            turn = np.array([[cos, sin], [-sin, cos]], dtype=np.float32)
            body[..., self.floor] = body[..., self.floor] @ turn.T
        results['keypoint'] = masked(body, there)
        return results

    def _center(self, first: np.ndarray, seen: np.ndarray) -> np.ndarray:
        known = seen[:, self.center].all((1, 2))
        if not known.any():
            return _mean(first[:self.frames], seen[:self.frames], (0, 1))
        return first[known][:self.frames, self.center].mean((0, 1))

    def _across(self, first: np.ndarray, seen: np.ndarray) -> np.ndarray:
        left, right = self.left_right.T
        known = seen[:, left] & seen[:, right]  # [T', pairs, 1]
        opening = known.any((1, 2))
        across = (first[:, left] - first[:, right])[opening]
        return _mean(across[:self.frames], known[opening][:self.frames],
                     (0, 1))

    def _unit(self, first: np.ndarray, seen: np.ndarray,
              center: np.ndarray) -> float:
        if self.torso is not None:
            a, b = self.torso
            known = seen[:, a, 0] & seen[:, b, 0]
            if known.any():
                return np.linalg.norm(
                    first[known, a] - first[known, b], axis=-1).mean()
            spread = first - center
        else:
            spread = first - first[:, self.center].mean(1, keepdims=True)
            seen = seen & seen[:, self.center].all((1, 2))[:, None, None]
        return _mean(np.linalg.norm(spread, axis=-1), seen[..., 0], (0, 1))


@TRANSFORMS.register_module()
class RandomViewpoint3D(BaseTransform):
    """See the performance from another side and on another body: a random
    turn about the up axis, a random tilt, a random stretch of each axis.

    Required Keys: keypoint. Modified Keys: keypoint.

    Args:
        turn (float): Largest turn about the up axis, degrees.
        tilt (float): Largest tilt about the first level axis, degrees.
        stretch (float): Largest relative change of an axis.
        up (tuple[float]): Points up along one of the axes, or down.
        vertical (int, optional): The old name of ``up``: the number of its
            axis.
    """

    def __init__(self,
                 turn: float = 45.,
                 tilt: float = 20.,
                 stretch: float = 0.1,
                 up: Sequence[float] = (0, 1, 0),
                 vertical: Optional[int] = None) -> None:
        self.turn, self.tilt, self.stretch = turn, tilt, stretch
        self.vertical = _vertical('RandomViewpoint3D', up, vertical)

    def transform(self, results: Dict) -> Dict:
        y = np.deg2rad(np.random.uniform(-self.turn, self.turn))
        x = np.deg2rad(np.random.uniform(-self.tilt, self.tilt))
        about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0],
                            [-np.sin(y), 0, np.cos(y)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)],
                            [0, np.sin(x), np.cos(x)]])
        # x, y, z of these matrices by their number in the data.
        order = [0, 1, 2]
        order[1], order[self.vertical] = order[self.vertical], order[1]
        size = np.random.uniform(1 - self.stretch, 1 + self.stretch, 3)
        matrix = (about_x @ about_y)[np.ix_(order, order)].T * size
        keypoint, _ = seen_joints(results)
        results['keypoint'] = keypoint @ matrix.astype(np.float32)
        return results


@TRANSFORMS.register_module()
class SkeletonFeatures(BaseTransform):
    """Joints, bones and their motion side by side as channels of one stream.

    ``GenSkeFeat`` for any layout; the stock one knows three. A bone without an
    end, and motion between views or to where a joint is missing, are zero.

    Required Keys: keypoint. Optional Keys: num_clips, clip_len. Modified
    Keys: keypoint, (M, T, V, C * features).

    Args:
        feats (list[str]): Of ``'j'`` joints, ``'b'`` bones, ``'jm'`` and
            ``'bm'`` their difference to the next frame.
        inward (list[tuple[int, int]], optional): Bones, each from a joint to
            the one nearer to the centre, as in ``graph_cfg``; for ``'b'`` and
            ``'bm'``.
        layout (str | dict, optional): Names a layout, whose bones are taken
            in the place of ``inward``.
        motion_scale (float): Factor on the differences, which are small
            beside positions.
    """

    def __init__(self,
                 feats: Sequence[str] = ('j', 'jm'),
                 inward: Optional[List[Tuple[int, int]]] = None,
                 motion_scale: float = 5.0,
                 layout: Union[str, Dict, None] = None) -> None:
        if inward is None and layout is not None:
            inward = load_layout(layout).inward
        unknown = set(feats) - {'j', 'b', 'jm', 'bm'}
        if unknown:
            raise ValueError(f'`feats` has {sorted(unknown)}: it may name '
                             'j, b, jm and bm')
        if set(feats) & {'b', 'bm'}:
            check_bones(inward)
        self.feats = list(feats)
        self.inward = inward
        self.motion_scale = motion_scale

    def transform(self, results: Dict) -> Dict:
        joints, there = seen_joints(results)
        streams, known = dict(j=joints), dict(j=there)
        if self.inward is not None:
            outer, inner = np.array(self.inward).T
            streams['b'], known['b'] = np.zeros_like(joints), there.copy()
            known['b'][:, :, outer] &= there[:, :, inner]
            streams['b'][:, :, outer] = (
                joints[:, :, outer] - joints[:, :, inner]
            ) * known['b'][:, :, outer]
        for name in tuple(streams):
            data, seen = streams[name], known[name]
            motion = np.zeros_like(data)
            motion[:, :-1] = np.diff(data, axis=1) * self.motion_scale
            motion[:, :-1] *= seen[:, :-1] & seen[:, 1:]
            if results.get('num_clips', 1) > 1:  # views, one after another
                motion[:, results['clip_len'] - 1::results['clip_len']] = 0
            streams[f'{name}m'] = motion
        results['keypoint'] = np.concatenate(
            [streams[name] for name in self.feats], axis=-1)
        return results
