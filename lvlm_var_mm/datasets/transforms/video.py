"""Video transforms that MMAction2 lacks."""
from typing import Dict, Optional

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform

from mmaction.datasets.transforms import RandomCrop
from mmaction.registry import TRANSFORMS

# No crop is narrower or lower than this part of the picture: a box of one
# joint has no size, and a few pixels show nobody.
SMALLEST = 0.1


@TRANSFORMS.register_module()
class PersonCrop(RandomCrop):
    """Crop a clip to the persons that its skeleton shows.

    One crop for all pictures of the clip: the union of the boxes of the
    frames that were sampled or, if nobody was seen in these, of all frames.
    Boxes lie in the picture that the skeleton points into, whatever the size
    of the video: one that was re-encoded smaller, resized or cropped before
    is accounted for. Stands before ``Flip``. Without boxes, or where no joint
    has a pixel, the picture stays whole.

    Required Keys: imgs, img_shape, frame_inds (or RGB_inds of
    ``MMUniformSampleFrames``). Optional Keys: boxes (T, 4), left, top, right
    and bottom in pixels, NaN where there is none; video_frames (T, ), the
    frame of the video that each belongs to; box_shape, height and width of
    the picture that the boxes lie in; keypoint (M, T, V, 2), pixels. Modified
    Keys: imgs, img_shape, keypoint. Added Keys: crop_bbox, crop_quadruple.

    Args:
        margin (float): Added on each side, as a part of the longer side of
            the box: joints end at wrists and brows, and objects in the hand
            matter.
        aspect (float, optional): Width by height of the crop, 1 for a
            square; None keeps the shape of the box. The narrower side is
            widened, as far as the picture goes.
        jitter (float): In training, each edge of the crop moves at random by
            up to this part of its width or height.

    Raises:
        ValueError: ``boxes`` without ``video_frames`` or ``box_shape``, or
            the clip was flipped before.
    """

    def __init__(self,
                 margin: float = 0.15,
                 aspect: Optional[float] = 1.,
                 jitter: float = 0.) -> None:
        if margin < 0 or jitter < 0 or (aspect is not None and aspect <= 0):
            raise ValueError('PersonCrop: `margin` and `jitter` must not be '
                             'negative, and `aspect` positive or None')
        self.margin, self.aspect, self.jitter = margin, aspect, jitter

    def transform(self, results: Dict) -> Dict:
        height, width = results['img_shape']
        box = self._persons(results)
        crop = (np.array([0, 0, width, height]) if box is None else
                self._shaped(box, np.array([width, height])))
        x1, y1, x2, y2 = crop
        x, y, w, h = results.get('crop_quadruple', (0, 0, 1, 1))
        results['crop_quadruple'] = np.array(
            [x + w * x1 / width, y + h * y1 / height, w * (x2 - x1) / width,
             h * (y2 - y1) / height], np.float32)
        results['crop_bbox'] = crop
        results['img_shape'] = (int(y2 - y1), int(x2 - x1))
        results['imgs'] = self._crop_imgs(results['imgs'], crop)
        if 'keypoint' in results:
            # Zeros stand for what was not seen and lie nowhere.
            there = results['keypoint'].any(-1, keepdims=True)
            results['keypoint'] = there * self._crop_kps(
                results['keypoint'], crop)
        return results

    @staticmethod
    def _persons(results: Dict) -> Optional[np.ndarray]:
        """Left, top, right and bottom of the persons as parts of the picture
        at hand, None where there are none."""
        if results.get('boxes') is None:
            return None
        absent = {'video_frames', 'box_shape'} - set(results)
        if absent:
            raise ValueError(
                f'PersonCrop: the sample has `boxes` but no {sorted(absent)}')
        if results.get('flip'):
            raise ValueError('PersonCrop: the clip was flipped, its boxes '
                             'were not; put PersonCrop before Flip')
        boxes = np.asarray(results['boxes'], float)
        seen = np.isfinite(boxes).all(1)
        inds = results['RGB_inds' if 'RGB_inds' in results else 'frame_inds']
        chosen = seen & np.isin(results['video_frames'], inds)
        chosen = chosen if chosen.any() else seen
        if not chosen.any():
            return None
        low, high = boxes[chosen, :2].min(0), boxes[chosen, 2:].max(0)
        height, width = results['box_shape']
        x, y, w, h = results.get('crop_quadruple', (0, 0, 1, 1))
        low, high = ((side / [width, height] - [x, y]) / [w, h]
                     for side in (low, high))
        # Joints may lie beside the picture, as far as they please.
        low, high = low.clip(0, 1), high.clip(0, 1)
        return np.concatenate([low, high]) if (low < high).any() else None

    def _shaped(self, box: np.ndarray, picture: np.ndarray) -> np.ndarray:
        """Margin, jitter and aspect -> left, top, right, bottom in pixels,
        within the picture, (2, ) width and height."""
        low, high = box[:2] * picture, box[2:] * picture
        margin = self.margin * (high - low).max()
        low, high = low - margin, high + margin
        if self.jitter:
            reach = self.jitter * (high - low)
            low += np.random.uniform(-1, 1, 2) * reach
            high += np.random.uniform(-1, 1, 2) * reach
        middle = (low + high) / 2
        size = np.maximum(high - low, SMALLEST * picture)
        if self.aspect is not None:
            size = np.maximum(size, size[::-1] * [self.aspect,
                                                  1 / self.aspect])
        size = np.rint(np.minimum(size, picture)).astype(int)
        # Near an edge the crop moves inwards rather than losing its shape.
        low = np.rint(middle - size / 2).astype(int).clip(0, picture - size)
        return np.concatenate([low, low + size])

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(margin={self.margin}, '
                f'aspect={self.aspect}, jitter={self.jitter})')


@TRANSFORMS.register_module()
class KeyFrames(BaseTransform):
    """Keeps pictures of a clip for the vision tower of the language model,
    see :mod:`lvlm_var_mm.models.lvlm.keyframes`. Follows the decoding,
    before anything that is meant for the backbone alone.

    Required Keys: imgs. Added Keys: keyframes, uint8 (num, size, size, 3),
    RGB, evenly from the first frame sampled to the last.

    Args:
        num (int): Pictures.
        size (int): Pixels of their sides; the longer side of a frame is cut
            to the shorter one, around the middle.
    """

    def __init__(self, num: int = 4, size: int = 336) -> None:
        if num < 1 or size < 1:
            raise ValueError('KeyFrames: `num` and `size` must be at least 1')
        self.num, self.size = num, size

    def transform(self, results: Dict) -> Dict:
        chosen = np.linspace(0, len(results['imgs']) - 1, self.num)
        results['keyframes'] = np.stack([
            self._square(results['imgs'][i])
            for i in chosen.round().astype(int)
        ])
        return results

    def _square(self, img: np.ndarray) -> np.ndarray:
        height, width = img.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return mmcv.imresize(img[top:top + side, left:left + side],
                             (self.size, self.size))
