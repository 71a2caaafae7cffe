"""Joints on pictures: normalised, and made of joints in space."""
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform

from lvlm_var_mm.layouts import Layout, load_layout, vertical_axis
from mmaction.datasets.transforms import PreNormalize2D
from mmaction.registry import TRANSFORMS
from .missing_joints import masked, seen_joints


@TRANSFORMS.register_module()
class NormalizePicture2D(PreNormalize2D):
    """``PreNormalize2D`` for pictures in which not everything is seen: the
    stock one moves what is absent, zeros, into a corner.

    Required Keys: keypoint, img_shape (optional). Modified Keys: keypoint,
    from pixels to -1 ... 1.
    """

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        results = super().transform(dict(results, keypoint=keypoint))
        results['keypoint'] = masked(results['keypoint'], there)
        return results


@TRANSFORMS.register_module()
class SkeletonPicture(BaseTransform):
    """Look at joints in space along one axis, as on a picture of a given
    size: pixels from the left and from the top, and a score of each joint.

    The clip as a whole fills the picture without being stretched. It is a
    parallel projection, which needs no camera and may follow
    ``RandomViewpoint3D``; MMAction2's ``PoseCompact``, ``Resize``, ``Flip``
    and ``GeneratePoseTarget`` follow it. Of more persons than
    ``max_persons`` the first are kept.

    Required Keys: keypoint (M, T, V, 3). Modified Keys: keypoint
    (M, T, V, 2). Added Keys: keypoint_score (M, T, V), 1 where a joint is
    seen and 0 where not, img_shape and original_shape.

    Args:
        layout (str | dict, optional): Joints whose usual direction up is
            taken, see :func:`lvlm_var_mm.layouts.load_layout`.
        up (sequence, optional): The direction that points up in space, such
            as (0, 1, 0); else that of ``layout``, else y.
        across (int, optional): The axis that becomes the horizontal one.
            Defaults to the first that does not point up.
        size (tuple[int, int]): Height and width of the picture.
        max_persons (int): M of the result at most.
    """

    def __init__(self,
                 layout: Union[str, Dict, Layout, None] = None,
                 up: Optional[Sequence[float]] = None,
                 across: Optional[int] = None,
                 size: Tuple[int, int] = (256, 256),
                 max_persons: int = 2) -> None:
        if up is None:
            up = load_layout(layout).up if layout is not None else (0, 1, 0)
        self.vertical = vertical_axis(up)
        self.downward = up[self.vertical] < 0
        self.across = across if across is not None else next(
            i for i in range(3) if i != self.vertical)
        self.size, self.max_persons = tuple(size), max_persons

    def transform(self, results: Dict) -> Dict:
        keypoint, there = seen_joints(results)
        keypoint = keypoint[:self.max_persons]
        there = there[:self.max_persons, ..., 0]
        x, y = keypoint[..., self.across], keypoint[..., self.vertical]
        flat = np.stack([x, y if self.downward else -y], -1)
        height, width = self.size
        points = flat[there]
        if len(points):
            low, high = points.min(0), points.max(0)
            room = np.array([width - 1, height - 1], np.float32)
            scale = (room / np.maximum(high - low, 1e-6)).min()
            flat = (flat - (low + high) / 2) * scale + room / 2
        results['keypoint'] = np.where(there[..., None], flat,
                                       0).astype(np.float32)
        results['keypoint_score'] = there.astype(np.float32)
        results['img_shape'] = results['original_shape'] = self.size
        return results
